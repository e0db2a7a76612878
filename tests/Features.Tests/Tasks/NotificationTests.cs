using System.Net;
using System.Text;
using Backhaul.Client;

namespace Backhaul.Features.Tests.Tasks;

/// <summary>product.md, Tasks: success and failure notifications, and the early warning of a deadline.</summary>
public sealed class NotificationTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task A_task_tells_its_success_or_failure_once_signed_as_webhooks_and_a_cancelled_one_tells_nobody(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        var notify = $$""","notify":{"success":"{{scene.HookUrl("done")}}?key=hidden","failure":"{{scene.HookUrl("failed")}}","secret":"hooks"}""";
        await scene.DownloadAsync("good", scene.Origin.Bytes("good", 1000), notify + ""","description":"A photo","headers":{"X-Token":"hidden"}""");
        await scene.DownloadAsync("bad", scene.Origin.Url + "/nothing-there", notify);
        await scene.DownloadAsync("ended", scene.Origin.Bytes("ended", 1000), notify + ""","start":false""");
        await scene.Caller.ActAsync(scene.Session, "ended", "cancel");
        var (good, bad) = (await scene.HookAsync("done"), await scene.HookAsync("failed"));
        Assert.Equal(("backhaul.taskSucceeded", "tasks/good"), (good.Type, good.Event.GetProperty("subject").GetString()));
        Assert.Equal(("backhaul.taskFailed", "tasks/bad"), (bad.Type, bad.Event.GetProperty("subject").GetString()));
        var verifier = new WebhookVerifier([WorldSettings.HookKey]);
        Assert.All([good, bad], hook => Assert.Equal(WebhookVerdict.Valid, verifier.Verify(hook.Id, hook.Headers["webhook-timestamp"], hook.Headers["webhook-signature"], hook.Body)));
        Assert.All([good, bad], hook => Assert.DoesNotContain("hidden", Encoding.UTF8.GetString(hook.Body), StringComparison.Ordinal));
        var told = TaskNotification.TryParse(good.Body)!;
        var shown = await scene.SucceededAsync("good");
        Assert.Equal((true, scene.Session, "A photo", 1000L, shown.EndedAt), (told.Succeeded, told.Data.Session, told.Data.Description, told.Data.BytesReceived, told.Data.EndedAt));
        Assert.Equal("httpStatus", TaskNotification.TryParse(bad.Body)!.Data.Error!.Code);
        Assert.Equal(scene.HookUrl("failed"), shown.Notify!.Failure);
        await scene.WhenSessionAsync(session => session.Notifications is null);
        Assert.Equal((1, 1), (world.Receiver.At(scene.HookPath("done")).Count, world.Receiver.At(scene.HookPath("failed")).Count));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_notification_that_is_not_taken_is_seen_and_one_that_nothing_can_sign_is_refused(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync($$"""{"sendsLaunchEvents":false,"launch":{{scene.Hook("launch")}}}""");
        world.Receiver.Answer(scene.HookPath("busy"), _ => 500);
        world.Receiver.Answer(scene.HookPath("gone"), _ => 410);
        await scene.DownloadAsync("one", scene.Origin.Bytes("one", 1000), $$""","notify":{"success":"{{scene.HookUrl("busy")}}"}""");
        await scene.DownloadAsync("two", scene.Origin.Bytes("two", 1000), $$""","notify":{"success":"{{scene.HookUrl("gone")}}"}""");
        var session = await scene.WhenSessionAsync(session => session.Notifications is { Pending: 1, GivenUp: 1 });
        var given = Assert.Single(session.Notifications!.LastGivenUp!);
        Assert.Equal(("two", scene.HookUrl("gone"), 1), (given.Task, given.Url, given.Attempts));
        Assert.Equal((await scene.HookAsync("busy")).Id, (await scene.HookAsync("busy", nth: 2)).Id);
        await scene.OpenAsync("{}");
        var refused = await Scene.RefusedAsync(() => scene.DownloadAsync("three", scene.Origin.Bytes("three", 1000), $$""","notify":{"success":"{{scene.HookUrl("done")}}"}"""));
        Assert.Equal((HttpStatusCode.BadRequest, ProblemCodes.InvalidField, "notify.secret"), (refused.Status, refused.Code, refused.Field));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task Whom_a_task_tells_is_changed_until_it_has_ended_also_while_it_runs(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        var before = $$""","start":false,"notify":{"success":"{{scene.HookUrl("before")}}","secret":"hooks"}""";
        await scene.DownloadAsync("other", scene.Origin.Bytes("other", 100_000, "rate=15000"), before);
        await scene.DownloadAsync("none", scene.Origin.Bytes("none", 1000), before);
        await scene.Caller.ActAsync(scene.Session, "other", "resume");
        await scene.WhenAsync("other", task => task.State == "running");
        var changed = await scene.Caller.ChangeAsync(scene.Session, "other", $$"""{"notify":{"success":"{{scene.HookUrl("after")}}?key=hidden","secret":"hooks"} }""");
        Assert.Equal((scene.HookUrl("after") + "?...", "hooks"), (changed.Notify!.Success, changed.Notify.Secret));
        Assert.Null((await scene.Caller.ChangeAsync(scene.Session, "none", """{"notify":{}}""")).Notify);
        var refused = await Scene.RefusedAsync(() => scene.Caller.ChangeAsync(scene.Session, "none", $$"""{"notify":{"success":"{{scene.HookUrl("after")}}"} }"""));
        Assert.Equal((HttpStatusCode.BadRequest, "notify.secret"), (refused.Status, refused.Field));
        await scene.Caller.ActAsync(scene.Session, "none", "resume");
        await scene.SucceededAsync("none");
        var told = await scene.HookAsync("after");
        Assert.Equal(("backhaul.taskSucceeded", "tasks/other"), (told.Type, told.Event.GetProperty("subject").GetString()));
        await scene.WhenSessionAsync(session => session.Notifications is null);
        Assert.Equal((0, 1), (world.Receiver.At(scene.HookPath("before")).Count, world.Receiver.At(scene.HookPath("after")).Count));
        var late = await Scene.RefusedAsync(() => scene.Caller.ChangeAsync(scene.Session, "none", """{"notify":{}}"""));
        Assert.Equal((HttpStatusCode.Conflict, ProblemCodes.TaskEnded), (late.Status, late.Code));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_deadline_is_told_of_before_it_strikes(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        await scene.DownloadAsync("late", scene.Origin.Bytes("late", 1000), $$""","start":false,"deadline":{{Json.In(TimeSpan.FromSeconds(20))}}""");
        var near = await scene.EventAsync(EventTypes.DeadlineNear, "late");
        Assert.Equal(("suspended", 0L), (near.Text("state"), near.Number("bytesReceived")));
        Assert.Equal("expired", (await scene.EndedAsync("late")).Outcome);
        var events = await scene.AllEventsAsync();
        Assert.Equal(near.Number, Assert.Single(events, shown => shown.Type == EventTypes.DeadlineNear).Number);
        Assert.True(near.At < events.Single(shown => shown.Type == EventTypes.TaskCompleted).At);
    }
}
