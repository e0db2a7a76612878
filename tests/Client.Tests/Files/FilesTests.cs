using System.Globalization;
using System.Net.Http.Headers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Client.Tests.Files;

public sealed class FilesTests
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 100_000).Select(index => (byte)(index * 7))];
    private static readonly FileReference File = FileReference.Parse("default/in/é b%.bin");

    [Fact]
    public async Task An_upload_starts_again_from_where_the_stream_stood()
    {
        using var node = new FakeNode((seen, index) => index switch
        {
            0 => Answer.Problem(503, ProblemCodes.Unavailable),
            1 => throw new HttpRequestException("reset"),
            _ => Answer.Json("""{"container":"default","path":"in/é b%.bin","length":99990}""", 201),
        });
        using var client = node.Client();
        using var source = new MemoryStream(Content) { Position = 10 };
        var stored = await client.Files.UploadAsync(File, source, Stop);
        Assert.Equal(99_990, stored.Length);
        Assert.Equal(3, node.Seen.Count);
        Assert.All(node.Seen, seen => Assert.True(Content.AsSpan(10).SequenceEqual(seen.Body)));
        Assert.All(node.Seen, seen => Assert.Equal(("PUT", "/v1/files/default/in/%C3%A9%20b%25.bin", "99990"), (seen.Method, seen.Path, seen.Header("Content-Length"))));
    }

    [Fact]
    public async Task An_upload_from_a_stream_that_cannot_go_back_is_tried_once()
    {
        using var node = new FakeNode((_, _) => Answer.Problem(503, ProblemCodes.Unavailable));
        using var client = node.Client();
        var failed = await Assert.ThrowsAsync<BackhaulException>(() => client.Files.UploadAsync(File, new ScriptedStream(Content, StreamEnd.Closed), Stop));
        Assert.True(failed.IsTransient);
        Assert.Single(node.Seen);
    }

    [Fact]
    public async Task A_source_that_cannot_be_read_is_no_broken_connection()
    {
        using var node = new FakeNode((_, _) => Answer.Json("{}"));
        using var client = node.Client();
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.Files.UploadAsync(File, new ScriptedStream(Content, StreamEnd.Broken), Stop));
        Assert.Empty(node.Waits);
    }

    [Fact]
    public async Task A_download_goes_on_where_it_was_however_often_it_breaks()
    {
        using var node = new FakeNode((seen, index) => Serve(seen, Content, "\"a\"", index < 3 ? 20_000 : int.MaxValue));
        using var client = node.Client();
        using var destination = new MemoryStream();
        var head = await client.Files.DownloadAsync(File, destination, stop: Stop);
        Assert.Equal(Content, destination.ToArray());
        Assert.Equal((100_000, "\"a\""), (head.Length, head.ETag));
        Assert.Equal([null, "bytes=20000-", "bytes=40000-", "bytes=60000-"], node.Seen.Select(seen => seen.Header("Range")));
        Assert.Equal([null, "\"a\"", "\"a\"", "\"a\""], node.Seen.Select(seen => seen.Header("If-Range")));
    }

    [Fact]
    public async Task A_file_that_changed_meanwhile_starts_again()
    {
        using var node = new FakeNode((seen, index) => index == 0 ? Serve(seen, Content, "\"a\"", 20_000) : Serve(seen, [.. Content.Reverse()], "\"b\"", int.MaxValue));
        using var client = node.Client();
        using var destination = new MemoryStream();
        destination.Write("kept"u8);
        var head = await client.Files.DownloadAsync(File, destination, stop: Stop);
        Assert.Equal([.. "kept"u8.ToArray(), .. Content.Reverse()], destination.ToArray());
        Assert.Equal("\"b\"", head.ETag);
    }

    [Fact]
    public async Task A_file_that_changed_meanwhile_fails_into_a_stream_that_cannot_go_back()
    {
        using var node = new FakeNode((seen, index) => Serve(seen, Content, index == 0 ? "\"a\"" : "\"b\"", 20_000));
        using var client = node.Client();
        var failed = await Assert.ThrowsAsync<BackhaulException>(() => client.Files.DownloadAsync(File, new OneWayStream(), stop: Stop));
        Assert.Equal(ClientCodes.FileChanged, failed.Code);
    }

    [Fact]
    public async Task A_part_of_a_file_is_asked_for_and_resumed_as_a_part()
    {
        using var node = new FakeNode((seen, index) => Serve(seen, Content, "\"a\"", index == 0 ? 100 : int.MaxValue));
        using var client = node.Client();
        using var destination = new MemoryStream();
        var head = await client.Files.DownloadAsync(File, destination, new ByteRange(1_000, 1_999), Stop);
        Assert.Equal(Content[1_000..2_000], destination.ToArray());
        Assert.Equal(100_000, head.Length);
        Assert.Equal(["bytes=1000-1999", "bytes=1100-1999"], node.Seen.Select(seen => seen.Header("Range")));
    }

    /// <summary>Of a download under way nobody may know yet how long the file will be.</summary>
    [Fact]
    public async Task Bytes_of_a_download_under_way_are_waited_for_also_before_its_length_is_known()
    {
        using var node = new FakeNode((seen, _) =>
        {
            var response = Serve(seen, Content, "\"a\"", int.MaxValue);
            response.Content.Headers.ContentRange = new ContentRangeHeaderValue(1_000, 1_999);
            return response;
        });
        using var client = node.Client();
        using var destination = new MemoryStream();
        var head = await client.Session("s").ReadContentAsync("t1", destination, new ByteRange(1_000, 1_999), TimeSpan.FromSeconds(20), Stop);
        Assert.Equal(Content[1_000..2_000], destination.ToArray());
        Assert.Equal(2_000, head.Length);
        Assert.Equal("/v1/sessions/s/tasks/t1/content?wait=20", Assert.Single(node.Seen).Path);
    }

    [Fact]
    public async Task A_destination_that_cannot_be_written_is_no_broken_connection()
    {
        using var node = new FakeNode((seen, _) => Serve(seen, Content, "\"a\"", int.MaxValue));
        using var client = node.Client();
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.Files.DownloadAsync(File, new FullStream(), stop: Stop));
        Assert.Single(node.Seen);
    }

    [Fact]
    public async Task A_missing_file_has_no_head_and_cannot_be_deleted()
    {
        using var node = new FakeNode((seen, _) => seen.Method == "HEAD" ? new HttpResponseMessage(System.Net.HttpStatusCode.NotFound) : Answer.Problem(404, ProblemCodes.FileNotFound));
        using var client = node.Client();
        Assert.Null(await client.Files.HeadAsync(File, Stop));
        Assert.False(await client.Files.DeleteAsync(File, stop: Stop));
        Assert.Equal(ProblemCodes.FileNotFound, (await Assert.ThrowsAsync<BackhaulException>(() => client.Files.DownloadAsync(File, Stream.Null, stop: Stop))).Code);
    }

    [Fact]
    public async Task A_head_has_length_validator_and_digest()
    {
        using var node = new FakeNode((_, _) =>
        {
            var response = Answer.Json("").With("Repr-Digest", $"sha-512=:AAAA:, sha-256=:{Convert.ToBase64String(new byte[32])}:");
            response.Headers.ETag = new EntityTagHeaderValue("\"a\"");
            response.Content.Headers.ContentLength = 17;
            return response;
        });
        using var client = node.Client();
        var head = (await client.Files.HeadAsync(File, Stop))!;
        Assert.Equal((17, "\"a\"", new string('0', 64)), (head.Length, head.ETag, head.Sha256));
    }

    [Theory]
    [InlineData(-1, null)]
    [InlineData(5, 4L)]
    public async Task Ranges_that_make_no_sense_are_refused_at_once(long from, long? to)
    {
        using var node = new FakeNode((_, _) => throw new InvalidOperationException());
        using var client = node.Client();
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => client.Files.DownloadAsync(File, Stream.Null, new ByteRange(from, to), Stop));
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Ranges and If-Range as a node serves them, breaking off after some bytes.</summary>
    private static HttpResponseMessage Serve(SeenRequest seen, byte[] content, string etag, int bytesMax)
    {
        var (from, to, isPart) = (0, content.Length - 1, false);
        if (seen.Header("Range") is { } range && (seen.Header("If-Range") ?? etag) == etag)
        {
            var bounds = range["bytes=".Length..].Split('-');
            from = int.Parse(bounds[0], CultureInfo.InvariantCulture);
            to = bounds[1].Length == 0 ? to : int.Parse(bounds[1], CultureInfo.InvariantCulture);
            isPart = true;
        }
        var body = content[from..(to + 1)];
        var response = Answer.Stream(
            new ScriptedStream(body[..Math.Min(bytesMax, body.Length)], bytesMax < body.Length ? StreamEnd.Broken : StreamEnd.Closed),
            "application/octet-stream",
            isPart ? 206 : 200);
        response.Headers.ETag = new EntityTagHeaderValue(etag);
        response.Content.Headers.ContentLength = body.Length;
        if (isPart)
            response.Content.Headers.ContentRange = new ContentRangeHeaderValue(from, to, content.Length);
        return response;
    }

    private sealed class OneWayStream : MemoryStream
    {
        public override bool CanSeek => false;
    }

    private sealed class FullStream : MemoryStream
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new IOException("No space left on device");
    }
}
