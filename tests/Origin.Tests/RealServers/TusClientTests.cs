using System.Security.Cryptography;
using Xunit;

namespace Backhaul.Origin.Tests.RealServers;

/// <summary>The client that others use, <c>tus-js-client</c>, against our staging.</summary>
public sealed class TusClientTests
{
    private static readonly TimeSpan Within = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(12_345_678, 0)]
    [InlineData(12_345_678, 3)]
    public async Task A_file_arrives_whole_from_a_real_tus_client(int length, int interruptions)
    {
        using var folder = new NodeFolder();
        await using var node = await NodeProcess.StartAsync(folder.Data);
        var (file, content) = await MakeAsync(folder, length);
        var address = await UploadAsync(node, file, interruptions);
        Assert.StartsWith($"{node.Url}v1/uploads/default/", address, StringComparison.Ordinal);
        await AssertArrivedAsync(folder, content);
    }

    [Fact]
    public async Task Killed_while_a_real_client_uploads_the_node_goes_on_from_what_it_had_counted()
    {
        using var folder = new NodeFolder();
        var port = Machine.FreePort();
        var (file, content) = await MakeAsync(folder, 80_000_000);
        Task<string> upload;
        await using (var first = await NodeProcess.StartAsync(folder.Data, port: port))
        {
            upload = UploadAsync(first, file, 0);
            for (var kills = 0; kills < 1; kills++)
            {
                await Eventually.TrueAsync(() => Task.FromResult(upload.IsCompleted || Counted(folder) > 3_000_000), Within, () => "the first bytes at the node");
                Assert.False(upload.IsCompleted, "it was over before the node died");
                await first.KillAsync();
            }
        }
        await using var second = await NodeProcess.StartAsync(folder.Data, port: port);
        await upload;
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

    private static async Task<string> UploadAsync(NodeProcess node, string file, int interruptions) =>
        (await NpmPeer.RunAsync("tus-client.mjs", [$"{node.Url}v1/uploads", file, "in/from client.bin", $"{interruptions}"], Within)).Trim();

    private static long Counted(NodeFolder folder)
    {
        var uploads = Path.Combine(folder.Data, "files/.backhaul/uploads/default");
        return Directory.Exists(uploads) ? Directory.EnumerateFiles(uploads, "*.bytes").Sum(path => new FileInfo(path).Length) : 0;
    }

    private static async Task AssertArrivedAsync(NodeFolder folder, byte[] content)
    {
        await using var stored = File.OpenRead(folder.FileOf("in/from client.bin"));
        Assert.Equal(SHA256.HashData(content), await SHA256.HashDataAsync(stored, TestContext.Current.CancellationToken));
    }
}
