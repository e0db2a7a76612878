using System.Net;
using Backhaul.Client;

namespace Backhaul.Features.Tests.Delivery;

/// <summary>product.md, Events: push to a webhook that acknowledges by 2xx.</summary>
public sealed class WebhookTests(FeatureWorld world)
{
    private static readonly WebhookVerifier Verifier = new([WorldSettings.HookKey]);

    [Theory, ClassData(typeof(Ways))]
    public async Task Events_are_pushed_signed_and_in_order_and_each_answer_acknowledges(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync($$"""{"push":{{scene.Hook("push")}}}""");
        await scene.DownloadAsync("one", scene.Origin.Bytes("one", 1000));
        var ended = await scene.WhenSessionAsync(session => session.Counts.Succeeded == 1 && session.Acknowledged == session.LastEvent);
        var hooks = world.Receiver.At(scene.HookPath("push"));
        Assert.Equal(Enumerable.Range(1, (int)ended.LastEvent).Select(number => (long)number), hooks.Select(hook => hook.Data.GetProperty("number").GetInt64()));
        Assert.All(hooks, hook => Assert.Equal(WebhookVerdict.Valid, VerdictOf(hook)));
        Assert.Equal(hooks.Count, hooks.Select(hook => hook.Id).Distinct().Count());
        var completed = hooks.Single(hook => hook.Type == "backhaul.taskCompleted");
        Assert.Equal(("1.0", $"/sessions/{scene.Session}", "tasks/one"), (Field(completed, "specversion"), Field(completed, "source"), Field(completed, "subject")));
        Assert.Equal(completed.Id, Field(completed, "id"));
        Assert.StartsWith("application/cloudevents+json", completed.Headers["Content-Type"], StringComparison.Ordinal);
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task Only_the_types_that_are_asked_for_are_pushed(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync($$"""{"push":{"url":"{{scene.HookUrl("push")}}","secret":"{{WorldSettings.HookKey}}","types":["taskCompleted"]} }""");
        await scene.DownloadAsync("one", scene.Origin.Bytes("one", 1000));
        var hook = await scene.HookAsync("push");
        Assert.Equal(("backhaul.taskCompleted", WebhookVerdict.Valid), (hook.Type, VerdictOf(hook)));
        await scene.WhenSessionAsync(session => session.Acknowledged >= hook.Data.GetProperty("number").GetInt64());
        Assert.Single(world.Receiver.At(scene.HookPath("push")));
        Assert.DoesNotContain(WorldSettings.HookKey, (await scene.Caller.SessionAsync(scene.Session)).ToString(), StringComparison.Ordinal);
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task What_is_not_taken_is_sent_again_by_the_same_id_and_410_disables(Way way)
    {
        var scene = world.Begin(way);
        var answers = new Queue<int>([500, 204, 410]);
        world.Receiver.Answer(scene.HookPath("push"), _ => answers.TryDequeue(out var status) ? status : 204);
        await scene.OpenAsync($$"""{"push":{{scene.Hook("push")}}}""");
        var (first, again) = (await scene.HookAsync("push"), await scene.HookAsync("push", nth: 2)); // five seconds later
        Assert.Equal(first.Id, again.Id);
        Assert.Equal(first.Body, again.Body);
        await scene.AddAsync($$"""{"id":"held","kind":"download","url":"{{scene.Origin.Bytes("held", 10)}}","start":false}""");
        await scene.HookAsync("push", nth: 3);
        var disabled = await WhenAsync(scene, webhook => !webhook.Enabled);
        Assert.Equal((410, 1L), (disabled.LastFailure!.Status, disabled.Pending));
        Assert.Contains("410", disabled.DisabledWhy, StringComparison.Ordinal);
        Assert.True((await scene.Caller.EnableWebhookAsync(scene.Session, "push")).Enabled);
        Assert.Equal((await scene.HookAsync("push", nth: 3)).Id, (await scene.HookAsync("push", nth: 4)).Id);
        await scene.WhenSessionAsync(session => session.Acknowledged == session.LastEvent);
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_webhook_is_tested_disabled_enabled_and_replayed(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync($$"""{"push":{{scene.Hook("push")}}}""");
        await scene.AddAsync($$"""{"id":"held","kind":"download","url":"{{scene.Origin.Bytes("held", 10)}}","start":false}""");
        await scene.WhenSessionAsync(session => session.Acknowledged == 2);

        var test = await scene.Caller.TestWebhookAsync(scene.Session, "push");
        Assert.Equal((true, 204), (test.Taken, test.Status));
        var tested = await scene.HookAsync("push", nth: 3);
        Assert.Equal(("backhaul.test", test.Id, WebhookVerdict.Valid), (tested.Type, tested.Id, VerdictOf(tested)));

        Assert.False((await scene.Caller.DisableWebhookAsync(scene.Session, "push")).Enabled);
        await scene.Caller.ChangeAsync(scene.Session, "held", """{"description":"nobody is told"}""");
        await scene.Caller.ActAsync(scene.Session, "held", "cancel");
        Assert.Equal(1, (await WhenAsync(scene, webhook => webhook.Pending > 0)).Pending);
        await scene.Caller.EnableWebhookAsync(scene.Session, "push");
        Assert.Equal("backhaul.taskCompleted", (await scene.HookAsync("push", nth: 4)).Type);

        await scene.Caller.ReplayAsync(scene.Session, 1, 2);
        var hooks = await Eventually.GetAsync(
            () => Task.FromResult(world.Receiver.At(scene.HookPath("push")) is { } all && all.Count(hook => hook.Type != "backhaul.eventsDrained") >= 6 ? all : null),
            Scene.Within, () => "two events to come again");
        var again = hooks.Where(hook => hook.Type != "backhaul.eventsDrained").Skip(4).Take(2).ToList();
        Assert.Equal(hooks.Take(2).Select(hook => hook.Id), again.Select(hook => hook.Id));
        var gone = await Scene.RefusedAsync(() => scene.Caller.WebhookAsync(scene.Session, "launch"));
        Assert.Equal((HttpStatusCode.NotFound, ProblemCodes.NoWebhook), (gone.Status, gone.Code));
    }

    internal static WebhookVerdict VerdictOf(Hook hook) =>
        Verifier.Verify(hook.Id, hook.Headers["webhook-timestamp"], hook.Headers["webhook-signature"], hook.Body);

    private static string? Field(Hook hook, string name) => hook.Event.GetProperty(name).GetString();

    private static async Task<WebhookView> WhenAsync(Scene scene, Func<WebhookView, bool> condition)
    {
        WebhookView? last = null;
        return await Eventually.GetAsync(
            async () => condition(last = await scene.Caller.WebhookAsync(scene.Session, "push")) ? last : null, Scene.Within, () => $"the webhook; it is {last}");
    }
}
