using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Backhaul.Node.Files;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Api;

public sealed class UploadEndpointsTests : IAsyncLifetime
{
    private const string Chunk = "application/offset+octet-stream";
    private const string Partial = "application/partial-upload";
    private static readonly (string, string) Tus = ("Tus-Resumable", "1.0.0");
    private FileEdge _edge = null!;

    public async ValueTask InitializeAsync() => _edge = await FileEdge.StartAsync(new FilesOptions { StageBytesMax = 1000 });

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Fact]
    public async Task Tus_says_what_it_takes()
    {
        var options = await SendAsync("OPTIONS", "/v1/uploads");
        Assert.Equal((204, "1.0.0", "1000", "sha1,sha256"), (options.Status, options.Header("Tus-Version"), options.Header("Tus-Max-Size"), options.Header("Tus-Checksum-Algorithm")));
        Assert.Equal("creation,creation-with-upload,creation-defer-length,termination,checksum,expiration", options.Header("Tus-Extension"));
        Assert.Equal("max-size=1000, min-size=0, max-age=86400", options.Header("Upload-Limit"));
        var old = await SendAsync("POST", "/v1/uploads", null, null, ("Tus-Resumable", "0.2.2"), ("Upload-Length", "3"));
        Assert.Equal((412, "1.0.0", "1.0.0"), (old.Status, old.Header("Tus-Version"), old.Header("Tus-Resumable")));
    }

    [Fact]
    public async Task An_upload_by_tus_arrives_in_pieces_and_is_read_by_ranges()
    {
        var created = await SendAsync("POST", "/v1/uploads", null, null, Tus, ("Upload-Length", "10"), ("Upload-Metadata", Metadata("in/t.bin")));
        Assert.Equal((201, "1.0.0"), (created.Status, created.Header("Tus-Resumable")));
        var location = created.Header("Location")!;
        Assert.StartsWith("/v1/uploads/default/", location, StringComparison.Ordinal);
        Assert.True(DateTimeOffset.TryParse(created.Header("Upload-Expires"), System.Globalization.CultureInfo.InvariantCulture, out _));

        Assert.Equal((204, "4"), Of(await SendAsync("PATCH", location, "0123", Chunk, Tus, ("Upload-Offset", "0"))));
        var head = await SendAsync("HEAD", location, null, null, Tus);
        Assert.Equal((200, "4", "10", "no-store"), (head.Status, head.Header("Upload-Offset"), head.Header("Upload-Length"), head.Header("Cache-Control")));
        Assert.Equal(Metadata("in/t.bin"), head.Header("Upload-Metadata"));
        var wrong = await SendAsync("PATCH", location, "0123", Chunk, Tus, ("Upload-Offset", "0"));
        Assert.Equal((409, ProblemCodes.UploadOffset), (wrong.Status, wrong.Code));
        Assert.Equal(415, (await SendAsync("PATCH", location, "456789", "text/plain", Tus, ("Upload-Offset", "4"))).Status);
        Assert.Equal((204, "10"), Of(await SendAsync("POST", location, "456789", Chunk, Tus, ("Upload-Offset", "4"), ("X-HTTP-Method-Override", "PATCH"))));
        Assert.Equal((200, "10"), Of(await SendAsync("HEAD", location, null, null, Tus)));
        Assert.Equal("234", (await _edge.SendAsync("GET", "/v1/files/default/in/t.bin", null, ("Range", "bytes=2-4"))).Text);
        Assert.Equal(204, (await SendAsync("DELETE", location, null, null, Tus)).Status);
        Assert.Equal(404, (await SendAsync("HEAD", location, null, null, Tus)).Status);
        Assert.Equal("0123456789", (await _edge.SendAsync("GET", "/v1/files/default/in/t.bin")).Text);
    }

    /// <summary>A file with a media type of its own was refused by the routing, with the advice to send JSON.</summary>
    [Theory]
    [InlineData("image/png")]
    [InlineData("application/json")]
    [InlineData("text/plain; charset=latin1")]
    public async Task A_file_is_taken_whatever_its_sender_calls_it(string media)
    {
        Assert.Equal(201, (await SendAsync("PUT", "/v1/files/default/in/named.bin", "{}", media)).Status);
        Assert.Equal(201, (await SendAsync("POST", "/v1/uploads?path=in/whole.bin", "{}", media, ("Upload-Complete", "?1"))).Status);
        var old = await SendAsync("POST", "/v1/uploads?path=in/old.bin", null, null, ("Upload-Draft-Interop-Version", "3"), ("Upload-Incomplete", "?1"));
        Assert.Equal(201, (await SendAsync("PATCH", old.Header("Location")!, "{}", media, ("Upload-Draft-Interop-Version", "3"), ("Upload-Offset", "0"), ("Upload-Incomplete", "?0"))).Status);
        Assert.Equal("{}", (await _edge.SendAsync("GET", "/v1/files/default/in/old.bin")).Text);
        var tus = await SendAsync("POST", "/v1/uploads?path=in/t.bin", null, null, Tus, ("Upload-Length", "2"));
        var wrong = await SendAsync("PATCH", tus.Header("Location")!, "{}", media, Tus, ("Upload-Offset", "0"));
        Assert.Equal((415, true), (wrong.Status, wrong.Text.Contains(Chunk, StringComparison.Ordinal)));
    }

    /// <summary>What was taken went back in the header of a HEAD, and broke it.</summary>
    [Theory]
    [InlineData("path aW4vYQ==,größe MTA=", 400)]
    [InlineData("path aW4vYQ==,name\tx MTA=", 400)]
    [InlineData("path aW4vYQ==,name größe", 400)]
    [InlineData("path aW4vYQ==,name Z3LDtsOfZQ==,empty", 201)]
    public async Task Metadata_of_an_upload_is_ascii_and_comes_back_as_it_is(string metadata, int status)
    {
        var created = await SendAsync("POST", "/v1/uploads", null, null, Tus, ("Upload-Length", "10"), ("Upload-Metadata", metadata));
        Assert.Equal(status, created.Status);
        if (status == 201)
            Assert.Equal(metadata, (await SendAsync("HEAD", created.Header("Location")!, null, null, Tus)).Header("Upload-Metadata"));
    }

    [Fact]
    public async Task Tus_takes_bytes_with_the_creation_later_lengths_empty_files_and_checksums()
    {
        var whole = await SendAsync("POST", "/v1/uploads?path=q/a", "0123", Chunk, Tus, ("Upload-Length", "4"));
        Assert.Equal((201, "4"), Of(whole));
        Assert.Equal("0123", (await _edge.SendAsync("GET", "/v1/files/default/q/a")).Text);

        Assert.Equal(201, (await SendAsync("POST", "/v1/uploads?path=q/empty", null, null, Tus, ("Upload-Length", "0"))).Status);
        Assert.Equal((200, ""), ((await _edge.SendAsync("GET", "/v1/files/default/q/empty")) is var empty ? (empty.Status, empty.Text) : default));

        var deferred = (await SendAsync("POST", "/v1/uploads?path=q/d", null, null, Tus, ("Upload-Defer-Length", "1"))).Header("Location")!;
        Assert.Equal("1", (await SendAsync("HEAD", deferred, null, null, Tus)).Header("Upload-Defer-Length"));
        const string sha1 = "3f4WM0XTOBk6wr3Bg/jp3P+QS0M=";
        var differs = await SendAsync("PATCH", deferred, "02", Chunk, Tus, ("Upload-Offset", "0"), ("Upload-Checksum", $"sha1 {sha1}"));
        Assert.Equal((460, ProblemCodes.ChecksumMismatch), (differs.Status, differs.Code));
        Assert.Equal(400, (await SendAsync("PATCH", deferred, "01", Chunk, Tus, ("Upload-Offset", "0"), ("Upload-Checksum", $"md5 {sha1}"))).Status);
        Assert.Equal((204, "2"), Of(await SendAsync("PATCH", deferred, "01", Chunk, Tus, ("Upload-Offset", "0"), ("Upload-Checksum", $"sha1 {sha1}"))));
        Assert.Equal((204, "4"), Of(await SendAsync("PATCH", deferred, "23", Chunk, Tus, ("Upload-Offset", "2"), ("Upload-Length", "4"))));
        Assert.Equal("0123", (await _edge.SendAsync("GET", "/v1/files/default/q/d")).Text);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(7)]
    [InlineData(6)]
    [InlineData(5)]
    [InlineData(3)]
    public async Task An_upload_by_the_draft_is_created_carefully_and_appended_to(int interop)
    {
        var version = ("Upload-Draft-Interop-Version", $"{interop}");
        var created = await SendAsync("POST", "/v1/uploads?path=d/a.bin", "", null, version, More(interop, true), ("Upload-Length", "10"));
        Assert.Equal((201, "0"), Of(created));
        Assert.Equal(More(interop, true).Item2, created.Header(More(interop, true).Item1));
        Assert.Contains("max-size=1000", created.Header("Upload-Limit"), StringComparison.Ordinal);
        var location = created.Header("Location")!;
        Assert.Equal((204, "4"), Of(await SendAsync("PATCH", location, "0123", Partial, version, More(interop, true), ("Upload-Offset", "0"))));
        var head = await SendAsync("HEAD", location, null, null, version);
        Assert.Equal((204, "4", "10", "no-store"), (head.Status, head.Header("Upload-Offset"), head.Header("Upload-Length"), head.Header("Cache-Control")));

        var wrong = await SendAsync("PATCH", location, "x", Partial, version, More(interop, true), ("Upload-Offset", "3"));
        Assert.Equal((409, "4"), Of(wrong));
        using var problem = JsonDocument.Parse(wrong.Text);
        Assert.Equal("https://iana.org/assignments/http-problem-types#mismatching-upload-offset", problem.RootElement.GetProperty("type").GetString());
        Assert.Equal((4, 3), (problem.RootElement.GetProperty("expected-offset").GetInt32(), problem.RootElement.GetProperty("provided-offset").GetInt32()));

        var done = await SendAsync("PATCH", location, "456789", Partial, version, More(interop, false), ("Upload-Offset", "4"));
        Assert.Equal((201, "10", More(interop, false).Item2), (done.Status, done.Header("Upload-Offset"), done.Header(More(interop, false).Item1)));
        Assert.Equal("""{"container":"default","path":"d/a.bin","length":10}""", done.Text);
        var again = await SendAsync("PATCH", location, "", Partial, version, More(interop, false), ("Upload-Offset", "10"));
        Assert.Equal((400, ProblemCodes.UploadComplete), (again.Status, again.Code));
        Assert.Equal("0123456789", (await _edge.SendAsync("GET", "/v1/files/default/d/a.bin")).Text);
    }

    [Fact]
    public async Task The_draft_takes_a_whole_file_at_once_and_goes_on_with_what_tus_began()
    {
        var whole = await SendAsync("POST", "/v1/uploads?path=d/w", "0123", null, ("Upload-Complete", "?1"));
        Assert.Equal((201, "?1", "4"), (whole.Status, whole.Header("Upload-Complete"), whole.Header("Upload-Offset")));
        Assert.NotNull(whole.Header("ETag"));
        Assert.Equal(200, (await SendAsync("POST", "/v1/uploads?path=d/w", "01234", null, ("Upload-Complete", "?1"))).Status);

        var begun = (await SendAsync("POST", "/v1/uploads?path=d/both", "01", Chunk, Tus, ("Upload-Length", "4"))).Header("Location")!;
        Assert.Equal((204, "2"), Of(await SendAsync("HEAD", begun)));
        Assert.Equal(201, (await SendAsync("PATCH", begun, "23", Partial, ("Upload-Complete", "?1"), ("Upload-Offset", "2"))).Status);
        var length = await SendAsync("POST", "/v1/uploads?path=d/l", "0123", null, ("Upload-Complete", "?1"), ("Upload-Length", "5"));
        Assert.Equal((400, ProblemCodes.UploadLength), (length.Status, length.Code));
    }

    [Theory]
    [InlineData("/v1/uploads?path=a", 400, ProblemCodes.InvalidRequest)]
    [InlineData("/v1/uploads", 400, ProblemCodes.InvalidPath, "Upload-Complete", "?0")]
    [InlineData("/v1/uploads?path=../a", 400, ProblemCodes.InvalidPath, "Upload-Complete", "?0")]
    [InlineData("/v1/uploads?path=a&container=nowhere", 404, ProblemCodes.UnknownContainer, "Upload-Complete", "?0")]
    [InlineData("/v1/uploads?path=a", 400, ProblemCodes.InvalidHeader, "Upload-Complete", "yes")]
    [InlineData("/v1/uploads?path=a", 400, ProblemCodes.InvalidHeader, "Upload-Complete", "?0", "Upload-Draft-Interop-Version", "99")]
    [InlineData("/v1/uploads?path=a", 413, ProblemCodes.BodyTooLarge, "Upload-Complete", "?0", "Upload-Length", "1001")]
    [InlineData("/v1/uploads?path=a", 400, ProblemCodes.InvalidHeader, "Tus-Resumable", "1.0.0")]
    [InlineData("/v1/uploads?path=a", 400, ProblemCodes.InvalidHeader, "Tus-Resumable", "1.0.0", "Upload-Length", "-1")]
    [InlineData("/v1/uploads?path=a", 413, ProblemCodes.BodyTooLarge, "Tus-Resumable", "1.0.0", "Upload-Length", "1001")]
    [InlineData("/v1/uploads?path=a", 400, ProblemCodes.InvalidHeader, "Tus-Resumable", "1.0.0", "Upload-Length", "1", "Upload-Metadata", "path !!")]
    public async Task A_wrong_creation_gets_its_code_and_leaves_nothing(string path, int status, string code, params string[] headers)
    {
        var answer = await SendAsync("POST", path, null, null, [.. headers.Chunk(2).Select(pair => (pair[0], pair[1]))]);
        Assert.Equal((status, code), (answer.Status, answer.Code));
        Assert.Empty(_edge.Rig.HiddenFiles());
    }

    private static (string, string) More(int interop, bool more) =>
        interop == 3 ? ("Upload-Incomplete", more ? "?1" : "?0") : ("Upload-Complete", more ? "?0" : "?1");

    private static string Metadata(string path) =>
        $"path {Convert.ToBase64String(Encoding.UTF8.GetBytes(path))},container {Convert.ToBase64String("default"u8)},isSecret";

    private static (int, string?) Of(EdgeHost.Answer answer) => (answer.Status, answer.Header("Upload-Offset"));

    private async Task<EdgeHost.Answer> SendAsync(string method, string path, string? body = null, string? type = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new StringContent(body);
            request.Content.Headers.ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type);
        }
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var response = await _edge.Client.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return new EdgeHost.Answer((int)response.StatusCode, text, response.Content.Headers.ContentType?.MediaType, response.Headers, response.Content.Headers);
    }
}
