using Backhaul.Node.Sessions;
using Xunit;

namespace Backhaul.Node.Tests.Api;

public sealed class WebhookEndpointsTests(EdgeFixture edge) : IClassFixture<EdgeFixture>
{
    private const string Session = "/v1/sessions/a";

    private readonly EdgeHost _host = edge.Fresh;

    [Fact]
    public async Task Each_call_is_one_command()
    {
        foreach (var target in (string[])["push", "launch"])
        {
            await _host.SendAsync("GET", $"{Session}/{target}");
            foreach (var verb in (string[])["enable", "disable", "test"])
                await _host.SendAsync("POST", $"{Session}/{target}/{verb}");
        }
        await _host.SendAsync("POST", Session + "/push/replay", """{"from":5}""");
        await _host.SendAsync("POST", Session + "/push/replay", """{"from":5,"through":9}""");
        Assert.Equal<SessionCommand>(
        [
            .. new[] { WebhookTarget.Push, WebhookTarget.Launch }.SelectMany(target => new SessionCommand[]
            {
                new SessionCommand.GetWebhook(target), new SessionCommand.EnableWebhook(target),
                new SessionCommand.DisableWebhook(target, "Its client disabled it."), new SessionCommand.TestWebhook(target),
            }),
            new SessionCommand.ReplayPush(5, null), new SessionCommand.ReplayPush(5, 9),
        ],
        _host.Router.Calls.Select(call => call.Command));
    }

    [Theory]
    [InlineData("/push/replay", "{}", "invalidField", "from")]
    [InlineData("/push/replay", """{"from":0}""", "invalidField", "from")]
    [InlineData("/push/replay", """{"from":2,"through":0}""", "invalidField", "through")]
    [InlineData("/push/replay", """{"from":2,"to":3}""", "unknownField", "to")]
    [InlineData("/push/enable", """{"why":1}""", "invalidRequest", null)]
    public async Task A_bad_call_is_a_problem_and_changes_nothing(string path, string body, string code, string? field)
    {
        var answer = await _host.SendAsync("POST", Session + path, body);
        Assert.Equal((400, code, field), (answer.Status, answer.Code, answer.Field));
        Assert.Empty(_host.Router.Calls);
    }

    [Fact]
    public async Task Launches_are_not_replayed() => Assert.Equal(404, (await _host.SendAsync("POST", Session + "/launch/replay", """{"from":1}""")).Status);
}
