using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>One node for the class.</summary>
public sealed class BadInputNode : IAsyncLifetime
{
    private NodeFolder? _folder;
    private NodeProcess? _node;

    internal NodeProcess Node => _node!;

    public async ValueTask InitializeAsync()
    {
        _folder = new NodeFolder();
        _node = await NodeProcess.StartAsync(_folder.Data);
        await _node.Api.OpenAsync("bad");
    }

    public async ValueTask DisposeAsync()
    {
        if (_node is not null)
            await _node.DisposeAsync();
        _folder?.Dispose();
    }
}

/// <summary>Wrong input over real HTTP: a problem document with a stable code and a sentence, and nothing has changed.</summary>
public sealed class BadInputTests(BadInputNode fixture) : IClassFixture<BadInputNode>
{
    private const string Good = "\"kind\":\"download\",\"url\":\"http://127.0.0.1:9/x\",\"start\":false";

    private NodeApi Api => fixture.Node.Api;

    public static TheoryData<string, string, string> Tasks => new()
    {
        { "unknown scheme", """{"kind":"download","url":"ftp://example.org/a"}""", "unsupportedScheme" },
        { "file scheme", """{"kind":"download","url":"file:///etc/passwd"}""", "unsupportedScheme" },
        { "relative url", """{"kind":"download","url":"a.bin"}""", "invalidUrl" },
        { "userinfo", """{"kind":"download","url":"http://user:secret@example.org/"}""", "invalidUrl" },
        { "header with CR LF", """{"kind":"download","url":"http://example.org/","headers":{"X-A":"b\r\nHost: evil"}}""", "invalidHeader" },
        { "header name with a space", """{"kind":"download","url":"http://example.org/","headers":{"X A":"b"}}""", "invalidHeader" },
        { "forbidden header", """{"kind":"download","url":"http://example.org/","headers":{"Content-Length":"5"}}""", "forbiddenHeader" },
        { "path that leaves", """{"kind":"download","url":"http://example.org/","destination":"default/../../etc/passwd"}""", "invalidPath" },
        { "absolute path", """{"kind":"download","url":"http://example.org/","destination":{"path":"/etc/passwd"}}""", "invalidPath" },
        { "unknown container", """{"kind":"download","url":"http://example.org/","destination":"nowhere/a.bin"}""", "unknownContainer" },
        { "unknown field", """{"kind":"download","url":"http://example.org/","colour":"red"}""", "unknownField" },
        { "unknown kind", """{"kind":"sideload","url":"http://example.org/"}""", "invalidField" },
        { "priority out of range", """{"kind":"download","url":"http://example.org/","priority":7}""", "invalidField" },
        { "wrong type", """{"kind":"download","url":5}""", "invalidField" },
        { "not JSON", "{", "invalidJson" },
        { "id of the node's form", """{"id":"t5","kind":"download","url":"http://example.org/"}""", "invalidIdentifier" },
    };

    [Theory]
    [MemberData(nameof(Tasks))]
    public async Task A_wrong_task_gets_its_code_and_changes_nothing(string what, string json, string code)
    {
        var before = (await Api.SessionAsync("bad")).GetRawText();
        var answer = await Api.SendAsync(HttpMethod.Post, "/v1/sessions/bad/tasks", json, key: Guid.NewGuid().ToString());
        Assert.Equal(code, answer.Code);
        Assert.True(answer.Status == HttpStatusCode.BadRequest, $"{what}: {(int)answer.Status} {answer.Text}");
        Assert.Matches(@"\w+ .*\w+", answer.Json.GetProperty("detail").GetString());
        Assert.Equal(before, (await Api.SessionAsync("bad")).GetRawText());
    }

