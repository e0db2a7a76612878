using System.Net;

namespace Backhaul.Features.Tests.Delivery;

/// <summary>product.md, Events: numbered, kept until they are acknowledged, delivered by pages and streams.</summary>
public sealed class EventTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task Events_are_numbered_without_gaps_and_stay_until_they_are_acknowledged(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        for (var n = 1; n <= 3; n++)
            await scene.DownloadAsync($"d{n}", scene.Origin.Bytes($"d{n}", 1000));
        for (var n = 1; n <= 3; n++)
            await scene.SucceededAsync($"d{n}");
        var all = await scene.AllEventsAsync();
        Assert.Equal(Enumerable.Range(1, all.Count).Select(number => (long)number), all.Select(shown => shown.Number));
        Assert.Equal(
            [.. Enumerable.Repeat(EventTypes.TaskCompleted, 3)], all.Where(shown => shown.Type == EventTypes.TaskCompleted).Select(shown => shown.Type));
        Assert.Equal(all.Select(shown => shown.Number), (await scene.AllEventsAsync()).Select(shown => shown.Number)); // reading takes nothing away
        var page = await scene.Caller.EventsAsync(scene.Session, after: 2, limit: 2);
        Assert.Equal([3L, 4L], page.Events.Select(shown => shown.Number));
        Assert.Equal((all.Count, 0L), ((int)page.Last, page.Acknowledged));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task An_acknowledgement_counts_for_all_before_it_repeats_harmlessly_and_is_never_ahead(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        await scene.DownloadAsync("one", scene.Origin.Bytes("one", 1000));
        await scene.SucceededAsync("one");
        var last = (await scene.Caller.SessionAsync(scene.Session)).LastEvent;
        Assert.Equal((3L, last), (await scene.Caller.AcknowledgeAsync(scene.Session, 3)) is var first ? (first.Acknowledged, first.Last) : default);
        Assert.Equal(3, (await scene.Caller.AcknowledgeAsync(scene.Session, 3)).Acknowledged);
        Assert.Equal(3, (await scene.Caller.AcknowledgeAsync(scene.Session, 1)).Acknowledged);
        var refused = await Scene.RefusedAsync(() => scene.Caller.AcknowledgeAsync(scene.Session, last + 1));
        Assert.Equal((HttpStatusCode.BadRequest, ProblemCodes.FutureEvent), (refused.Status, refused.Code));
        Assert.Equal(3, (await scene.Caller.SessionAsync(scene.Session)).Acknowledged);
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_stream_gives_each_event_once_as_it_happens_and_progress_without_a_number(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        var (seen, progress) = (new List<EventView>(), new List<ProgressView>());
        using var leave = new CancellationTokenSource(Scene.Within);
        await foreach (var shown in scene.Caller.StreamAsync(scene.Session, 0, progress.Add, leave.Token))
        {
            seen.Add(shown);
            if (shown.Type == EventTypes.SessionCreated)
                await scene.DownloadAsync("slow", scene.Origin.Bytes("slow", 400_000, "rate=200000"));
            if (shown.Type == EventTypes.TaskCompleted)
                break;
        }
        Assert.Equal(Enumerable.Range(1, seen.Count).Select(number => (long)number), seen.Select(shown => shown.Number));
        Assert.All(progress, one => Assert.Equal("slow", one.Task));
        Assert.Equal(progress.Select(one => one.Progress.BytesReceived).Order(), progress.Select(one => one.Progress.BytesReceived));
        Assert.Contains(progress, one => one.Progress is { BytesReceived: > 0 and < 400_000, TotalToReceive: 400_000 });

        var rest = new List<long>();
        await foreach (var shown in scene.Caller.StreamAsync(scene.Session, 2, null, leave.Token))
        {
            rest.Add(shown.Number);
            if (shown.Number == seen[^1].Number)
                break;
        }
        Assert.Equal(seen.Skip(2).Select(shown => shown.Number), rest); // it goes on behind any number
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_long_poll_is_answered_when_something_happens_and_empty_when_its_time_is_over(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        Assert.Empty((await scene.Caller.EventsAsync(scene.Session, after: 1, waitSeconds: 1)).Events);
        var poll = scene.Caller.EventsAsync(scene.Session, after: 1, waitSeconds: 20);
        await scene.WhenSessionAsync(session => session.Attached); // it waits
        await scene.DownloadAsync("one", scene.Origin.Bytes("one", 1000));
        Assert.Equal(2, (await poll).Events[0].Number);
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task Events_drained_follows_when_everything_was_acknowledged_and_no_task_is_left(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        await scene.DownloadAsync("first", scene.Origin.Bytes("first", 1000));
        await scene.DownloadAsync("held", scene.Origin.Bytes("held", 1000), ""","start":false""");
        await scene.SucceededAsync("first");
        await scene.Caller.AcknowledgeAsync(scene.Session, (await scene.Caller.SessionAsync(scene.Session)).LastEvent);
        Assert.DoesNotContain(await scene.AllEventsAsync(), shown => shown.Type == EventTypes.EventsDrained); // a task is left
        await scene.Caller.ActAsync(scene.Session, "held", "resume");
        await scene.SucceededAsync("held");
        var last = (await scene.Caller.SessionAsync(scene.Session)).LastEvent;
        await scene.Caller.AcknowledgeAsync(scene.Session, last);
        var drained = await scene.EventAsync(EventTypes.EventsDrained, after: last);
        Assert.Equal(last + 1, drained.Number);
        await scene.Caller.AcknowledgeAsync(scene.Session, drained.Number);
        Assert.Empty((await scene.Caller.EventsAsync(scene.Session, drained.Number)).Events); // and not again
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task How_long_events_stay_that_nobody_acknowledges_is_said_by_the_session(Way way)
    {
        var scene = world.Begin(way);
        Assert.Equal(TimeSpan.FromDays(14), (await scene.OpenAsync()).Configuration.EventRetention);
        Assert.Equal(TimeSpan.FromMinutes(1), (await scene.OpenAsync("""{"eventRetention":"PT1M"}""")).Configuration.EventRetention);
        var refused = await Scene.RefusedAsync(() => scene.OpenAsync("""{"eventRetention":"PT1S"}"""));
        Assert.Equal((HttpStatusCode.BadRequest, ProblemCodes.InvalidField, "eventRetention"), (refused.Status, refused.Code, refused.Field));
    }
}
