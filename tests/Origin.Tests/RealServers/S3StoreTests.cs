using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Backhaul.FaultOrigin;
using Xunit;

namespace Backhaul.Origin.Tests.RealServers;

/// <summary>
/// An object store that others use, <c>s3rver</c>, as container and as target. It neither lists nor aborts the parts of uploads, so that what was journaled is all
/// that a next node knows; many kills, and those around the end of a file, are for a store that does (<see cref="Buckets.KilledBucketTests"/>).
/// </summary>
public sealed class S3StoreTests
{
    private const int Length = 22 * 1024 * 1024;

    /// <summary>Slow enough to be killed in between.</summary>
    private const int BytesPerSecond = 8 * 1024 * 1024;

    /// <summary>Heads of requests, and what is asked besides the bytes.</summary>
    private const long Overhead = 256 * 1024;

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(Length)]
    public async Task A_file_becomes_an_object(int length)
    {
        using var folder = new NodeFolder();
        await using var store = await S3Store.StartAsync();
        await using var node = await NodeProcess.StartAsync(folder.Data, store.Settings(asContainer: false));
        await OfferAsync(node, store, length, bytesPerSecond: null);
        await AssertEndedAsync(node);
        Assert.Equal(OriginContent.Sha256("up", length), await store.Sha256Async("in/up.bin"));
    }

    [Fact]
    public async Task A_killed_node_goes_on_with_its_upload_by_what_was_journaled()
    {
        using var folder = new NodeFolder();
        await using var store = await S3Store.StartAsync();
        await using (var first = await NodeProcess.StartAsync(folder.Data, store.Settings(asContainer: false)))
        {
            await OfferAsync(first, store, Length, BytesPerSecond);
            await Eventually.TrueAsync(
                async () => await store.ReceivedAsync() > S3Store.PartBytes * 5 / 2, RealFiles.Within, () => "two parts and a half at the store");
            await first.KillAsync();
        }
        await using var second = await NodeProcess.StartAsync(folder.Data, store.Settings(asContainer: false));
        await AssertEndedAsync(second);
        Assert.Equal(OriginContent.Sha256("up", Length), await store.Sha256Async("in/up.bin"));
        Assert.InRange(await store.ReceivedAsync() - Length, 0, S3Store.PartBytes + Overhead);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(Length)]
    public async Task A_download_into_a_bucket_is_read_back_whole(int length)
    {
        using var folder = new NodeFolder();
        await using var origin = await ScriptedOrigin.StartAsync();
        await using var store = await S3Store.StartAsync();
        await using var node = await NodeProcess.StartAsync(folder.Data, store.Settings(asContainer: true));
        await node.Api.OpenAsync("real");
        await node.Api.DownloadAsync("real", "up", origin.Bytes("down", length), "one.bin");
        await AssertEndedAsync(node);
        Assert.Equal(OriginContent.Sha256("down", length), await store.Sha256Async("default/one.bin"));
        Assert.Equal(OriginContent.Sha256("down", length), Hash(await node.Api.GetFileAsync("default/one.bin")));
    }

    [Fact]
    public async Task A_killed_node_goes_on_with_its_download_into_a_bucket()
    {
        using var folder = new NodeFolder();
        await using var origin = await ScriptedOrigin.StartAsync();
        await using var store = await S3Store.StartAsync();
        await using (var first = await NodeProcess.StartAsync(folder.Data, store.Settings(asContainer: true)))
        {
            await first.Api.OpenAsync("real");
            await first.Api.DownloadAsync("real", "up", origin.Bytes("down", Length, $"rate={BytesPerSecond}"), "one.bin");
            await Eventually.TrueAsync(
                () => Task.FromResult(origin.Requests is [{ BytesSent: > S3Store.PartBytes * 5 / 2 }, ..]), RealFiles.Within, () => "two parts and a half from the origin");
            await first.KillAsync();
        }
        await using var second = await NodeProcess.StartAsync(folder.Data, store.Settings(asContainer: true));
        await AssertEndedAsync(second);
        Assert.Equal(OriginContent.Sha256("down", Length), await store.Sha256Async("default/one.bin"));
        Assert.Equal(2, origin.Requests.Count);
        Assert.StartsWith("bytes=", origin.Requests[1].Range, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_staged_file_is_read_moved_and_removed()
    {
        using var folder = new NodeFolder();
        await using var store = await S3Store.StartAsync();
        await using var node = await NodeProcess.StartAsync(folder.Data, store.Settings(asContainer: true));
        var body = OriginContent.Bytes("up", 0, Length);
        Assert.Equal(HttpStatusCode.Created, (await node.Api.PutFileAsync("default/a/one.bin", body)).Status);
        var moved = await node.Api.SendAsync(HttpMethod.Post, "/v1/files/default/a/one.bin/move", """{"destination":"default/b/two.bin"}""", key: "move");
        Assert.True(moved.Status == HttpStatusCode.Created, moved.Text);
        Assert.Equal(Hash(body), Hash(await node.Api.GetFileAsync("default/b/two.bin")));
        Assert.Equal(HttpStatusCode.NotFound, (await node.Api.GetAsync("/v1/files/default/a/one.bin")).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await node.Api.SendAsync(HttpMethod.Delete, "/v1/files/default/b/two.bin", key: "delete")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await node.Api.GetAsync("/v1/files/default/b/two.bin")).Status);
    }

    private static string Hash(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private static async Task OfferAsync(NodeProcess node, S3Store store, int length, int? bytesPerSecond)
    {
        await node.Api.OpenAsync("real", """{"retry":{"first":"PT0.05S","longest":"PT1S"},"credentials":[{"secret":"store"}]}""");
        await node.Api.PutFileAsync("default/up.bin", OriginContent.Bytes("up", 0, length));
        var added = await node.Api.SendAsync(
            HttpMethod.Post, "/v1/sessions/real/tasks",
            JsonSerializer.Serialize(new
            {
                id = "up",
                kind = "upload",
                uploadProtocol = "s3",
                url = $"{store.Url}/{S3Store.Bucket}/in/up.bin",
                source = "default/up.bin",
                bytesPerSecondMax = bytesPerSecond,
            }),
            key: "up");
        Assert.True(added.Status == HttpStatusCode.Created, added.Text);
    }

    private static async Task AssertEndedAsync(NodeProcess node)
    {
        var ended = await node.Api.EndedAsync("real", "up", RealFiles.Within);
        Assert.True(ended.GetProperty("outcome").GetString() == "succeeded", ended.ToString());
    }
}