    [Theory]
    [InlineData("%20")]
    [InlineData("a%2Fb")]
    [InlineData("%C3%A4")]
    [InlineData("a%0D%0Ab")]
    public async Task An_illegal_identifier_is_told_the_rule(string identifier)
    {
        var answer = await Api.SendAsync(HttpMethod.Put, $"/v1/sessions/{identifier}", "{}");
        Assert.Equal((HttpStatusCode.BadRequest, "invalidIdentifier"), (answer.Status, answer.Code));
        Assert.Contains("128", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_identifier_of_129_characters_or_of_none_is_refused()
    {
        Assert.Equal("invalidIdentifier", (await Api.SendAsync(HttpMethod.Put, "/v1/sessions/" + new string('a', 129), "{}")).Code);
        var empty = await Api.SendAsync(HttpMethod.Put, "/v1/sessions/", "{}");
        Assert.True((int)empty.Status is >= 400 and < 500 && empty.Code is not null, empty.Text);
    }

    [Fact]
    public async Task A_depth_bomb_and_an_oversized_body_are_refused()
    {
        var deep = new string('[', 20_000) + new string(']', 20_000);
        var bomb = await Api.SendAsync(HttpMethod.Post, "/v1/sessions/bad/tasks", deep);
        Assert.True((int)bomb.Status is 400 or 413 && bomb.Code is "invalidJson" or "bodyTooLarge", bomb.Text);

        // Only the head: the answer must not wait for 40 MB that nobody wants.
        var large = await SendRawAsync("PUT /v1/sessions/bad HTTP/1.1", "Content-Type: application/json\r\nContent-Length: 41943040\r\n");
        Assert.StartsWith("HTTP/1.1 413 ", large, StringComparison.Ordinal);
        Assert.Contains("\"bodyTooLarge\"", large, StringComparison.Ordinal);
    }

    [Fact]
    public async Task In_a_batch_a_bad_entry_has_its_own_result_and_the_others_are_accepted()
    {
        await Api.OpenAsync("batch");
        var answer = await Api.SendAsync(HttpMethod.Post, "/v1/sessions/batch/tasks",
            $$"""[{"id":"one",{{Good}}},{"id":"two","kind":"download","url":"gopher://x/"},{"id":"three",{{Good}}}]""", key: "batch-1");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var results = (answer.Json.ValueKind == System.Text.Json.JsonValueKind.Array ? answer.Json : answer.Json.GetProperty("items")).EnumerateArray().ToList();
        Assert.Equal([201, 400, 201], results.Select(result => result.GetProperty("status").GetInt32()));
        Assert.Equal("unsupportedScheme", results[1].GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(2, (await Api.SessionAsync("batch")).GetProperty("counts").GetProperty("suspended").GetInt64());
    }

    [Fact]
    public async Task An_idempotency_key_returns_the_first_answer_and_refuses_other_content()
    {
        await Api.OpenAsync("keys");
        var first = await Api.SendAsync(HttpMethod.Post, "/v1/sessions/keys/tasks", "{" + Good + "}", key: "once");
        var again = await Api.SendAsync(HttpMethod.Post, "/v1/sessions/keys/tasks", "{" + Good + "}", key: "once");
        Assert.Equal((first.Status, first.Text), (again.Status, again.Text));
        var other = await Api.SendAsync(HttpMethod.Post, "/v1/sessions/keys/tasks", "{" + Good + ",\"priority\":1}", key: "once");
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "idempotencyKeyReused"), (other.Status, other.Code));
        Assert.Equal(1, (await Api.SessionAsync("keys")).GetProperty("counts").GetProperty("suspended").GetInt64());
    }

    [Fact]
    public async Task What_is_not_there_is_404_with_a_code_of_its_own()
    {
        Assert.Equal((HttpStatusCode.NotFound, "sessionNotFound"), Short(await Api.GetAsync("/v1/sessions/never")));
        Assert.Equal((HttpStatusCode.NotFound, "taskNotFound"), Short(await Api.GetAsync("/v1/sessions/bad/tasks/never")));
        Assert.Equal((HttpStatusCode.NotFound, "fileNotFound"), Short(await Api.GetAsync("/v1/files/default/never.bin")));
        Assert.Equal((HttpStatusCode.NotFound, "notFound"), Short(await Api.GetAsync("/v1/nothing")));
        Assert.Equal((HttpStatusCode.BadRequest, "futureEvent"), Short(await Api.SendAsync(HttpMethod.Post, "/v1/sessions/bad/events/ack", """{"through":1000}""")));
    }

    [Theory]
    [InlineData("default/..%2F..%2Fetc%2Fpasswd")]
    [InlineData("default/a/%2e%2e/%2e%2e/b")]
    [InlineData("default/.backhaul/parts/x")]
    [InlineData("default/a%00b")]
    public async Task No_path_reaches_out_of_its_container(string path)
    {
        // By hand: a client library would tidy the path up before it is sent.
        var answer = await SendRawAsync($"GET /v1/files/{path} HTTP/1.1");
        Assert.Matches("^HTTP/1.1 (400|404) ", answer);
        Assert.DoesNotContain("root:", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Garbage_on_the_socket_harms_nobody()
    {
        Assert.Contains("400", await SendRawAsync("\u0001\u0002 nonsense"), StringComparison.Ordinal);
        Assert.True(await Api.IsReadyAsync());
    }

    private static (HttpStatusCode Status, string? Code) Short(Answer answer) => (answer.Status, answer.Code);

    private async Task<string> SendRawAsync(string line, string headers = "")
    {
        var request = $"{line}\r\nHost: {fixture.Node.Url.Authority}\r\nConnection: close\r\n{headers}\r\n";
        using var client = new TcpClient();
        await client.ConnectAsync(fixture.Node.Url.Host, fixture.Node.Url.Port, TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }
}
