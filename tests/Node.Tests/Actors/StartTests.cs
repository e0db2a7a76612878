using Backhaul.Node.Actors;
using Backhaul.Node.Tests.Clock;
using Backhaul.World;
using Xunit;

namespace Backhaul.Node.Tests.Actors;

public sealed class StartTests
{
    private readonly VirtualWorld _world = new();
    private readonly Probe.Journal _parent = new();
    private readonly Probe.Journal _child = new();
    private readonly OneAtATime _gate = new();
    private readonly List<ActorRef<ProbeMessage>> _children = [];

    [Fact]
    public void Starts_go_through_the_gate_and_messages_wait_meanwhile()
    {
        _child.OnStart = async context => await Task.Delay(TimeSpan.FromSeconds(1), context.Time);
        SpawnChildren(3);
        foreach (var child in _children)
            Assert.True(child.TryPost(new ProbeMessage("hello")));
        _world.Advance(TimeSpan.FromSeconds(1.5));
        Assert.Equal(2, _child.Lines.Count(line => line == "start"));
        Assert.Single(_child.Lines, line => line == "hello");
        _world.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(3, _child.Lines.Count(line => line == "hello"));
        Assert.Equal(0, _gate.Inside);
    }

    [Fact]
    public void The_parent_hears_of_each_start_in_order_with_the_ends()
    {
        SpawnChildren(1);
        _world.RunUntilIdle();
        Assert.Contains("started child-0", _parent.Lines);
        _children[0].TryPost(new ProbeMessage("bad", _ => throw new InvalidOperationException("bug")));
        _world.Advance(TimeSpan.FromSeconds(1));
        _children[0].Stop(StopReason.Requested);
        _world.RunUntilIdle();
        Assert.Equal(["started child-0", "failed child-0 1", "started child-0", "ended child-0 Completed"], _parent.Lines.Skip(2));
    }

    [Fact]
    public void A_failed_start_leaves_the_gate_and_says_that_it_was_a_start()
    {
        var first = true;
        var whileStarting = new List<bool>();
        _parent.Decide = failure =>
        {
            whileStarting.Add(failure.WhileStarting);
            return SupervisionDecision.Default;
        };
        _child.OnStart = _ =>
        {
            if (!first)
                return default;
            first = false;
            throw new InvalidOperationException("cannot load");
        };
        SpawnChildren(1);
        _world.Advance(TimeSpan.FromSeconds(1));
        _children[0].TryPost(new ProbeMessage("bad", _ => throw new InvalidOperationException("bug")));
        _world.RunUntilIdle();
        Assert.Equal([true, false], whileStarting);
        Assert.Equal(0, _gate.Inside);
    }

    [Fact]
    public void A_stop_ends_the_wait_at_the_gate()
    {
        _child.OnStart = async context => await Task.Delay(TimeSpan.FromHours(1), context.Time);
        SpawnChildren(2);
        _world.RunUntilIdle();
        _children[1].Stop(StopReason.Requested);
        _world.RunUntilIdle();
        Assert.Equal(ActorEnd.Completed, _children[1].Completion.Now());
        Assert.Single(_child.Lines, line => line == "start");
    }

    [Fact]
    public void An_abandoned_start_leaves_the_gate()
    {
        _child.OnStart = async _ => await new TaskCompletionSource().Task;
        SpawnChildren(2);
        _world.RunUntilIdle();
        _children[0].Stop(StopReason.Requested);
        _world.Advance(TimeSpan.FromSeconds(12));
        Assert.Equal(ActorEnd.Abandoned, _children[0].Completion.Now());
        Assert.Equal(2, _child.Lines.Count(line => line == "start"));
    }

    private void SpawnChildren(int count)
    {
        var options = new ActorOptions { StartGate = _gate, ReportsStart = true };
        _parent.OnStart = context =>
        {
            for (var i = 0; i < count; i++)
                _children.Add(context.Spawn($"child-{i}", () => new Probe(_child), options));
            return default;
        };
        _world.NewActorSystem().Spawn("parent", () => new Probe(_parent));
        _world.RunUntilIdle();
    }

    /// <summary>Not a SemaphoreSlim: its waits continue on the thread pool.</summary>
    private sealed class OneAtATime : IStartGate
    {
        private readonly Queue<TaskCompletionSource> _waiting = new();

        public int Inside { get; private set; }

        public async ValueTask<IDisposable> EnterAsync(CancellationToken stop)
        {
            while (Inside == 1)
            {
                var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting.Enqueue(turn);
                using var registration = stop.Register(() => turn.TrySetCanceled(stop));
                await turn.Task;
            }
            Inside++;
            return new Leave(this);
        }

        private sealed class Leave(OneAtATime gate) : IDisposable
        {
            public void Dispose()
            {
                gate.Inside--;
                while (gate._waiting.TryDequeue(out var next) && !next.TrySetResult())
                {
                }
            }
        }
    }
}
