using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Api;

public sealed class TaskEndpointsTests(EdgeFixture edge) : IClassFixture<EdgeFixture>
{
    private const string Tasks = "/v1/sessions/a/tasks";
    private const string Good = """{"kind":"download","url":"https://example.org/a"}""";

    private readonly EdgeHost _host = edge.Fresh;

    [Fact]
    public async Task One_task_is_created_with_a_location()
    {
        var answer = await _host.SendAsync("POST", Tasks, Good);
        Assert.Equal((201, "/v1/sessions/a/tasks/t7"), (answer.Status, answer.Header("Location")));
        var add = Assert.IsType<SessionCommand.AddTask>(Assert.Single(_host.Router.Calls).Command);
        Assert.Equal("https://example.org/a", add.Spec.Url);
    }

    [Theory]
    [InlineData("POST", Tasks, """{"kind":"download","url":"ftp://example.org/a"}""", 400, "unsupportedScheme", "url")]
    [InlineData("POST", Tasks, """{"kind":"download","url":"https://example.org/","headers":{"A":"1\r\nB: 2"}}""", 400, "invalidHeader", "headers.A")]
    [InlineData("POST", Tasks, """{"kind":"download","url":"https://example.org/","headers":{"Host":"b"}}""", 400, "forbiddenHeader", "headers.Host")]
    [InlineData("POST", Tasks, """{"kind":"download","url":"https://example.org/","destination":"default/../x"}""", 400, "invalidPath", "destination")]
    [InlineData("POST", Tasks, """{"kind":"download","url":"https://example.org/","group":"g h"}""", 400, "invalidIdentifier", "group")]
    [InlineData("POST", Tasks, """{"kind":"download","url":"https://example.org/","costPolicy":"cheap"}""", 400, "invalidField", "costPolicy")]
    [InlineData("POST", Tasks, "", 400, "invalidJson", null)]
    [InlineData("POST", Tasks, "[", 400, "invalidJson", null)]
    [InlineData("POST", Tasks, "[{}", 400, "invalidJson", null)]
    [InlineData("POST", Tasks, "[] []", 400, "invalidJson", null)]
    [InlineData("POST", Tasks, "[{},]", 400, "invalidJson", null)]
    [InlineData("POST", "/v1/sessions/a%20b/tasks", Good, 400, "invalidIdentifier", null)]
    [InlineData("GET", Tasks + "/a%20b", null, 400, "invalidIdentifier", null)]
    [InlineData("GET", Tasks + "/a%20b/why", null, 400, "invalidIdentifier", null)]
    [InlineData("POST", Tasks + "/a%20b/cancel", null, 400, "invalidIdentifier", null)]
    [InlineData("POST", Tasks + "/t1/cancel", "{\"why\":1}", 400, "invalidRequest", null)]
    [InlineData("POST", Tasks + "/t1/make-first", null, 404, "notFound", null)]
    [InlineData("POST", Tasks + "/a%20b/make-current", null, 400, "invalidIdentifier", null)]
    [InlineData("GET", Tasks + "/t1/cancel", null, 405, "methodNotAllowed", null)]
    [InlineData("PATCH", Tasks + "/t1", """{"priority":2}""", 400, "invalidField", "priority")]
    [InlineData("PATCH", Tasks + "/t1", """{"url":"ftp://a"}""", 400, "unsupportedScheme", "url")]
    [InlineData("PATCH", Tasks + "/t1", """{"method":"PUT"}""", 400, "unknownField", "method")]
    [InlineData("PATCH", Tasks + "/t1", """{"headers":{"Range":"bytes=0-"}}""", 400, "forbiddenHeader", "headers.Range")]
    [InlineData("GET", Tasks + "?state=odd", null, 400, "invalidField", "state")]
    [InlineData("GET", Tasks + "?kind=move", null, 400, "invalidField", "kind")]
    [InlineData("GET", Tasks + "?group=a%20b", null, 400, "invalidIdentifier", "group")]
    [InlineData("GET", Tasks + "?cursor=zz", null, 400, "invalidCursor", "cursor")]
    [InlineData("GET", Tasks + "?cursor=5", null, 400, "invalidCursor", "cursor")]
    [InlineData("GET", Tasks + "?limit=-1", null, 400, "invalidField", "limit")]
    public async Task A_bad_call_is_a_problem_and_changes_nothing(string method, string path, string? body, int status, string code, string? field)
    {
        var answer = await _host.SendAsync(method, path, body);
        Assert.Equal((status, code, field), (answer.Status, answer.Code, answer.Field));
        Assert.Empty(_host.Router.Calls);
    }

    [Fact]
    public async Task Bodies_above_their_limits_are_refused()
    {
        var text = new string('d', 1024 * 1024);
        Assert.Equal((413, "bodyTooLarge"), Of(await _host.SendAsync("POST", Tasks, $$"""{"description":"{{text}}"}""")));
        Assert.Equal((413, "bodyTooLarge"), Of(await _host.SendAsync("POST", Tasks, "[" + string.Join(',', Enumerable.Repeat($"\"{text}\"", 9)) + "]")));
        Assert.Equal((400, "tooManyItems"), Of(await _host.SendAsync("POST", Tasks, "[" + string.Join(',', Enumerable.Repeat("{}", 1001)) + "]")));
        Assert.Empty(_host.Router.Calls);
    }

