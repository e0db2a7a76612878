using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

/// <summary>The state at any event, folded from the journal.</summary>
public sealed class SessionHistoryTests
{
    private readonly SessionWorld _world = new() { Options = new SessionOptions { SnapshotEvery = 20 } };

    [Fact]
    public void Every_event_number_has_the_state_that_was_right_after_it() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { Id = TaskId.Parse("a"), Start = false }));
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { Id = TaskId.Parse("b"), Start = false }));
        await _world.AskAsync(new SessionCommand.CancelTask(TaskId.Parse("a")));
        var events = await _world.EventsAsync();
        foreach (var happened in events)
        {
            var then = await HistoryAsync(happened.Number);
            Assert.Equal((happened.Number, happened.At), (then.Number, then.At!.Value));
            var known = events.Where(e => e.Number <= happened.Number && e.Type == "taskCreated").Select(e => e.Task);
            Assert.Equal(known, then.Tasks.Select(task => task.Id));
        }
        var last = await HistoryAsync(null);
        Assert.Equal(events[^1].Number, last.Number);
        Assert.Equal(["completed cancelled", "suspended -"], last.Tasks.Select(task => $"{task.State} {(task.State == "completed" ? task.Why : "-")}"));
        Assert.Equal("suspended", (await HistoryAsync(last.Number - 1)).Tasks.First(task => task.Id == "b").State);
    });

    [Fact]
    public void What_never_happened_has_no_state() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        var last = (await _world.DescribeAsync()).LastEvent;
        var refused = Assert.IsType<CommandReply.Refused>(await _world.AskAsync(new SessionCommand.ShowHistory(last + 1, 10)));
        Assert.Contains($"there is no event {last + 1}", refused.Problem.Detail, StringComparison.Ordinal);
    });

    [Fact]
    public void Where_rows_are_trimmed_it_says_from_where_history_exists() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        for (var n = 0; n < 120; n++)
        {
            await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { Id = TaskId.Parse($"t{n}"), Start = false }));
            await _world.AskAsync(new SessionCommand.CancelTask(TaskId.Parse($"t{n}")));
            await _world.AskAsync(new SessionCommand.Acknowledge((await _world.DescribeAsync()).LastEvent));
        }
        var refused = Assert.IsType<CommandReply.Refused>(await _world.AskAsync(new SessionCommand.ShowHistory(2, 10)));
        Assert.Contains("history begins with the state at event", refused.Problem.Detail, StringComparison.Ordinal);
        var from = long.Parse(refused.Problem.Detail!.Split(' ')[^1].TrimEnd('.'), System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(from, (await HistoryAsync(from)).Number);
        Assert.NotNull((await HistoryAsync(from + 1)).Event);
        Assert.IsType<CommandReply.Refused>(await _world.AskAsync(new SessionCommand.ShowHistory(from - 1, 10)));
    });

    private Task<HistoryView> HistoryAsync(long? number) => _world.AskAsync(new SessionCommand.ShowHistory(number, 1_000), HistoryJson.Default.HistoryView);
}
