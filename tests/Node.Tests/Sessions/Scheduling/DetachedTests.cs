using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions.Scheduling;

public sealed class DetachedTests
{
    private readonly SessionWorld _world = new();

    [Fact]
    public void Tasks_run_while_a_client_is_attached_and_wait_when_it_left_and_did_not_come_back_soon() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { WhileAttachedOnly = true }));
        var view = await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download("a")), ProtocolJson.Default.TaskView);
        Assert.Equal(("waiting", "detached"), (view.State, view.Reason));
        Assert.Contains("whileAttachedOnly", (await _world.AskAsync(new SessionCommand.ExplainTask(TaskId.Parse("a")), ProtocolJson.Default.WhyView)).Sentence, StringComparison.Ordinal);

        _world.Feed.Attach();
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
        _world.Feed.Detach();
        await Task.Delay(_world.Options.AttachGrace / 2, _world.World.Time);
        Assert.Single(_world.Runner.Running); // a stream that breaks comes back
        _world.Feed.Attach();
        await Task.Delay(_world.Options.AttachGrace * 2, _world.World.Time);
        Assert.Single(_world.Runner.Running);

        _world.Feed.Detach();
        await _world.UntilAsync(async () => await _world.TaskAsync(TaskId.Parse("a")) is { State: "waiting", Reason: "detached" });
        Assert.Empty(_world.Runner.Running);
        _world.Feed.Attach();
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
        Assert.Equal(2, _world.Runner.Attempts.Count);
    });
}