    [Theory]
    [InlineData("")]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/json; charset=latin1")]
    public async Task Another_media_type_is_refused(string type)
    {
        Assert.Equal((415, "unsupportedMediaType"), Of(await _host.SendAsync("POST", Tasks, Good, type)));
        Assert.Equal((415, "unsupportedMediaType"), Of(await _host.SendAsync("PATCH", Tasks + "/t1", "{}", type)));
        Assert.Empty(_host.Router.Calls);
    }

    [Fact]
    public async Task A_bad_entry_of_an_array_has_its_own_answer_and_the_others_are_taken()
    {
        var deep = new string('[', 40) + new string(']', 40);
        var answer = await _host.SendAsync("POST", Tasks, $$""" [ {{Good}} , {"kind":"download","url":"x"}, 7, {"id":{{deep}}}, {{Good}} ]""");
        Assert.Equal(200, answer.Status);
        Assert.Equal([201, 400, 400, 400, 201], answer.Json.EnumerateArray().Select(result => result.GetProperty("status").GetInt32()));
        var entries = Assert.IsType<SessionCommand.AddTasks>(Assert.Single(_host.Router.Calls).Command).Entries;
        Assert.Equal([0L, 1, 2, 3, 4], entries.Select(entry => entry.Index));
        Assert.Equal([null, "invalidUrl", "invalidJson", "invalidJson", null], entries.Select(entry => entry.Problem?.Code));
    }

    [Fact]
    public async Task Queries_and_acts_reach_the_session()
    {
        await _host.SendAsync("GET", Tasks + "?state=failed&kind=upload&limit=7&cursor=" + TaskCursor.Of(42));
        await _host.SendAsync("GET", Tasks + "/t1");
        await _host.SendAsync("GET", Tasks + "/t1/why");
        await _host.SendAsync("GET", Tasks + "/t1/attempts");
        await _host.SendAsync("POST", Tasks + "/t1/resume");
        await _host.SendAsync("POST", Tasks + "/t1/suspend", "{}");
        await _host.SendAsync("POST", Tasks + "/t1/cancel", "");
        await _host.SendAsync("PATCH", Tasks + "/t1", """{"priority":1}""", "application/merge-patch+json");
        var id = TaskId.Parse("t1");
        Assert.Equal<SessionCommand>(
            [
                new SessionCommand.ListTasks("failed", TaskKind.Upload, 42, 7),
                new SessionCommand.GetTask(id),
                new SessionCommand.ExplainTask(id),
                new SessionCommand.ListAttempts(id),
                new SessionCommand.ResumeTask(id),
                new SessionCommand.SuspendTask(id),
                new SessionCommand.CancelTask(id),
                new SessionCommand.ChangeTask(id, new TaskChange { Priority = 1 }),
            ],
            _host.Router.Calls.Select(call => call.Command));
    }

    [Fact]
    public async Task The_key_of_an_intent_goes_with_the_hash_of_what_was_asked()
    {
        var key = ("Idempotency-Key", "0198c0de-0000-7000-8000-000000000001");
        await _host.SendAsync("POST", Tasks, Good, headers: key);
        await _host.SendAsync("POST", Tasks, Good, headers: key);
        await _host.SendAsync("POST", Tasks, Good + " ", headers: key);
        await _host.SendAsync("POST", Tasks, Good);
        await _host.SendAsync("POST", Tasks + "/t1/cancel", headers: key);
        await _host.SendAsync("DELETE", "/v1/sessions/a?mode=cancel", headers: key);
        await _host.SendAsync("DELETE", "/v1/sessions/a?mode=finish", headers: key);
        var keys = _host.Router.Calls.Select(call => call.Key).ToList();
        Assert.Equal(keys[0], keys[1]);
        Assert.Equal(Guid.Parse(key.Item2), keys[0]!.Id.Value);
        Assert.Null(keys[3]);
        ulong?[] hashes = [.. keys.Select(each => each?.ContentHash)];
        Assert.Equal(5, hashes.Where(hash => hash is not null).Distinct().Count());
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a,b c")]
    public async Task A_bad_key_is_refused(string key)
    {
        Assert.Equal((400, "invalidIdempotencyKey"), Of(await _host.SendAsync("POST", Tasks, Good, headers: ("Idempotency-Key", key))));
        Assert.Equal((400, "invalidIdempotencyKey"), Of(await _host.SendAsync("POST", Tasks + "/t1/cancel", headers: ("Idempotency-Key", key))));
        Assert.Empty(_host.Router.Calls);
    }

    private static (int, string?) Of(EdgeHost.Answer answer) => (answer.Status, answer.Code);
}
