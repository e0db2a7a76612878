using System.Text.Json.Nodes;
using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;
using static Backhaul.Node.Tests.Ops.PaletteCalls;

namespace Backhaul.Node.Tests.Ops;

public sealed class WebhookPaletteTests
{
    private static readonly WebhookView Well = new() { Target = "push", Url = "https://hooks.example/in?token=secret", Enabled = true, Pending = 0 };

    private static readonly WebhookView Failing = Well with
    {
        Pending = 3,
        NextAt = Views.Noon.AddMinutes(5),
        LastFailure = new WebhookFailureView { At = Views.Noon, Number = 9, Attempt = 2, Status = 503, Why = "It answered 503." },
    };

    private static readonly WebhookView Disabled = Well with { Enabled = false, DisabledAt = Views.Noon, DisabledWhy = "It answered 410: it wants no more.", Pending = 12 };

    [Fact]
    public async Task Webhooks_are_listed_with_what_they_do_and_sessions_without_one_are_not()
    {
        await using var host = await OpsHost.StartAsync();
        AddSessions(host, "default/a", "default/b", "default/c", "default/d", "acme/e");
        host.Router.Answer = (session, _) => session.Identifier.ToString() switch
        {
            "a" => Done(Well),
            "b" => Done(Failing),
            "c" => Done(Disabled),
            _ => None,
        };
        var (lines, errors, exit) = await RunAsync(host, "webhook", "list");
        Assert.Equal(0, exit);
        Assert.Empty(errors);
        Assert.Equal(
        [
            "Tenant|Session|Webhook|State|Since|Pending|Last|Next try|Url|Why",
            "default|a|push|enabled|-|0|-|-|https://hooks.example/in?...|-",
            "default|b|push|failing|2026-11-21T12:00:00.000Z|3|503|2026-11-21T12:05:00.000Z|https://hooks.example/in?...|It answered 503.",
            "default|c|push|disabled|2026-11-21T12:00:00.000Z|12|-|-|https://hooks.example/in?...|It answered 410: it wants no more.",
            "Count: 3 webhooks of 4 sessions",
        ],
        lines.Select(line => string.Join('|', line.Split(" | ").Select(cell => cell.Trim()))));
        Assert.Equal(2, (await RunAsync(host, "webhook", "list", "--state", "disabled", "--all-tenants")).Lines.Count(line => line.Contains("c ", StringComparison.Ordinal) || line.StartsWith("Count: 1 webhook of 5", StringComparison.Ordinal)));
        Assert.All(host.Router.Seen, seen => Assert.Equal(new SessionCommand.GetWebhook(WebhookTarget.Push), seen.Command));
        var json = JsonNode.Parse((await RunAsync(host, "webhook", "list", "--state", "failing", "--json")).Lines.Single())!;
        Assert.Equal(("default", "b", 503, "https://hooks.example/in?..."), ((string?)json["tenant"], (string?)json["identifier"], (int)json["lastFailure"]!["status"]!, (string?)json["url"]));
    }

    [Fact]
    public async Task One_call_asks_a_bounded_number_of_sessions_and_says_where_the_next_goes_on()
    {
        await using var host = await OpsHost.StartAsync();
        AddSessions(host, [.. Enumerable.Range(0, 1200).Select(n => $"default/s{n:0000}")]);
        host.Router.Answer = static (_, _) => None;
        Assert.Equal("Count: 0 webhooks of 1000 sessions (there are more: --after default/s0999)", (await RunAsync(host, "webhook", "list")).Lines[^1]);
        Assert.Equal(1000, host.Router.Seen.Count);
        Assert.Equal("Count: 0 webhooks of 200 sessions", (await RunAsync(host, "webhook", "list", "--after", "default/s0999")).Lines[^1]);
        Assert.Equal("Count: 0 webhooks of 10 sessions (there are more: --after default/s0009)", (await RunAsync(host, "webhook", "list", "--look", "10")).Lines[^1]);

        host.Router.Answer = static (_, _) => Done(Well);
        Assert.Equal("Count: 20 webhooks of 20 sessions (there are more: --after default/s0019)", (await RunAsync(host, "webhook", "list", "-n", "20")).Lines[^1]);
        Assert.Equal("Count: 3 webhooks of 3 sessions", (await RunAsync(host, "webhook", "list", "-n", "20", "--after", "s1196")).Lines[^1]);
        Assert.Equal(2, (await RunAsync(host, "webhook", "list", "--after", "acme/x")).Exit);
    }

