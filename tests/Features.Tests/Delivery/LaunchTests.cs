using System.Net;
using Backhaul.Client;

namespace Backhaul.Features.Tests.Delivery;

/// <summary>product.md, Launches: an absent client is called when its session needs it.</summary>
public sealed class LaunchTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task An_absent_client_is_launched_when_all_tasks_ended_drains_its_events_and_completes_the_launch(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync($$"""{"launch":{{scene.Hook("launch")}}}""");
        // both at once: on a busy machine the first could end, and launch, before the second was there
        await scene.Caller.AddManyAsync(
            scene.Session,
            $$"""[{"id":"one","kind":"download","url":"{{scene.Origin.Bytes("one", 1000)}}"},{"id":"two","kind":"download","url":"{{scene.Origin.Bytes("two", 20_000, "rate=20000")}}"}]""");
        var launch = await scene.HookAsync("launch");
        Assert.Equal(("backhaul.launch", "tasksEnded", scene.Session), (launch.Type, ReasonOf(launch), launch.Data.GetProperty("session").GetString()));
        Assert.Equal(WebhookVerdict.Valid, WebhookTests.VerdictOf(launch));

        var woken = scene.AnotherCaller();
        await woken.OpenAsync(scene.Session);
        var events = await scene.AllEventsAsync();
        Assert.Equal(2, events.Count(shown => shown.Type == EventTypes.TaskCompleted));
        var done = await woken.CompleteLaunchAsync(scene.Session, launch.Data.GetProperty("launch").GetInt64());
        Assert.Equal((1L, 1L, true), (done.Number, done.Newest, done.Completed));
        Assert.True((await woken.CompleteLaunchAsync(scene.Session, 1)).Completed); // a repeated word changes nothing
        var refused = await Scene.RefusedAsync(() => woken.CompleteLaunchAsync(scene.Session, 2));
        Assert.Equal((HttpStatusCode.NotFound, ProblemCodes.LaunchNotFound), (refused.Status, refused.Code));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_challenge_a_delayed_request_and_a_completion_group_launch_an_absent_client(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync($$"""{"launch":{{scene.Hook("launch")}}}""");
        await scene.DownloadAsync("asks", scene.Origin.Bytes("asks", 1000, "auth=basic"));
        Assert.Equal("challenge", ReasonOf(await scene.HookAsync("launch")));

        var delayed = world.Begin(way);
        await delayed.OpenAsync($$"""{"launch":{{delayed.Hook("launch")}}}""");
        await delayed.DownloadAsync("asks", delayed.Origin.Bytes("asks", 1000), ""","askBeforeStart":{"timeout":"PT10M"} """);
        Assert.Equal("delayedRequest", ReasonOf(await delayed.HookAsync("launch")));

        var fires = world.Begin(way);
        await fires.OpenAsync($$"""{"launch":{{fires.Hook("launch")}}}""");
        await fires.DownloadAsync("held", fires.Origin.Bytes("held", 10), ""","start":false""");
        await fires.DownloadAsync("one", fires.Origin.Bytes("one", 10), ""","completionGroup":"all" """);
        await fires.Caller.EnableAsync(fires.Session, "all");
        Assert.Equal("completionGroup", ReasonOf(await fires.HookAsync("launch")));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task Acknowledging_everything_completes_a_launch_by_itself_and_news_need_the_next_one_by_the_limiter(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync($$"""{"launch":{{scene.Hook("launch")}},"launchLimit":{"perHour":4,"minimumSpacing":"PT15M"} }""");
        await scene.DownloadAsync("one", scene.Origin.Bytes("one", 1000));
        await scene.HookAsync("launch");
        await scene.Caller.AcknowledgeAsync(scene.Session, (await scene.Caller.SessionAsync(scene.Session)).LastEvent);
        Assert.True((await scene.Caller.CompleteLaunchAsync(scene.Session, 1)).Completed);

        await scene.DownloadAsync("two", scene.Origin.Bytes("two", 1000));
        await scene.SucceededAsync("two");
        var waits = await Eventually.GetAsync(
            async () => await scene.Caller.WebhookAsync(scene.Session, "launch") is { NextAt: not null } webhook ? webhook : null, Scene.Within, () => "the next launch to be planned");
        Assert.InRange(waits.NextAt!.Value - DateTimeOffset.UtcNow, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(15)); // the budget: fifteen minutes apart
        Assert.Single(world.Receiver.At(scene.HookPath("launch")));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task An_attached_client_is_not_launched_and_a_session_that_wants_none_neither(Way way)
    {
        var (attached, without, control) = (world.Begin(way), world.Begin(way), world.Begin(way));
        await attached.OpenAsync($$"""{"launch":{{attached.Hook("launch")}}}""");
        await without.OpenAsync($$"""{"launch":{{without.Hook("launch")}},"sendsLaunchEvents":false}""");
        using var leave = new CancellationTokenSource(Scene.Within);
        await foreach (var shown in attached.Caller.StreamAsync(attached.Session, 0, null, leave.Token))
        {
            if (shown.Type == EventTypes.SessionCreated)
            {
                await attached.WhenSessionAsync(session => session.Attached); // its owner has heard of the stream, which another node may hold
                await attached.DownloadAsync("one", attached.Origin.Bytes("one", 1000));
            }
            if (shown.Type != EventTypes.TaskCompleted)
                continue;
            await without.DownloadAsync("one", without.Origin.Bytes("one", 1000));
            await without.SucceededAsync("one");
            await control.OpenAsync($$"""{"launch":{{control.Hook("launch")}}}""");
            await control.DownloadAsync("one", control.Origin.Bytes("one", 1000));
            await control.HookAsync("launch"); // who is away and wants it is called meanwhile
            Assert.Empty(world.Receiver.At(attached.HookPath("launch")));
            break;
        }
        Assert.Empty(world.Receiver.At(without.HookPath("launch")));
        await attached.HookAsync("launch"); // it left without having acknowledged
    }

    private static string? ReasonOf(Hook launch) => launch.Data.GetProperty("reason").GetString();
}
