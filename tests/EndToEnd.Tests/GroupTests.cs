using Backhaul.Client;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>Groups of tasks with the SDK, against a real node.</summary>
public sealed class GroupTests
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_serialized_group_runs_one_by_one_from_the_current_task_on_and_says_when_it_is_done()
    {
        var stop = TestContext.Current.CancellationToken;
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        await using var node = await NodeProcess.StartAsync(folder.Data);
        using var client = new BackhaulClient(node.Url);
        var session = client.Session("seasons");
        await session.CreateOrAttachAsync(stop: stop);
        var batch = session.CompletionGroup("batch");
        Assert.Equal("open", (await batch.CreateAsync(stop)).State);
        var group = session.Group("season-1");
        Assert.Equal((true, "serialized"), ((await group.CreateAsync("serialized", stop)).Created, (await group.GetAsync(stop)).Mode));
        for (var n = 0; n < 5; n++)
        {
            var file = origin.Add($"episode-{n}", 50_000, bytesPerSecond: 0);
            await session.AddTaskAsync(new TaskRequest { Id = $"episode-{n}", Kind = "download", Url = file.Url, Group = "season-1", CompletionGroup = "batch", Start = false }, stop: stop);
        }
        Assert.Equal(("enabled", 5), ((await batch.EnableAsync(stop: stop)).State, (await batch.GetAsync(stop)).Counts.Left));
        var closed = await Assert.ThrowsAsync<BackhaulException>(() => session.AddTaskAsync(new TaskRequest { Kind = "download", Url = origin.Url, CompletionGroup = "batch" }, stop: stop));
        Assert.Equal(ProblemCodes.CompletionGroupClosed, closed.Code);
        await session.MakeCurrentAsync("episode-3", stop: stop);
        Assert.Equal(0, (await group.ResumeAsync(stop: stop)).Counts.Suspended);
        await Eventually.TrueAsync(async () => (await session.GetAsync(stop)).Counts.Succeeded == 5, Within, () => "five tasks to succeed");

        var events = (await session.ReadEventPageAsync(stop: stop)).Events;
        var steps = events.Where(one => one.Type is EventTypes.TaskStarted or EventTypes.TaskCompleted).Select(one => $"{one.Type} {one.Task}");
        Assert.Equal(new[] { 3, 4, 0, 1, 2 }.SelectMany(n => new[] { $"taskStarted episode-{n}", $"taskCompleted episode-{n}" }), steps);
        Assert.Equal(["groupCompleted season-1 5", "completionGroupFired batch 5"], events.TakeLast(2).Select(one =>
            $"{one.Type} {one.Data.GetProperty("group").GetString()} {one.Data.GetProperty("succeeded").GetInt32()}"));
        var listed = new List<string>();
        await foreach (var task in group.ListTasksAsync("succeeded", stop: stop))
            listed.Add(task.Id);
        Assert.Equal(["episode-0", "episode-1", "episode-2", "episode-3", "episode-4"], listed);
    }
}