    [Fact]
    public async Task Sessions_that_do_not_answer_are_counted_and_named()
    {
        await using var host = await OpsHost.StartAsync();
        AddSessions(host, "default/a", "default/b", "default/c");
        host.Router.Answer = (session, _) => session.Identifier.ToString() == "a"
            ? Done(Well)
            : new CommandReply.Unavailable(UnavailableReason.Acquiring, TimeSpan.FromSeconds(1), "It is moving.");
        var (lines, errors, exit) = await RunAsync(host, "webhook", "list");
        Assert.Equal(("Count: 1 webhook of 3 sessions", "2 of them did not answer, the first: default/b: It is moving.", 3), (lines[^1], errors.Single(), exit));
    }

    [Fact]
    public async Task A_test_prints_the_answer_and_how_long_it_took()
    {
        await using var host = await OpsHost.StartAsync();
        var view = new WebhookTestView { Id = "msg_1", Url = "https://hooks.example/in?token=secret", Taken = true, Status = 204, Took = TimeSpan.FromMilliseconds(87), Why = "It answered 204." };
        host.Router.Answer = (_, command) => ScriptedRouter.Done(view with { Taken = command == new SessionCommand.TestWebhook(WebhookTarget.Push) }, ProtocolJson.Default.WebhookTestView);
        var (lines, _, exit) = await RunAsync(host, "webhook", "test", "photos", "--reason", "moved");
        Assert.Equal(0, exit);
        Assert.Matches(@"^msg_1 +\| https://hooks\.example/in\?\.\.\. +\| yes +\| 204 +\| 87 ms +\| It answered 204\.$", lines[1]);
        Assert.Equal(1, (await RunAsync(host, "webhook", "test", "photos", "--launch", "--reason", "moved")).Exit);
        Assert.Equal(new SessionCommand.TestWebhook(WebhookTarget.Launch), host.Router.Seen.Last().Command);
        Assert.Contains("\"webhook\",\"test\",\"photos\"", host.AuditText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Webhooks_are_disabled_enabled_and_replayed_with_a_reason_in_the_audit_log()
    {
        await using var host = await OpsHost.StartAsync();
        host.Router.Answer = static (_, command) => Done(command is SessionCommand.DisableWebhook ? Disabled : Well);
        Assert.Contains("disabled", (await RunAsync(host, "webhook", "disable", "photos", "--reason", "it floods us")).Lines[1], StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync(host, "webhook", "enable", "photos", "--launch", "--reason", "mended")).Exit);
        var (lines, _, exit) = await RunAsync(host, "webhook", "replay", "photos", "--from", "5", "--to", "9", "--tenant", "acme", "--reason", "lost");
        Assert.Equal((0, "Event 5 and those behind it were not sent yet: they come by themselves."), (exit, lines[0]));
        Assert.Equal(2, (await RunAsync(host, "webhook", "replay", "photos", "--reason", "lost")).Exit);
        Assert.Equal<SessionCommand>(
        [
            new SessionCommand.DisableWebhook(WebhookTarget.Push, "An operator disabled it: it floods us"), new SessionCommand.EnableWebhook(WebhookTarget.Launch), new SessionCommand.ReplayPush(5, 9),
        ],
        host.Router.Seen.Select(seen => seen.Command));
        Assert.Equal("acme/photos", host.Router.Seen.Last().Session.ToString());
        Assert.Contains("it floods us", host.AuditText, StringComparison.Ordinal);
    }

    private static CommandReply None => CommandReply.Refuse(404, ProblemCodes.NoWebhook, "This session has no push.");

    private static CommandReply Done(WebhookView view) => ScriptedRouter.Done(view, ProtocolJson.Default.WebhookView);

    private static void AddSessions(OpsHost host, params string[] keys) =>
        host.Heads.Heads.AddRange(keys.Select(static key => new SessionHead(SessionKey.Parse(key), 1, 9, 1, 9, "active", 1, 0, null)));
}
