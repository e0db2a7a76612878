using System.Net;

namespace Backhaul.Features.Tests.Tasks;

/// <summary>product.md, Tasks: sets of them.</summary>
public sealed class GroupTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task Groups_run_in_parallel_or_in_series_and_are_suspended_resumed_and_cancelled_as_one(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        Assert.Equal((true, "serialized"), (await scene.Caller.PutGroupAsync(scene.Session, "series", "serialized")) is var put ? (put.Created, put.Mode) : default);
        Assert.True((await scene.Caller.PutGroupAsync(scene.Session, "series")).Created is not true); // returned when it exists
        await scene.DownloadAsync("s1", scene.Origin.Bytes("s1", 1000, "hang=1"), ""","group":"series" """);
        await scene.DownloadAsync("s2", scene.Origin.Bytes("s2", 1000), ""","group":"series" """);
        await scene.DownloadAsync("p1", scene.Origin.Bytes("p1", 1000, "hang=1"), ""","group":"parallel" """); // created on first use
        await scene.DownloadAsync("p2", scene.Origin.Bytes("p2", 1000, "hang=1"), ""","group":"parallel" """);
        await scene.WhenAsync("p1", task => task.State == "running");
        await scene.WhenAsync("p2", task => task.State == "running");
        await scene.WhenAsync("s1", task => task.State == "running");
        await scene.WaitsAsync("s2", "groupOrder");
        Assert.Equal("parallel series", string.Join(' ', (await scene.Caller.GroupsAsync(scene.Session)).Select(group => group.Name)));

        await scene.Caller.ActOnGroupAsync(scene.Session, "parallel", "suspend");
        await Eventually.TrueAsync(async () => (await scene.Caller.GroupAsync(scene.Session, "parallel")).Counts.Suspended == 2, Scene.Within, () => "two suspended tasks");
        await scene.Caller.ActOnGroupAsync(scene.Session, "parallel", "resume");
        await scene.WhenAsync("p2", task => task.State == "running");
        await scene.Caller.ActOnGroupAsync(scene.Session, "parallel", "cancel");
        var completed = await scene.EventAsync(EventTypes.GroupCompleted);
        Assert.Equal(("parallel", 2L), (completed.Text("group"), completed.Number("cancelled")));

        await scene.Caller.ActAsync(scene.Session, "s1", "cancel");
        await scene.SucceededAsync("s2");
        var unknown = await Scene.RefusedAsync(() => scene.Caller.GroupAsync(scene.Session, "nobody"));
        Assert.Equal((HttpStatusCode.NotFound, ProblemCodes.GroupNotFound), (unknown.Status, unknown.Code));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_completion_group_takes_tasks_until_it_is_enabled_and_then_fires_once_with_its_counts(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync($$"""{"launch":{{scene.Hook("launch")}}}""");
        Assert.Equal((true, "open"), (await scene.Caller.PutCompletionGroupAsync(scene.Session, "monday")) is var put ? (put.Created, put.State) : default);
        await scene.DownloadAsync("other", scene.Origin.Bytes("other", 1000), ""","start":false""");
        await scene.DownloadAsync("good", scene.Origin.Bytes("good", 1000), ""","completionGroup":"monday" """);
        await scene.DownloadAsync("bad", scene.Origin.Bytes("bad", 1000, "status=404"), ""","completionGroup":"monday" """);
        await scene.DownloadAsync("left", scene.Origin.Bytes("left", 1000), ""","completionGroup":"monday","start":false""");
        await scene.SucceededAsync("good");
        Assert.Equal("failed", (await scene.EndedAsync("bad")).Outcome);
        await scene.Caller.EnableAsync(scene.Session, "monday");
        var refused = await Scene.RefusedAsync(() => scene.DownloadAsync("late", scene.Origin.Bytes("late", 1000), ""","completionGroup":"monday" """));
        Assert.Equal((HttpStatusCode.Conflict, ProblemCodes.CompletionGroupClosed), (refused.Status, refused.Code));
        Assert.Equal(1, (await scene.Caller.CompletionGroupAsync(scene.Session, "monday")).Counts.Left);
        await scene.Caller.ActAsync(scene.Session, "left", "cancel");
        Assert.Equal("completionGroup", (await scene.HookAsync("launch")).Data.GetProperty("reason").GetString());
        var events = await scene.AllEventsAsync();
        var fired = Assert.Single(events, shown => shown.Type == EventTypes.CompletionGroupFired);
        Assert.Equal(("monday", 1L, 1L, 1L), (fired.Text("group"), fired.Number("succeeded"), fired.Number("failed"), fired.Number("cancelled")));
        async Task<string> ListAsync(string? state = null, string? kind = null) =>
            string.Join(' ', (await scene.Caller.TasksAsync(scene.Session, state, kind, completionGroup: "monday")).Select(task => task.Id));
        Assert.Equal("good bad left", await ListAsync());
        Assert.Equal("bad", await ListAsync("failed", "download"));
        Assert.Equal("", await ListAsync(kind: "upload"));
        Assert.Equal("fired", (await scene.Caller.CompletionGroupAsync(scene.Session, "monday")).State);
    }
}
