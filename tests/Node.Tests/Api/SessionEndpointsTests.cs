using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Api;

public sealed class SessionEndpointsTests(EdgeFixture edge) : IClassFixture<EdgeFixture>
{
    private readonly EdgeHost _host = edge.Fresh;

    [Fact]
    public async Task Put_creates_with_a_location_and_passes_the_configuration()
    {
        var answer = await _host.SendAsync("PUT", "/v1/sessions/night.batch", """{"requestTimeout":"PT5S"}""");
        Assert.Equal((201, "/v1/sessions/night.batch", "application/json"), (answer.Status, answer.Header("Location"), answer.MediaType));
        var open = Assert.IsType<SessionCommand.Open>(Assert.Single(_host.Router.Calls).Command);
        Assert.Equal(TimeSpan.FromSeconds(5), open.Configuration!.RequestTimeout);
        Assert.Equal("default/night.batch", _host.Router.Calls[0].Session.ToString());
    }

    [Theory]
    [InlineData(null, "application/json")]
    [InlineData("", "")]
    public async Task Put_without_a_body_keeps_the_configuration_in_force(string? body, string contentType)
    {
        Assert.Equal(201, (await _host.SendAsync("PUT", "/v1/sessions/a", body, contentType)).Status);
        Assert.Null(Assert.IsType<SessionCommand.Open>(Assert.Single(_host.Router.Calls).Command).Configuration);
    }

    [Theory]
    [InlineData("PUT", "/v1/sessions", null, 400, "invalidIdentifier")]
    [InlineData("PUT", "/v1/sessions/", "{}", 400, "invalidIdentifier")]
    [InlineData("PUT", "/v1/sessions/a%20b", null, 400, "invalidIdentifier")]
    [InlineData("PUT", "/v1/sessions/a%2Fb", null, 400, "invalidIdentifier")]
    [InlineData("PUT", "/v1/sessions/caf%C3%A9", null, 400, "invalidIdentifier")]
    [InlineData("GET", "/v1/sessions/a%0d%0ab", null, 400, "invalidIdentifier")]
    [InlineData("DELETE", "/v1/sessions/a@b", null, 400, "invalidIdentifier")]
    [InlineData("PUT", "/v1/sessions/a", "{", 400, "invalidJson")]
    [InlineData("PUT", "/v1/sessions/a", "[]", 400, "invalidJson")]
    [InlineData("PUT", "/v1/sessions/a", """{"container":"other"}""", 400, "unknownContainer")]
    [InlineData("PUT", "/v1/sessions/a", """{"unconstrained":true}""", 400, "unknownField")]
    [InlineData("DELETE", "/v1/sessions/a?mode=now", null, 400, "invalidField")]
    [InlineData("DELETE", "/v1/sessions/a", """{"mode":"cancel"}""", 400, "invalidRequest")]
    [InlineData("GET", "/v1/sessions?limit=0", null, 400, "invalidField")]
    [InlineData("GET", "/v1/sessions?limit=501", null, 400, "invalidField")]
    [InlineData("GET", "/v1/sessions?limit=ten", null, 400, "invalidField")]
    [InlineData("GET", "/v1/sessions?limit=1&limit=2", null, 400, "invalidField")]
    [InlineData("GET", "/v1/sessions?state=odd", null, 400, "invalidField")]
    [InlineData("GET", "/v1/sessions?cursor=%F0%9F%A4%96", null, 400, "invalidCursor")]
    [InlineData("GET", "/v1/sessions?cursor=AAAA", null, 400, "invalidCursor")]
    [InlineData("GET", "/v1/sessions?cursor=a", null, 400, "invalidCursor")]
    [InlineData("POST", "/v1/sessions/a", "{}", 405, "methodNotAllowed")]
    [InlineData("GET", "/v1", null, 404, "notFound")]
    [InlineData("GET", "/v2/sessions", null, 404, "notFound")]
    [InlineData("PUT", "/v1/sessions/a/b", "{}", 404, "notFound")]
    public async Task A_bad_call_is_a_problem_and_changes_nothing(string method, string path, string? body, int status, string code)
    {
        var answer = await _host.SendAsync(method, path, body);
        Assert.Equal((status, code), (answer.Status, answer.Code));
        Assert.Equal(status, answer.Json.GetProperty("status").GetInt32());
        Assert.False(string.IsNullOrEmpty(answer.Json.GetProperty("detail").GetString()));
        Assert.False(string.IsNullOrEmpty(answer.Json.GetProperty("title").GetString()));
        Assert.Equal("nosniff", answer.Header("X-Content-Type-Options"));
        Assert.Empty(_host.Router.Calls);
    }

    [Fact]
    public async Task A_long_identifier_is_refused_and_the_longest_is_taken()
    {
        Assert.Equal("invalidIdentifier", (await _host.SendAsync("PUT", "/v1/sessions/" + new string('a', 129))).Code);
        Assert.Equal(201, (await _host.SendAsync("PUT", "/v1/sessions/" + new string('a', 128))).Status);
    }

    [Fact]
    public async Task Head_is_not_taken_and_says_so()
    {
        var answer = await _host.SendAsync("HEAD", "/v1/sessions");
        Assert.Equal(405, answer.Status);
        Assert.Contains("GET", answer.ContentHeaders.Allow);
    }

