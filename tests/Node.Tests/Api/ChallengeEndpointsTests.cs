using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Api;

public sealed class ChallengeEndpointsTests(EdgeFixture edge) : IClassFixture<EdgeFixture>
{
    private const string Path = "/v1/sessions/a/tasks/t1/challenge";

    private readonly EdgeHost _host = edge.Fresh;

    [Theory]
    [InlineData("cancel", (int)ChallengeAnswerKind.Cancel)]
    [InlineData("performDefaultHandling", (int)ChallengeAnswerKind.PerformDefaultHandling)]
    [InlineData("rejectProtectionSpace", (int)ChallengeAnswerKind.RejectProtectionSpace)]
    public async Task An_answer_is_one_command(string word, int kind)
    {
        await _host.SendAsync("POST", Path, $$"""{"answer":"{{word}}","attempt":3}""");
        Assert.Equal(new SessionCommand.AnswerChallenge(TaskId.Parse("t1"), (ChallengeAnswerKind)kind, null, IsToken: false, 3), Assert.Single(_host.Router.Calls).Command);
    }

    [Fact]
    public async Task A_delayed_request_is_answered_by_one_command()
    {
        const string Delayed = "/v1/sessions/a/tasks/t1/delayed-request";
        await _host.SendAsync("POST", Delayed, """{"answer":"continue","attempt":2}""");
        await _host.SendAsync("POST", Delayed, """{"answer":"useNewRequest","url":"https://b.example/"}""");
        await _host.SendAsync("POST", Delayed, """{"answer":"cancel"}""");
        var id = TaskId.Parse("t1");
        Assert.Equal<SessionCommand>(
        [
            new SessionCommand.AnswerDelayedRequest(id, Cancel: false, null, null, 2),
            new SessionCommand.AnswerDelayedRequest(id, Cancel: false, "https://b.example/", null, null),
            new SessionCommand.AnswerDelayedRequest(id, Cancel: true, null, null, null),
        ],
        _host.Router.Calls.Select(call => call.Command));
    }

    [Theory]
    [InlineData("""{"answer":"later"}""", "invalidField", "answer")]
    [InlineData("""{"answer":"continue","attempt":0}""", "invalidField", "attempt")]
    [InlineData("""{"answer":"continue","url":"https://b.example/"}""", "invalidField", "url")]
    [InlineData("""{"answer":"cancel","headers":{"A":"b"}}""", "invalidField", "headers")]
    [InlineData("""{"answer":"useNewRequest"}""", "invalidField", "url")]
    [InlineData("""{"answer":"useNewRequest","url":"ftp://b.example/"}""", "unsupportedScheme", "url")]
    [InlineData("""{"answer":"useNewRequest","headers":{"Host":"b"}}""", "forbiddenHeader", "headers.Host")]
    public async Task A_bad_answer_to_a_delayed_request_is_a_problem(string body, string code, string field)
    {
        var answer = await _host.SendAsync("POST", "/v1/sessions/a/tasks/t1/delayed-request", body);
        Assert.Equal((400, code, field), (answer.Status, answer.Code, answer.Field));
        Assert.Empty(_host.Router.Calls);
    }

    [Fact]
    public async Task A_credential_is_sealed_at_the_edge_and_a_repetition_is_still_one()
    {
        const string Body = """{"answer":"useCredential","credential":{"userName":"anna","password":"correct horse"}}""";
        await _host.SendAsync("POST", Path, Body, headers: ("Idempotency-Key", "one"));
        await _host.SendAsync("POST", Path, Body, headers: ("Idempotency-Key", "one"));
        await _host.SendAsync("POST", Path, Body.Replace("horse", "house", StringComparison.Ordinal), headers: ("Idempotency-Key", "one"));
        var commands = _host.Router.Calls.Select(call => Assert.IsType<SessionCommand.AnswerChallenge>(call.Command)).ToList();
        Assert.All(commands, command => Assert.True(SecretBox.IsSealed(command.Secret!)));
        Assert.DoesNotContain("correct", commands[0].ToString(), StringComparison.Ordinal);
        var session = SessionKey.Parse("default/a");
        var opened = Assert.IsType<Secret.Basic>(GivenSecrets.Open(new SecretBox([new byte[SecretBox.KeyBytes]]), session, commands[0].Secret!));
        Assert.Equal(("anna", "correct horse"), (opened.UserName, opened.Password));
        Assert.Null(GivenSecrets.Open(new SecretBox([new byte[SecretBox.KeyBytes]]), SessionKey.Parse("default/b"), commands[0].Secret!));
        var hashes = _host.Router.Calls.Select(call => call.Key!.ContentHash).ToList();
        Assert.Equal(hashes[0], hashes[1]);
        Assert.NotEqual(hashes[0], hashes[2]);
    }

    [Theory]
    [InlineData("""{}""", "invalidField", "answer")]
    [InlineData("""{"answer":"yes"}""", "invalidField", "answer")]
    [InlineData("""{"answer":"cancel","attempt":0}""", "invalidField", "attempt")]
    [InlineData("""{"answer":"cancel","secret":"user"}""", "invalidField", "secret")]
    [InlineData("""{"answer":"useCredential"}""", "invalidField", "secret")]
    [InlineData("""{"answer":"useCredential","secret":"nobody"}""", "unknownSecret", "secret")]
    [InlineData("""{"answer":"useCredential","secret":"a","credential":{"token":"t"}}""", "invalidField", "secret")]
    [InlineData("""{"answer":"useCredential","credential":{}}""", "invalidField", "credential")]
    [InlineData("""{"answer":"useCredential","credential":{"userName":"a"}}""", "invalidField", "credential")]
    [InlineData("""{"answer":"useCredential","credential":{"userName":"a:b","password":"c"}}""", "invalidField", "credential.userName")]
    [InlineData("""{"answer":"useCredential","credential":{"userName":"a","password":"\u0000"}}""", "invalidField", "credential.password")]
    [InlineData("""{"answer":"useCredential","credential":{"token":"a b"}}""", "invalidField", "credential.token")]
    [InlineData("""{"answer":"cancel","why":1}""", "unknownField", "why")]
    public async Task A_bad_answer_is_a_problem_and_changes_nothing(string body, string code, string field)
    {
        var answer = await _host.SendAsync("POST", Path, body);
        Assert.Equal((400, code, field), (answer.Status, answer.Code, answer.Field));
        Assert.Empty(_host.Router.Calls);
    }
}
