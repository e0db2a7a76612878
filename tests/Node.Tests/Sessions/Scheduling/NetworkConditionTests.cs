using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Conditions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions.Scheduling;

public sealed class NetworkConditionTests
{
    private static readonly NetworkState Metered = new() { Cost = NetworkCost.Metered };
    private readonly SessionWorld _world = new();

    [Fact]
    public void A_task_that_the_network_does_not_suit_waits_with_its_reason_and_goes_on_when_it_changes() => _world.Run(async () =>
    {
        await _world.StartAsync();
        _world.Conditions.Set(Metered);
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { CostPolicy = "unrestrictedOnly" }));
        var id = await AddAsync(SessionHarness.Download());
        var other = await AddAsync(SessionHarness.Download() with { CostPolicy = CostPolicy.Always });
        Assert.Equal(("waiting", "costedNetwork"), await StateAsync(id));
        Assert.Equal("running", (await _world.TaskAsync(other)).State);
        var why = (await _world.AskAsync(new SessionCommand.ExplainTask(id), ProtocolJson.Default.WhyView)).Sentence;
        Assert.Contains("metered", why, StringComparison.Ordinal);
        Assert.Contains("unrestrictedOnly", why, StringComparison.Ordinal);

        _world.Conditions.Set(NetworkState.Good);
        await _world.UntilAsync(async () => (await _world.TaskAsync(id)).State == "running");
        Assert.Equal(2, _world.Runner.Attempts.Count);
    });

    [Fact]
    public void Running_tasks_that_may_not_use_the_network_stop_keep_their_bytes_and_go_on() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        var id = await AddAsync(SessionHarness.Download());
        var free = await AddAsync(SessionHarness.Download());
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Count() == 2));
        Assert.True(await _world.Runner.Attempts[0].Reports.CheckpointAsync(new PartCheckpoint { Part = "p", Bytes = 40, Total = 100, Validator = "\"v\"" }));

        _world.Conditions.Set(new NetworkState { Offline = true, Why = "works on the line" });
        await _world.UntilAsync(async () => await StateAsync(id) == ("waiting", "noNetwork") && await StateAsync(free) == ("waiting", "noNetwork"));
        Assert.Empty(_world.Runner.Running);
        Assert.Contains("works on the line", (await _world.AskAsync(new SessionCommand.ExplainTask(id), ProtocolJson.Default.WhyView)).Sentence, StringComparison.Ordinal);
        var waiting = Assert.Single(await _world.EventsAsync(), happened => happened.Type == EventTypes.TaskWaiting && happened.Task == id.ToString());
        Assert.Equal("noNetwork", waiting.Data.GetProperty("reason").GetString());

        _world.Conditions.Set(Metered);
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Count() == 2));
        Assert.Equal(40, _world.Runner.Running.Single(attempt => attempt.Order.Files.Task == id).Order.Resume!.Bytes);
        Assert.Equal(0, (await _world.TaskAsync(id)).Error is null ? 0 : 1);
    });

    [Fact]
    public void A_session_that_is_loaded_later_finds_the_conditions_as_they_are() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { AllowsExpensiveAccess = false }));
        var id = await AddAsync(SessionHarness.Download());
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
        _world.Crash();
        _world.Conditions.Set(Metered);
        await _world.StartAsync();
        await _world.UntilAsync(async () => await StateAsync(id) == ("waiting", "costedNetwork"));
        Assert.Empty(_world.Runner.Running);
    });

    private async Task<TaskId> AddAsync(TaskSpec spec) => TaskId.Parse((await _world.AskAsync(new SessionCommand.AddTask(spec), ProtocolJson.Default.TaskView)).Id);

    private async Task<(string State, string? Reason)> StateAsync(TaskId id)
    {
        var view = await _world.TaskAsync(id);
        return (view.State, view.Reason);
    }
}
