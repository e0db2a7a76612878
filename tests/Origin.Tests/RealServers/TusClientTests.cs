using System.Security.Cryptography;
using System.Text.Json;
using Xunit;

namespace Backhaul.Origin.Tests.RealServers;

/// <summary>The client that others use, <c>tus-js-client</c>, against our staging.</summary>
public sealed class TusClientTests
{
    private const long ChunkBytes = 1 << 20;

    private static readonly TimeSpan Within = TimeSpan.FromMinutes(2);
    private static readonly JsonSerializerOptions Names = new(JsonSerializerDefaults.Web);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(12_345_678, 0)]
    [InlineData(12_345_678, 3)]
    public async Task A_file_arrives_whole_from_a_real_tus_client(int length, int interruptions)
    {
        using var folder = new NodeFolder();
        await using var node = await NodeProcess.StartAsync(folder.Data);
        var (file, content) = await MakeAsync(folder, length);
        var seen = await UploadAsync(node, file, interruptions);
        Assert.StartsWith($"{node.Url}v1/uploads/default/", seen.Url, StringComparison.Ordinal);
        Assert.Equal((1, interruptions), (seen.Creations, seen.Offsets.Count));
        Assert.All(seen.Offsets.Index(), offset => Assert.True(offset.Item >= 3L * (offset.Index + 1) * ChunkBytes, $"asked where to go on: {offset.Item}"));
        await AssertArrivedAsync(folder, content);
    }

    [Fact]
    public async Task Killed_while_a_real_client_uploads_the_node_goes_on_from_what_it_had_counted()
    {
        using var folder = new NodeFolder();
        var port = Machine.FreePort();
        var (file, content) = await MakeAsync(folder, 80_000_000);
        Task<Seen> upload;
        long kept;
        await using (var first = await NodeProcess.StartAsync(folder.Data, port: port))
        {
            upload = UploadAsync(first, file, 0);
            await Eventually.TrueAsync(() => Task.FromResult(upload.IsCompleted || Kept(folder) > 3_000_000), Within, () => "the first bytes at the node");
            Assert.False(upload.IsCompleted, "it was over before the node died");
            await first.KillAsync();
            kept = Kept(folder);
        }
        await using var second = await NodeProcess.StartAsync(folder.Data, port: port);
        var seen = await upload;
        // Each request's end counts what it brought: at most the one that was under way is sent again.
        Assert.Equal(1, seen.Creations);
        Assert.InRange(Assert.Single(seen.Offsets), kept - (2 * ChunkBytes), kept);
        await AssertArrivedAsync(folder, content);
    }

    private static async Task<(string File, byte[] Content)> MakeAsync(NodeFolder folder, int length)
    {
        var content = new byte[length];
        new Random(length).NextBytes(content);
        var file = Path.Combine(folder.Root, "client.bin");
        await File.WriteAllBytesAsync(file, content, TestContext.Current.CancellationToken);
        return (file, content);
    }

    private static async Task<Seen> UploadAsync(NodeProcess node, string file, int interruptions) => JsonSerializer.Deserialize<Seen>(
        await NpmPeer.RunAsync("tus-client.mjs", [$"{node.Url}v1/uploads", file, "in/from client.bin", $"{interruptions}"], Within), Names)!;

    /// <summary>Written bytes of uploads under way.</summary>
    private static long Kept(NodeFolder folder)
    {
        var uploads = Path.Combine(folder.Data, "files/.backhaul/uploads/default");
        return Directory.Exists(uploads) ? Directory.EnumerateFiles(uploads, "*.bytes").Sum(path => new FileInfo(path).Length) : 0;
    }

    private static async Task AssertArrivedAsync(NodeFolder folder, byte[] content)
    {
        await using var stored = File.OpenRead(folder.FileOf("in/from client.bin"));
        Assert.Equal(SHA256.HashData(content), await SHA256.HashDataAsync(stored, TestContext.Current.CancellationToken));
    }

    /// <summary>What the client tells at its end.</summary>
    private sealed record Seen(string Url, int Creations, IReadOnlyList<long> Offsets);
}
