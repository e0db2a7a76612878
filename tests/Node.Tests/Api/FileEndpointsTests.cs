using System.Net.Sockets;
using System.Text;
using Backhaul.Node.Files;
using Backhaul.Node.Files.Disk;
using Backhaul.Node.Sessions;
using Backhaul.Node.Tests.Files;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Api;

public sealed class FileEndpointsTests : IAsyncLifetime
{
    private const string Hello = "/v1/files/default/in/hello.txt";
    private FileEdge _edge = null!;

    public async ValueTask InitializeAsync() => _edge = await FileEdge.StartAsync(new FilesOptions { StageBytesMax = 1000 });

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Fact]
    public async Task A_file_is_stored_read_and_removed()
    {
        var put = await _edge.SendAsync("PUT", Hello, "0123456789");
        Assert.Equal((201, Hello), (put.Status, put.Header("Location")));
        Assert.Equal("""{"container":"default","path":"in/hello.txt","length":10}""", put.Text);
        Assert.Equal(200, (await _edge.SendAsync("PUT", Hello, "0123456789")).Status);

        var get = await _edge.SendAsync("GET", Hello);
        Assert.Equal((200, "0123456789", "application/octet-stream", "nosniff"), (get.Status, get.Text, get.MediaType, get.Header("X-Content-Type-Options")));
        Assert.Equal("bytes", get.Header("Accept-Ranges"));
        Assert.NotNull(get.ContentHeaders.LastModified);
        var head = await _edge.SendAsync("HEAD", Hello);
        Assert.Equal((200, "", 10L, get.Header("ETag")), (head.Status, head.Text, head.ContentHeaders.ContentLength, head.Header("ETag")));

        Assert.Equal(204, (await _edge.SendAsync("DELETE", Hello)).Status);
        var gone = await _edge.SendAsync("GET", Hello);
        Assert.Equal((404, ProblemCodes.FileNotFound), (gone.Status, gone.Code));
        Assert.Equal((404, ProblemCodes.FileNotFound), ((await _edge.SendAsync("DELETE", Hello)) is var again ? (again.Status, again.Code) : default));
    }

    [Fact]
    public async Task A_file_is_moved_and_a_temporary_result_by_whoever_has_its_session()
    {
        var put = await _edge.SendAsync("PUT", Hello, "0123456789");
        var moved = await MoveAsync(Hello, """{"destination":"default/out/b.txt"}""", ("If-Match", put.Header("ETag")!));
        Assert.Equal((201, "/v1/files/default/out/b.txt", put.Header("ETag")), (moved.Status, moved.Header("Location"), moved.Header("ETag")));
        Assert.Equal("""{"container":"default","path":"out/b.txt","length":10}""", moved.Text);
        Assert.Equal(404, (await MoveAsync(Hello, """{"destination":"default/out/c.txt"}""")).Status);
        Assert.Equal(200, (await MoveAsync(Hello, """{"destination":"default/out/b.txt"}""", ("If-Match", put.Header("ETag")!))).Status);
        Assert.Equal(412, (await MoveAsync("/v1/files/default/out/b.txt", """{"destination":{"path":"out/b.txt"},"overwrite":false}""")).Status);

        var files = new Backhaul.Node.Transfers.TaskFiles(SessionKey.Parse("default/photos"), 2, TaskId.Parse("t.1"), ContainerName.Default, null);
        var view = await _edge.Rig.Parts.PublishWholeAsync(files, FilesRig.Owner(), "result"u8.ToArray(), null, true, TestContext.Current.CancellationToken);
        var hidden = $"/v1/files/default/{view.Path}";
        Assert.Equal(400, (await MoveAsync(hidden, """{"destination":"default/kept"}""")).Status);
        Assert.Equal(404, (await MoveAsync(hidden, """{"destination":"default/kept","session":"others"}""")).Status);
        Assert.Equal(201, (await MoveAsync(hidden, """{"destination":"default/kept","session":"photos"}""")).Status);
        Assert.Equal("result", (await _edge.SendAsync("GET", "/v1/files/default/kept")).Text);
        Assert.Empty(_edge.Rig.HiddenFiles());
    }

    [Theory]
    [InlineData(Hello, "{}", 400, ProblemCodes.InvalidField)]
    [InlineData(Hello, """{"destination":"default/../x"}""", 400, ProblemCodes.InvalidPath)]
    [InlineData(Hello, """{"destination":"nowhere/x"}""", 404, ProblemCodes.UnknownContainer)]
    [InlineData(Hello, """{"destination":"default/x","session":"s"}""", 400, ProblemCodes.InvalidField)]
    [InlineData(Hello, """{"destination":"default/x","to":"y"}""", 400, ProblemCodes.UnknownField)]
    [InlineData("/v1/files/default/.backhaul/results/x", """{"destination":"default/x","session":"s"}""", 404, ProblemCodes.FileNotFound)]
    [InlineData("/v1/files/default/.backhaul/parts/x", """{"destination":"default/x","session":"s"}""", 400, ProblemCodes.InvalidPath)]
    public async Task A_wrong_move_gets_its_code(string path, string body, int status, string code)
    {
        var answer = await MoveAsync(path, body);
        Assert.Equal((status, code), (answer.Status, answer.Code));
    }

    private Task<EdgeHost.Answer> MoveAsync(string path, string body, params (string, string)[] headers) =>
        _edge.SendAsync("POST", $"{path}/move", body, headers);

    [Theory]
    [InlineData("bytes=0-3", 206, "0123", "bytes 0-3/10")]
    [InlineData("bytes=4-", 206, "456789", "bytes 4-9/10")]
    [InlineData("bytes=-3", 206, "789", "bytes 7-9/10")]
    [InlineData("bytes=-99", 206, "0123456789", "bytes 0-9/10")]
    [InlineData("bytes=9-99", 206, "9", "bytes 9-9/10")]
    [InlineData("bytes=0-0", 206, "0", "bytes 0-0/10")]
    [InlineData("bytes=10-", 416, null, "bytes */10")]
    [InlineData("bytes=99-100", 416, null, "bytes */10")]
    [InlineData("bytes=0-1,4-5", 200, "0123456789", null)]
    [InlineData("bytes=4-2", 200, "0123456789", null)]
    [InlineData("items=0-3", 200, "0123456789", null)]
    [InlineData("nonsense", 200, "0123456789", null)]
    public async Task Ranges(string range, int status, string? content, string? contentRange)
    {
        await _edge.SendAsync("PUT", Hello, "0123456789");
        var answer = await _edge.SendAsync("GET", Hello, null, ("Range", range));
        Assert.Equal((status, contentRange), (answer.Status, answer.ContentHeaders.ContentRange?.ToString()));
        if (content is not null)
            Assert.Equal(content, answer.Text);
        else
            Assert.Equal(ProblemCodes.RangeNotSatisfiable, answer.Code);
    }

    [Fact]
    public async Task Conditions_of_reading()
    {
        var etag = (await _edge.SendAsync("PUT", Hello, "0123456789")).Header("ETag")!;
        Assert.Equal(304, (await _edge.SendAsync("GET", Hello, null, ("If-None-Match", etag))).Status);
        Assert.Equal(200, (await _edge.SendAsync("GET", Hello, null, ("If-None-Match", "\"other\""))).Status);
        Assert.Equal(200, (await _edge.SendAsync("GET", Hello, null, ("If-Match", etag))).Status);
        var failed = await _edge.SendAsync("GET", Hello, null, ("If-Match", "\"other\""));
        Assert.Equal((412, ProblemCodes.PreconditionFailed), (failed.Status, failed.Code));
        Assert.Equal(206, (await _edge.SendAsync("GET", Hello, null, ("Range", "bytes=1-2"), ("If-Range", etag))).Status);
        Assert.Equal(200, (await _edge.SendAsync("GET", Hello, null, ("Range", "bytes=1-2"), ("If-Range", "\"other\""))).Status);
    }

    [Fact]
    public async Task Conditions_of_changing()
    {
        Assert.Equal(412, (await _edge.SendAsync("PUT", Hello, "1", ("If-Match", "*"))).Status);
        var etag = (await _edge.SendAsync("PUT", Hello, "1", ("If-None-Match", "*"))).Header("ETag")!;
        var taken = await _edge.SendAsync("PUT", Hello, "2", ("If-None-Match", "*"));
        Assert.Equal((412, ProblemCodes.PreconditionFailed), (taken.Status, taken.Code));
        var next = (await _edge.SendAsync("PUT", Hello, "2", ("If-Match", etag))).Header("ETag")!;
        Assert.Equal(412, (await _edge.SendAsync("PUT", Hello, "3", ("If-Match", etag))).Status);
        Assert.Equal(412, (await _edge.SendAsync("DELETE", Hello, null, ("If-Match", etag))).Status);
        Assert.Equal("2", (await _edge.SendAsync("GET", Hello)).Text);
        Assert.Equal(204, (await _edge.SendAsync("DELETE", Hello, null, ("If-Match", next))).Status);
    }

    [Theory]
    [InlineData("/v1/files/default/a//b", 400, ProblemCodes.InvalidPath)]
    [InlineData("/v1/files/default/a/", 400, ProblemCodes.InvalidPath)]
    [InlineData("/v1/files/default", 400, ProblemCodes.InvalidPath)]
    [InlineData("/v1/files/default/a%5C..%5Cb", 400, ProblemCodes.InvalidPath)]
    [InlineData("/v1/files/default/..%2F..%2Fetc%2Fpasswd", 400, ProblemCodes.InvalidPath)]
    [InlineData("/v1/files/default/a%2fb", 400, ProblemCodes.InvalidPath)]
    [InlineData("/v1/files/default/a%0Ab", 400, ProblemCodes.InvalidPath)]
    [InlineData("/v1/files/default/.backhaul/parts/x", 400, ProblemCodes.InvalidPath)]
    [InlineData("/v1/files/Default/a", 400, ProblemCodes.InvalidPath)]
    [InlineData("/v1/files/other/a", 404, ProblemCodes.UnknownContainer)]
    public async Task A_path_that_leaves_its_container_is_refused_and_changes_nothing(string target, int status, string code)
    {
        var before = Directory.GetFileSystemEntries(_edge.Rig.Root.Path, "*", SearchOption.AllDirectories);
        foreach (var method in new[] { "PUT", "GET", "DELETE" })
        {
            var (answered, text) = await SendRawAsync($"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx");
            Assert.Equal(status, answered);
            Assert.Contains($"\"{code}\"", text, StringComparison.Ordinal);
        }
        Assert.Equal(before, Directory.GetFileSystemEntries(_edge.Rig.Root.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Dot_segments_never_reach_the_disk()
    {
        await File.WriteAllTextAsync(_edge.Rig.Root.At("secret"), "secret", TestContext.Current.CancellationToken);
        foreach (var target in new[] { "/v1/files/default/../secret", "/v1/files/default/%2e%2e/secret", "/v1/files/default/a/../../secret" })
        {
            var (_, text) = await SendRawAsync($"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            Assert.DoesNotContain("secret\n", text, StringComparison.Ordinal);
            Assert.DoesNotContain("HTTP/1.1 200", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Names_of_any_language_and_percent_signs_are_themselves()
    {
        foreach (var name in new[] { "täst 1+1.bin", "100%25.txt", "日本.bin" })
        {
            var path = $"/v1/files/default/{Uri.EscapeDataString(name)}";
            Assert.Equal((201, path), (await _edge.SendAsync("PUT", path, "x")) is var put ? (put.Status, put.Header("Location")) : default);
            Assert.True(File.Exists(_edge.Rig.Root.At($"default/{name}")), name);
            Assert.Equal("x", (await _edge.SendAsync("GET", path)).Text);
        }
    }

    [Fact]
    public async Task A_body_over_the_limit_is_413_whether_it_says_its_length_or_not()
    {
        var announced = await _edge.SendAsync("PUT", Hello, new string('x', 1001));
        Assert.Equal((413, ProblemCodes.BodyTooLarge), (announced.Status, announced.Code));
        var chunk = new string('x', 1001);
        var (status, text) = await SendRawAsync(
            $"PUT {Hello} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunk.Length:x}\r\n{chunk}\r\n0\r\n\r\n");
        Assert.Equal(413, status);
        Assert.Contains(ProblemCodes.BodyTooLarge, text, StringComparison.Ordinal);
        Assert.Equal(404, (await _edge.SendAsync("GET", Hello)).Status);
        Assert.Empty(_edge.Rig.HiddenFiles());
    }

    [Fact]
    public async Task A_chunked_body_is_stored()
    {
        var (status, _) = await SendRawAsync($"PUT {Hello} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
        Assert.Equal(201, status);
        Assert.Equal("abcde", (await _edge.SendAsync("GET", Hello)).Text);
    }

    [Fact]
    public async Task A_body_that_breaks_off_leaves_nothing()
    {
        using (var socket = await ConnectAsync())
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes($"PUT {Hello} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\nhalf"));
            Assert.True(SpinWait.SpinUntil(() => _edge.Rig.HiddenFiles().Length > 0, TimeSpan.FromSeconds(20)), "The body was never received.");
        }
        Assert.True(SpinWait.SpinUntil(() => _edge.Rig.HiddenFiles().Length == 0, TimeSpan.FromSeconds(20)), "The staging file stayed.");
        Assert.Equal(404, (await _edge.SendAsync("GET", Hello)).Status);
    }

    [Fact]
    public async Task A_part_of_a_file_cannot_be_put()
    {
        var refused = await _edge.SendAsync("PUT", Hello, "x", ("Content-Range", "bytes 0-0/10"));
        Assert.Equal((400, ProblemCodes.InvalidHeader), (refused.Status, refused.Code));
    }

    [Fact]
    public async Task A_full_disk_is_507_with_a_sentence()
    {
        _edge.Rig.Disk.Fail("write", Errno.NoSpace);
        var refused = await _edge.SendAsync("PUT", Hello, "x");
        Assert.Equal((507, ProblemCodes.StorageFull), (refused.Status, refused.Code));
    }

    [Fact]
    public async Task A_planted_link_is_409_for_readers()
    {
        Directory.CreateDirectory(_edge.Rig.Root.At("default"));
        File.CreateSymbolicLink(_edge.Rig.Root.At("default/in"), "/etc");
        var refused = await _edge.SendAsync("GET", "/v1/files/default/in/passwd");
        Assert.Equal((409, ProblemCodes.InvalidPath), (refused.Status, refused.Code));
    }

    [Fact]
    public async Task The_content_of_a_task_is_its_destination_or_its_temporary_result()
    {
        await _edge.SendAsync("PUT", "/v1/files/default/out/a.bin", "0123456789");
        var sha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("0123456789"u8));
        AnswerTask(new FileView { Container = "default", Path = "out/a.bin", Length = 10, Sha256 = sha256 });
        var content = await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content", null, ("Range", "bytes=2-4"));
        Assert.Equal((206, "234"), (content.Status, content.Text));
        Assert.Null(content.Header("Repr-Digest")); // a file of the same length may have been put at the destination since

        var view = await _edge.Rig.Parts.PublishWholeAsync(
            FilesRig.Files(destination: null), FilesRig.Owner(), "temporary"u8.ToArray(), null, true, TestContext.Current.CancellationToken);
        AnswerTask(view);
        Assert.Equal("temporary", (await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content")).Text);
        Assert.Equal(9, (await _edge.SendAsync("HEAD", "/v1/sessions/nightly/tasks/t1/content")).ContentHeaders.ContentLength);
    }

    [Fact]
    public async Task The_content_of_a_task_is_never_another_file_that_was_put_at_its_destination()
    {
        var view = await _edge.Rig.Parts.PublishWholeAsync(
            FilesRig.Files(destination: "out/a.bin"), FilesRig.Owner(), "0123456789"u8.ToArray(), null, true, TestContext.Current.CancellationToken);
        AnswerTask(view with { Sha256 = new string('a', 64) });
        var content = await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content");
        Assert.Equal(("0123456789", true), (content.Text, content.Header("Repr-Digest") is not null));
        await _edge.SendAsync("PUT", "/v1/files/default/out/a.bin", "9876543210");
        var replaced = await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content");
        Assert.Equal((404, ProblemCodes.NoContent), (replaced.Status, replaced.Code));
    }

    [Fact]
    public async Task Without_a_result_there_is_no_content()
    {
        AnswerTask(null, outcome: "failed");
        Assert.Equal(ProblemCodes.NoContent, (await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content")).Code);
        AnswerTask(null, state: "running", outcome: null);
        Assert.Equal(ProblemCodes.NoContent, (await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content")).Code);
        AnswerTask(new FileView { Container = "default", Path = "out/gone.bin", Length = 10 });
        Assert.Equal(ProblemCodes.NoContent, (await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content")).Code);
        AnswerTask(new FileView { Container = "default", Path = ResultPath.Of("0123456789abcdef"), Length = 10 });
        var forgotten = await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content");
        Assert.Equal(ProblemCodes.NoContent, forgotten.Code);
        Assert.Contains("until its taskCompleted was acknowledged", forgotten.Text, StringComparison.Ordinal);
        AnswerTask(new FileView { Container = "default", Path = "out/gone.bin", Length = 10 });
        await _edge.SendAsync("PUT", "/v1/files/default/out/gone.bin", "another length");
        Assert.Equal(ProblemCodes.NoContent, (await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content")).Code);
        _edge.Router.Answer = (_, _) => new(CommandReply.Refuse(404, ProblemCodes.TaskNotFound, "No."));
        Assert.Equal(ProblemCodes.TaskNotFound, (await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content")).Code);
    }

    [Fact]
    public async Task Durable_bytes_of_a_download_under_way_are_read_by_ranges()
    {
        var part = await PartAsync();
        AnswerContent(new TaskContent
        {
            Kind = "download",
            State = "running",
            Generation = 1,
            Container = "default",
            Part = part,
            Durable = RangeSet.Of([new ByteRange(0, 4), new ByteRange(6, 9)]),
            Total = 20,
        });
        foreach (var (range, body, contentRange) in new[] { ("bytes=0-3", "0123", "bytes 0-3/20"), ("bytes=2-9", "23", "bytes 2-3/20"), ("bytes=7-", "78", "bytes 7-8/20") })
        {
            var answer = await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content", null, ("Range", range));
            Assert.Equal((206, body, contentRange), (answer.Status, answer.Text, answer.ContentHeaders.ContentRange?.ToString()));
        }
        foreach (var missing in new[] { "bytes=4-5", "bytes=9-", "bytes=-3" })
            Assert.Equal(ProblemCodes.NoContent, (await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content", null, ("Range", missing))).Code);
        Assert.Equal(ProblemCodes.NoContent, (await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content")).Code);
        Assert.Equal(416, (await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content", null, ("Range", "bytes=20-"))).Status);
        Assert.Equal(ProblemCodes.InvalidField, (await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content?wait=soon")).Code);
    }

    [Fact]
    public async Task A_reader_that_waits_is_answered_when_the_bytes_are_there()
    {
        var part = await PartAsync();
        var content = new TaskContent { Kind = "download", State = "running", Generation = 1, Container = "default", Part = part, Durable = RangeSet.Of(0, 4), Total = 20 };
        _edge.Router.Answer = (index, _) => new(new CommandReply.Done(200, System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(
            index < 2 ? content : content with { Durable = RangeSet.Of(0, 10) }, SessionJson.Default.TaskContent)));
        var answer = await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content?wait=30", null, ("Range", "bytes=2-7"));
        Assert.Equal((206, "234567"), (answer.Status, answer.Text));
    }

    [Fact]
    public async Task A_part_that_went_away_is_looked_for_again()
    {
        await _edge.SendAsync("PUT", "/v1/files/default/out/a.bin", "0123456789");
        var content = new TaskContent { Kind = "download", State = "running", Generation = 1, Container = "default", Part = "v1-1.e1.a1.part", Durable = RangeSet.Of(0, 4), Total = 10 };
        var done = content with { State = "completed", Outcome = "succeeded", File = new FileView { Container = "default", Path = "out/a.bin", Length = 10 } };
        _edge.Router.Answer = (index, _) => new(new CommandReply.Done(200, System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(
            index < 2 ? content : done, SessionJson.Default.TaskContent)));
        Assert.Equal("123", (await _edge.SendAsync("GET", "/v1/sessions/nightly/tasks/t1/content?wait=30", null, ("Range", "bytes=1-3"))).Text);
    }

    /// <summary>A part with the digits in it; its name.</summary>
    private async Task<string> PartAsync()
    {
        await using var part = await _edge.Rig.Parts.CreateAsync(FilesRig.Files(destination: null), FilesRig.Owner(), 20, null, TestContext.Current.CancellationToken);
        await part.WriteAsync("0123456789"u8.ToArray(), 0, TestContext.Current.CancellationToken);
        return part.Name;
    }

    private void AnswerTask(FileView? file, string state = "completed", string? outcome = "succeeded") =>
        AnswerContent(new TaskContent { Kind = "download", State = state, Outcome = outcome, Generation = 1, File = file });

    private void AnswerContent(TaskContent content)
    {
        var json = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(content, SessionJson.Default.TaskContent);
        _edge.Router.Answer = (_, _) => new(new CommandReply.Done(200, json));
    }

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(_edge.Address.Host, _edge.Address.Port, TestContext.Current.CancellationToken);
        return socket;
    }

    /// <summary>As a client that normalizes nothing.</summary>
    private async Task<(int Status, string Text)> SendRawAsync(string request)
    {
        using var socket = await ConnectAsync();
        await socket.SendAsync(Encoding.UTF8.GetBytes(request));
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream);
        var text = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        return (int.Parse(text.Split(' ')[1]), text);
    }
}