    [Fact]
    public async Task A_body_of_another_type_is_refused()
    {
        Assert.Equal((415, "unsupportedMediaType"), Of(await _host.SendAsync("PUT", "/v1/sessions/a", "{}", "text/plain")));
        Assert.Equal((415, "unsupportedMediaType"), Of(await _host.SendAsync("PUT", "/v1/sessions/a", "{}", "application/json; charset=utf-16")));
        Assert.Equal((415, "unsupportedMediaType"), Of(await _host.SendAsync("PUT", "/v1/sessions/a", "{}", "")));
        Assert.Equal(201, (await _host.SendAsync("PUT", "/v1/sessions/a", "{}", "application/json; charset=\"UTF-8\"")).Status);
    }

    [Fact]
    public async Task A_configuration_above_the_limit_is_refused()
    {
        var large = $$"""{"container":"{{new string('x', 1024 * 1024)}}"}""";
        Assert.Equal((413, "bodyTooLarge"), Of(await _host.SendAsync("PUT", "/v1/sessions/a", large)));
        Assert.Empty(_host.Router.Calls);
    }

    [Theory]
    [InlineData("", EndMode.Cancel)]
    [InlineData("?mode=cancel", EndMode.Cancel)]
    [InlineData("?mode=finish", EndMode.Finish)]
    [InlineData("?mode=forceQuit&x=1", EndMode.ForceQuit)]
    public async Task Delete_ends_in_the_mode_asked_for(string query, object mode)
    {
        Assert.Equal(202, (await _host.SendAsync("DELETE", "/v1/sessions/a" + query)).Status);
        Assert.Equal(new SessionCommand.End((EndMode)mode), Assert.Single(_host.Router.Calls).Command);
    }

    [Fact]
    public async Task Refusals_and_delays_of_the_session_become_problems()
    {
        var replies = new Queue<CommandReply>(
        [
            CommandReply.Refuse(404, ProblemCodes.SessionNotFound, "There is no session a."),
            new CommandReply.Unavailable(UnavailableReason.Full, TimeSpan.FromSeconds(2.2), "256 wait."),
            new CommandReply.Unavailable(UnavailableReason.Storage, TimeSpan.Zero, "The disk is full."),
        ]);
        _host.Router.Answer = (_, _) => new(replies.Dequeue());
        Assert.Equal((404, "sessionNotFound"), Of(await _host.SendAsync("GET", "/v1/sessions/a")));
        var full = await _host.SendAsync("GET", "/v1/sessions/a");
        Assert.Equal((429, "busy", "3"), (full.Status, full.Code, full.Header("Retry-After")));
        var storage = await _host.SendAsync("GET", "/v1/sessions/a");
        Assert.Equal((503, "unavailable", "1"), (storage.Status, storage.Code, storage.Header("Retry-After")));
        Assert.Contains("The disk is full.", storage.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exception_is_a_problem_with_a_trace_id_and_no_stack()
    {
        _host.Router.Answer = (_, _) => throw new InvalidDataException("secret detail");
        var answer = await _host.SendAsync("GET", "/v1/sessions/a");
        Assert.Equal((500, "internalError"), Of(answer));
        Assert.DoesNotContain("secret", answer.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("InvalidData", answer.Text, StringComparison.Ordinal);
        Assert.Contains("trace id", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_pages_through_the_tenants_sessions_only()
    {
        foreach (var name in (string[])["a", "b", "c", "d", "e"])
            _host.Store.Heads.Add(Head("default/" + name, name is "b" or "d" ? "invalidated" : "active"));
        _host.Store.Heads.Add(Head("other/x", "active"));

        Assert.Equal(["a", "b", "c", "d", "e"], await ListAsync("?limit=2"));
        Assert.Equal(["a", "b", "c", "d", "e"], await ListAsync(""));
        Assert.Equal(["a", "c", "e"], await ListAsync("?limit=1&state=active"));
        Assert.Equal(["b", "d"], await ListAsync("?state=invalidated&unknown=parameter"));
        Assert.Empty(await ListAsync("?state=quarantined"));
    }

    [Fact]
    public async Task A_store_that_is_away_is_503()
    {
        _host.Store.Failure = new JournalStoreException(StoreFailure.Transient, "locked");
        Assert.Equal((503, "unavailable"), Of(await _host.SendAsync("GET", "/v1/sessions")));
    }

    [Fact]
    public async Task A_client_may_ask_for_less_time_but_not_for_more()
    {
        await _host.SendAsync("GET", "/v1/sessions/a", headers: ("X-Deadline-Ms", "1500"));
        await _host.SendAsync("GET", "/v1/sessions/a", headers: ("X-Deadline-Ms", "99999999"));
        Assert.Equal([TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(30)], _host.Router.Calls.Select(call => call.Deadline));
        Assert.Equal("invalidHeader", (await _host.SendAsync("GET", "/v1/sessions/a", headers: ("X-Deadline-Ms", "soon"))).Code);
    }

    private async Task<List<string>> ListAsync(string query)
    {
        var names = new List<string>();
        var cursor = "";
        for (var pages = 0; pages < 20; pages++)
        {
            var page = await _host.SendAsync("GET", "/v1/sessions" + query + (cursor.Length == 0 ? "" : (query.Length == 0 ? "?" : "&") + "cursor=" + cursor));
            Assert.Equal(200, page.Status);
            names.AddRange(page.Json.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("identifier").GetString()!));
            if (page.Json.GetProperty("next").GetString() is not { } next)
                return names;
            cursor = next;
        }
        throw new InvalidOperationException("The list does not end.");
    }

    private static (int, string?) Of(EdgeHost.Answer answer) => (answer.Status, answer.Code);

    private static SessionHead Head(string key, string state) => new(SessionKey.Parse(key), 1, 5, 1, 3, state, 1, 0, null);
}
