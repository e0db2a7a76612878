using System.Security.Cryptography;
using System.Text.Json;
using Backhaul.FaultOrigin;
using Xunit;

namespace Backhaul.Origin.Tests.RealServers;

/// <summary>Our tus uploads against the server that others use, <c>@tus/server</c>.</summary>
public sealed class TusServerTests
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("tus", 0)]
    [InlineData("tus", 5_000_000)]
    [InlineData("auto", 5_000_000)]
    public async Task A_file_arrives_whole_at_a_real_tus_server(string protocol, int length)
    {
        using var store = new NodeFolder();
        await using var peer = await NpmPeer.StartAsync("tus-server.mjs", store.Root);
        using var folder = new NodeFolder();
        await using var node = await NodeProcess.StartAsync(folder.Data, Settings);
        await AddAsync(node, peer.Address, protocol, length);
        var view = await node.Api.EndedAsync("real", "up", Within);
        Assert.Equal("succeeded", view.GetProperty("outcome").GetString());
        await AssertStoredAsync(store.Root, length);
    }

    [Fact]
    public async Task A_killed_node_goes_on_at_a_real_tus_server_where_it_was()
    {
        const int Length = 60_000_000;
        using var store = new NodeFolder();
        await using var peer = await NpmPeer.StartAsync("tus-server.mjs", store.Root);
        using var folder = new NodeFolder();
        await using (var first = await NodeProcess.StartAsync(folder.Data, Settings))
        {
            await AddAsync(first, peer.Address, "tus", Length);
            await Eventually.TrueAsync(() => Task.FromResult(Stored(store.Root) is { Length: > 3_000_000 }), Within, () => "the first bytes at the server");
            await first.KillAsync();
        }
        await using var second = await NodeProcess.StartAsync(folder.Data, Settings);
        var view = await second.Api.EndedAsync("real", "up", Within);
        Assert.Equal("succeeded", view.GetProperty("outcome").GetString());
        await AssertStoredAsync(store.Root, Length);
    }

    private static Dictionary<string, string> Settings { get; } = new()
    {
        ["Backhaul:Transfers:UploadChunkBytes"] = "1048576",
        ["Backhaul:Transfers:CheckpointInterval"] = "00:00:00.050",
    };

    private static async Task AddAsync(NodeProcess node, string url, string protocol, int length)
    {
        await node.Api.OpenAsync("real", """{"retry":{"first":"PT0.05S","longest":"PT1S"}}""");
        await node.Api.PutFileAsync("default/up.bin", OriginContent.Bytes("up", 0, length));
        await node.Api.SendAsync(
            HttpMethod.Post, "/v1/sessions/real/tasks",
            JsonSerializer.Serialize(new { id = "up", kind = "upload", url, source = "default/up.bin", uploadProtocol = protocol }), key: "up");
    }

    /// <summary>The server's file of an upload has no extension; its notes lie beside it.</summary>
    private static FileInfo? Stored(string folder) =>
        new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.TopDirectoryOnly).SingleOrDefault(file => file.Extension.Length == 0);

    private static async Task AssertStoredAsync(string folder, int length)
    {
        var stored = Stored(folder);
        Assert.NotNull(stored);
        await using var content = stored.OpenRead();
        Assert.Equal(length, content.Length);
        Assert.Equal(OriginContent.Sha256("up", length), Convert.ToHexStringLower(await SHA256.HashDataAsync(content, TestContext.Current.CancellationToken)));
    }
}
