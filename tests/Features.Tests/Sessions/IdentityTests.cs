using System.Net;

namespace Backhaul.Features.Tests.Sessions;

/// <summary>product.md, Sessions: the identifier, and what it leads back to.</summary>
public sealed class IdentityTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task A_session_is_created_by_its_identifier_and_reattached_with_its_tasks_counters_and_cursor(Way way)
    {
        var scene = world.Begin(way);
        var created = await scene.OpenAsync("""{"requestTimeout":"PT30S"}""");
        Assert.Equal((true, 1, "active", 1), (created.Created, created.Generation, created.State, created.ConfigurationVersion));
        await scene.DownloadAsync("one", scene.Origin.Bytes("one", 1000));
        await scene.DownloadAsync("two", scene.Origin.Bytes("two", 1000), ""","start":false""");
        await scene.SucceededAsync("one");
        await scene.Caller.AcknowledgeAsync(scene.Session, 2);

        var again = await scene.AnotherCaller().OpenAsync(scene.Session);
        Assert.True(again.Created is not true);
        Assert.Equal(created.CreatedAt, again.CreatedAt);
        Assert.Equal((1L, 1L, 2L), (again.Counts.Succeeded, again.Counts.Suspended, again.Acknowledged));
        Assert.Equal(TimeSpan.FromSeconds(30), again.Configuration.RequestTimeout);
        Assert.Equal(again.LastEvent, (await scene.AllEventsAsync(again.Acknowledged))[^1].Number);
        var same = await scene.AnotherCaller().OpenAsync(scene.Session, """{"requestTimeout":"PT30S"}""");
        Assert.Equal((again.LastEvent, 1), (same.LastEvent, same.ConfigurationVersion));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task An_identifier_keeps_its_rule_is_shown_everywhere_and_is_another_session_in_another_tenant(Way way)
    {
        var scene = world.Begin(way);
        foreach (var wrong in new[] { "", "a b", "a/b", "ä", new string('x', 129) })
        {
            var refused = await Scene.RefusedAsync(() => scene.Caller.OpenAsync(wrong));
            Assert.Equal((HttpStatusCode.BadRequest, ProblemCodes.InvalidIdentifier), (refused.Status, refused.Code));
            Assert.Contains("128", refused.Detail, StringComparison.Ordinal);
        }
        var longest = scene.Name("A._~:-").PadRight(128, 'z');
        Assert.Equal(longest, (await scene.Caller.OpenAsync(longest)).Identifier);

        var hooks = $$"""{"launch":{{scene.Hook("launch")}}}""";
        Assert.Equal(scene.Session, (await scene.OpenAsync(hooks)).Identifier);
        await scene.DownloadAsync("one", scene.Origin.Bytes("one", 1000));
        Assert.Equal(scene.Session, (await scene.Caller.SessionAsync(scene.Session)).Identifier);
        Assert.Contains(await scene.Caller.SessionsAsync(), item => item.Identifier == scene.Session);
        Assert.Equal($"/sessions/{scene.Session}", (await scene.HookAsync("launch")).Event.GetProperty("source").GetString());

        var others = await scene.CallerOfOtherTenant().OpenAsync(scene.Session);
        Assert.Equal((true, 0L), (others.Created, others.Counts.Succeeded));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_task_goes_on_while_its_client_is_suspended_killed_or_gone(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        using (var left = new CancellationTokenSource())
        {
            var events = scene.Caller.StreamAsync(scene.Session, 0, null, left.Token).GetAsyncEnumerator(left.Token);
            await scene.DownloadAsync("long", scene.Origin.Bytes("long", 60_000, "rate=60000"));
            while (await events.MoveNextAsync() && events.Current.Type != EventTypes.TaskStarted)
            {
            }
            await left.CancelAsync();
            await events.DisposeAsync(); // in the middle: nothing of this client is connected any more
        }
        await scene.WhenSessionAsync(session => !session.Attached);
        var ended = await scene.SucceededAsync("long");
        Assert.Equal((60_000L, 1), (ended.File!.Length, ended.Attempts));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_client_that_comes_back_by_the_identifier_finds_what_was_there_and_what_went_on_since(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        await scene.DownloadAsync("before", scene.Origin.Bytes("before", 1000));
        await scene.SucceededAsync("before");
        var undelivered = await scene.AllEventsAsync();
        await scene.DownloadAsync("since", scene.Origin.Bytes("since", 30_000, "rate=60000")); // and the client dies

        var newborn = scene.AnotherCaller();
        await newborn.OpenAsync(scene.Session);
        var ended = await scene.SucceededAsync("since");
        var events = (await newborn.EventsAsync(scene.Session)).Events;
        Assert.Equal(undelivered.Select(shown => (shown.Number, shown.Type, shown.At)), events.Take(undelivered.Count).Select(shown => (shown.Number, shown.Type, shown.At)));
        Assert.Equal(Enumerable.Range(1, events.Count).Select(number => (long)number), events.Select(shown => shown.Number));
        Assert.Single(events, shown => shown.Type == EventTypes.TaskCompleted && shown.Task == ended.Id);
    }
}
