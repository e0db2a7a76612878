using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

public sealed class GroupActorTests
{
    private static readonly GroupName Seasons = GroupName.Parse("seasons");

    private readonly SessionWorld _world = new();

    [Fact]
    public void A_serialized_group_goes_on_one_by_one_also_after_a_crash() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        await _world.AskAsync(new SessionCommand.PutGroup(Seasons, GroupMode.Serialized));
        for (var n = 0; n < 4; n++)
            await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { Group = Seasons }));
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
        var first = Assert.Single(_world.Runner.Running);
        Assert.Equal("groupOrder", (await _world.TaskAsync(TaskId.Parse("t2"))).Reason);
        _world.Crash();
        await _world.StartAsync();
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
        for (var n = 1; n <= 4; n++)
        {
            await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
            var running = Assert.Single(_world.Runner.Running);
            Assert.Equal($"t{n}", running.Order.Files.Task.ToString());
            running.Outcome.SetResult(((AttemptReport.Ended)SessionHarness.Finished()).Outcome);
            await _world.UntilAsync(async () => (await _world.DescribeAsync()).Counts.Succeeded == n);
        }
        var events = await _world.EventsAsync();
        Assert.Equal(EventTypes.GroupCompleted, events[^1].Type);
        Assert.Equal(4, events[^1].Data.GetProperty("succeeded").GetInt32());
    });

    [Fact]
    public void A_group_of_thousands_is_cancelled_in_turns_and_a_crash_in_between_changes_nothing() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        for (var batch = 0; batch < 6; batch++)
        {
            await _world.AskAsync(new SessionCommand.AddTasks(
                [.. Enumerable.Range(0, 500).Select(n => new BatchEntry(n, SessionHarness.Download() with { Start = false, Group = Seasons, Description = new string('x', 2000) }, null))]));
        }
        await _world.AskAsync(new SessionCommand.ActOnGroup(Seasons, GroupAct.Cancel));
        _world.Crash();
        await _world.StartAsync();
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Counts is { Cancelled: 3000, Suspended: 0 });
        var page = await _world.AskAsync(new SessionCommand.ListTasks(null, null, 0, 500, Seasons), ProtocolJson.Default.PageTaskView);
        Assert.Equal(500, page.Items.Count);
        Assert.Empty((await _world.AskAsync(new SessionCommand.ListTasks(null, null, 0, 500, GroupName.Parse("other")), ProtocolJson.Default.PageTaskView)).Items);
        var told = Assert.Single(await _world.EventsAsync(), happened => happened.Type == EventTypes.GroupCompleted);
        Assert.Equal(3000, told.Data.GetProperty("cancelled").GetInt32());
    });
}
