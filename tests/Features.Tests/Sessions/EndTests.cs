using System.Net;

namespace Backhaul.Features.Tests.Sessions;

/// <summary>product.md, Sessions: how a session ends, and how only its tasks do.</summary>
public sealed class EndTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task A_force_quit_cancels_all_tasks_and_launches_nobody_until_a_client_attaches(Way way)
    {
        var (scene, control) = (world.Begin(way), world.Begin(way));
        await scene.OpenAsync($$"""{"launch":{{scene.Hook("launch")}}}""");
        await control.OpenAsync($$"""{"launch":{{control.Hook("launch")}}}""");
        await scene.DownloadAsync("runs", scene.Origin.Bytes("runs", 1000, "hang=1"));
        await scene.DownloadAsync("waits", scene.Origin.Bytes("waits", 1000), $$""","earliestBeginAt":{{Json.In(TimeSpan.FromHours(1))}}""");
        await scene.WhenAsync("runs", task => task.State == "running");

        await scene.Caller.EndAsync(scene.Session, "forceQuit");
        foreach (var task in new[] { "runs", "waits" })
        {
            var ended = await scene.EndedAsync(task);
            Assert.Equal(("cancelled", "forceQuit"), (ended.Outcome, ended.Error!.Code));
        }
        await control.DownloadAsync("ends", control.Origin.Bytes("ends", 1000));
        await control.HookAsync("launch"); // who was not force quit is launched meanwhile
        Assert.Empty(world.Receiver.At(scene.HookPath("launch")));
        Assert.Equal(("active", 1), (await scene.Caller.SessionAsync(scene.Session)) is var stays ? (stays.State, stays.Generation) : default);

        await scene.OpenAsync();
        await scene.DownloadAsync("later", scene.Origin.Bytes("later", 1000));
        await scene.SucceededAsync("later");
        Assert.Equal(1, (await scene.HookAsync("launch")).Data.GetProperty("launch").GetInt64());
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task Finish_lets_tasks_end_cancel_ends_them_and_the_identifier_begins_a_new_generation(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        await scene.DownloadAsync("present", scene.Origin.Bytes("present", 30_000, "rate=60000"));
        Assert.Equal("invalidating", (await scene.Caller.EndAsync(scene.Session, "finish")).State);
        var refused = await Scene.RefusedAsync(() => scene.DownloadAsync("late", scene.Origin.Bytes("late", 1)));
        Assert.Equal((HttpStatusCode.Conflict, ProblemCodes.SessionInvalidated), (refused.Status, refused.Code));
        await scene.EventAsync(EventTypes.SessionInvalidated);
        var first = await scene.AllEventsAsync();
        Assert.Equal(EventTypes.SessionInvalidated, first[^1].Type);
        Assert.Equal("succeeded", first.Single(shown => shown.Type == EventTypes.TaskCompleted).Text("outcome"));

        var anew = await scene.OpenAsync();
        Assert.Equal((true, 2), (anew.Created, anew.Generation));
        Assert.Equal(first[^1].Number + 1, (await scene.AllEventsAsync(first[^1].Number))[0].Number);
        await scene.DownloadAsync("hangs", scene.Origin.Bytes("hangs", 1000, "hang=1"));
        await scene.Caller.EndAsync(scene.Session, "cancel");
        await scene.EventAsync(EventTypes.SessionInvalidated, after: first[^1].Number);
        var second = await scene.AllEventsAsync(first[^1].Number);
        Assert.Equal("cancelled", second.Single(shown => shown.Type == EventTypes.TaskCompleted).Text("outcome"));
        Assert.Equal(EventTypes.SessionInvalidated, second[^1].Type);
        Assert.Equal(3, (await scene.OpenAsync()).Generation);
    }
}
