using Backhaul.Node.Actors;
using Backhaul.Node.Tests.Clock;
using Backhaul.World;
using Xunit;

namespace Backhaul.Node.Tests.Actors;

public sealed class StopTests
{
    private readonly VirtualWorld _world = new();
    private readonly Probe.Journal _journal = new();
    private readonly Probe.Journal _childJournal = new();

    [Fact]
    public void A_stop_before_the_start_starts_nothing_and_answers_what_was_posted()
    {
        var actor = Spawn();
        var reply = new Request<string>();
        actor.TryPost(new ProbeMessage("early", Reply: reply));
        actor.Stop(StopReason.Requested);
        _world.RunUntilIdle();
        Assert.Equal(["new", "unhandled early Stopped"], _journal.Lines);
        Assert.Equal(ActorEnd.Completed, actor.Completion.Now());
        Assert.Equal("unhandled Stopped", reply.Reply.Now());
    }

    [Fact]
    public void Stopping_twice_is_stopping_once_and_the_first_reason_stays()
    {
        var actor = Spawn();
        _world.RunUntilIdle();
        actor.Stop(StopReason.Passivate);
        actor.Stop(StopReason.Fenced);
        _world.RunUntilIdle();
        actor.Stop(StopReason.Drain);
        _world.RunUntilIdle();
        Assert.Equal(["new", "start", "stop Passivate"], _journal.Lines);
    }

    [Fact]
    public void The_turn_in_hand_ends_first_and_what_is_queued_is_answered()
    {
        var actor = Spawn();
        var first = new Request<string>();
        var second = new Request<string>();
        actor.TryPost(new ProbeMessage("first", async context => await Task.Delay(TimeSpan.FromSeconds(2), context.Time), first));
        actor.TryPost(new ProbeMessage("second", Reply: second));
        _world.Advance(TimeSpan.FromSeconds(1));
        actor.Stop(StopReason.Requested);
        _world.RunUntilIdle();
        Assert.False(actor.Completion.IsCompleted);
        _world.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("done first", first.Reply.Now());
        Assert.Equal("unhandled Stopped", second.Reply.Now());
        Assert.Equal(ActorEnd.Completed, actor.Completion.Now());
    }

    [Fact]
    public void Stop_of_oneself_takes_effect_after_the_turn()
    {
        var actor = Spawn();
        actor.TryPost(new ProbeMessage("last", context =>
        {
            context.StopSelf(StopReason.Passivate);
            _journal.Add("still in the turn");
            return default;
        }));
        _world.RunUntilIdle();
        Assert.Equal(["new", "start", "last", "still in the turn", "stop Passivate"], _journal.Lines);
    }

    [Fact]
    public void Children_stop_in_parallel_and_before_the_parent()
    {
        _childJournal.OnStop = async context => await Task.Delay(TimeSpan.FromSeconds(5), context.Time);
        _journal.OnStop = _ =>
        {
            _journal.Add($"children {_childJournal.Lines.Count(line => line.StartsWith("stop", StringComparison.Ordinal))}");
            return default;
        };
        var actor = Spawn(children: 4);
        _world.RunUntilIdle();
        var before = _world.Time.Elapsed;
        actor.Stop(StopReason.Drain);
        _world.Run(() => actor.Completion);
        Assert.Equal(TimeSpan.FromSeconds(5), _world.Time.Elapsed - before);
        Assert.All(_childJournal.Lines.Where(line => line.StartsWith("stop", StringComparison.Ordinal)), line => Assert.Equal("stop Drain", line));
        Assert.Equal(["ended child-0 Completed", "ended child-1 Completed", "ended child-2 Completed", "ended child-3 Completed", "stop Drain", "children 4"], _journal.Lines.Skip(2));
    }

    [Fact]
    public void A_child_that_does_not_end_is_cancelled_and_then_left_behind()
    {
        var cancelled = false;
        var never = new TaskCompletionSource();
        _childJournal.OnStop = async context =>
        {
            context.Abandoned.Register(() => cancelled = true);
            await never.Task;
        };
        var actor = Spawn(children: 1, options: new ActorOptions { ChildStopTimeout = TimeSpan.FromSeconds(10) });
        _world.RunUntilIdle();
        actor.Stop(StopReason.Requested);
        _world.Advance(TimeSpan.FromSeconds(9.9));
        Assert.False(cancelled);
        _world.Advance(TimeSpan.FromSeconds(0.2));
        Assert.True(cancelled);
        Assert.False(actor.Completion.IsCompleted);
        _world.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(ActorEnd.Completed, actor.Completion.Now());
        Assert.Contains("ended child-0 Abandoned", _journal.Lines);
        never.SetResult();
        _world.RunUntilIdle();
        Assert.Single(_journal.Lines, line => line.StartsWith("ended", StringComparison.Ordinal));
    }

    [Fact]
    public void A_child_that_obeys_its_cancelled_token_completes()
    {
        _childJournal.OnStop = async context =>
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var registration = context.Abandoned.Register(done.SetResult);
            await done.Task;
        };
        var actor = Spawn(children: 1);
        _world.RunUntilIdle();
        actor.Stop(StopReason.Requested);
        _world.Run(() => actor.Completion);
        Assert.Contains("ended child-0 Completed", _journal.Lines);
    }

    [Fact]
    public void A_hanging_turn_is_left_behind_and_its_queue_answered()
    {
        var never = new TaskCompletionSource();
        var actor = Spawn();
        var waiting = new Request<string>();
        actor.TryPost(new ProbeMessage("hangs", async _ => await never.Task));
        actor.TryPost(new ProbeMessage("waits", Reply: waiting));
        _world.RunUntilIdle();
        actor.Stop(StopReason.Requested);
        _world.Advance(TimeSpan.FromSeconds(17));
        Assert.Equal(ActorEnd.Abandoned, actor.Completion.Now());
        Assert.Equal("unhandled Abandoned", waiting.Reply.Now());
        never.SetResult();
        _world.RunUntilIdle();
        Assert.DoesNotContain(_journal.Lines, line => line.StartsWith("stop", StringComparison.Ordinal));
    }

    [Fact]
    public void The_stopping_token_interrupts_a_start_that_waits()
    {
        _journal.OnStart = async context => await Task.Delay(TimeSpan.FromHours(1), context.Time, context.Stopping);
        var actor = Spawn();
        _world.Advance(TimeSpan.FromSeconds(1));
        actor.Stop(StopReason.Requested);
        _world.RunUntilIdle();
        Assert.Equal(["new", "start", "stop Failed"], _journal.Lines); // half loaded: nothing may be saved
        Assert.Equal(ActorEnd.Completed, actor.Completion.Now());
    }

    [Fact]
    public void An_exception_while_stopping_ends_it_as_crashed()
    {
        _journal.OnStop = _ => throw new InvalidOperationException("no");
        var actor = Spawn();
        _world.RunUntilIdle();
        actor.Stop(StopReason.Requested);
        _world.RunUntilIdle();
        Assert.Equal(ActorEnd.Crashed, actor.Completion.Now());
    }

    [Fact]
    public void Reports_of_children_are_received_until_they_have_ended()
    {
        ActorRef<ProbeMessage>? reports = null;
        ActorRef<ProbeMessage>? self = null;
        _childJournal.OnStop = async context =>
        {
            Assert.False(self!.TryPost(new ProbeMessage("outsider")));
            var saved = new Request<string>();
            Assert.True(await reports!.PostAsync(new ProbeMessage("checkpoint", Reply: saved), CancellationToken.None));
            Assert.Equal("done checkpoint", await saved.Reply);
            reports.TryPost(new ProbeMessage("outcome"));
        };
        _journal.OnStart = context =>
        {
            reports = context.ForChildren;
            self = context.Self;
            context.Spawn("child", () => new Probe(_childJournal));
            return default;
        };
        var actor = Spawn();
        _world.RunUntilIdle();
        actor.Stop(StopReason.Drain);
        _world.RunUntilIdle();
        Assert.Equal(["new", "start", "checkpoint", "outcome", "ended child Completed", "stop Drain"], _journal.Lines);
        Assert.False(reports!.TryPost(new ProbeMessage("late")));
    }

    [Fact]
    public void A_childs_end_is_heard_after_what_it_had_posted()
    {
        _journal.OnStart = context =>
        {
            var parent = context.Self;
            _childJournal.OnStop = _ =>
            {
                parent.TryPost(new ProbeMessage("outcome"));
                return default;
            };
            context.Spawn("child", () => new Probe(_childJournal)).Stop(StopReason.Requested);
            return default;
        };
        _childJournal.OnStart = null;
        var actor = Spawn();
        for (var i = 0; i < 3; i++)
            actor.TryPost(new ProbeMessage($"{i}"));
        _world.RunUntilIdle();
        // the child was stopped before its start here; with one that ran:
        actor.TryPost(new ProbeMessage("spawn", context =>
        {
            context.Spawn("second", () => new Probe(_childJournal)).TryPost(new ProbeMessage("go", child =>
            {
                child.StopSelf(StopReason.Requested);
                return default;
            }));
            return default;
        }));
        _world.RunUntilIdle();
        Assert.True(_journal.Lines.IndexOf("outcome") < _journal.Lines.IndexOf("ended second Completed"));
        Assert.True(_journal.Lines.IndexOf("outcome") > 0);
    }

    [Fact]
    public void A_child_spawned_while_stopping_ends_at_once_and_is_heard()
    {
        _childJournal.OnStop = _ => default;
        _journal.OnStop = context =>
        {
            context.Spawn("late", () => new Probe(_childJournal));
            return default;
        };
        var actor = Spawn();
        _world.RunUntilIdle();
        actor.Stop(StopReason.Requested);
        _world.RunUntilIdle();
        Assert.Equal(ActorEnd.Completed, actor.Completion.Now());
        Assert.DoesNotContain("start", _childJournal.Lines);
    }

    [Fact]
    public void Stopping_the_system_stops_all_and_leaves_behind_what_hangs()
    {
        var system = _world.NewActorSystem();
        var good = system.Spawn("good", () => new Probe(_journal));
        var hanging = system.Spawn("hanging", () => new Probe(_childJournal));
        var never = new TaskCompletionSource();
        hanging.TryPost(new ProbeMessage("hang", async _ => await never.Task));
        _world.RunUntilIdle();
        _world.Run(async () => await system.StopAsync(StopReason.Drain, TimeSpan.FromSeconds(3)));
        Assert.Equal(TimeSpan.FromSeconds(3), _world.Time.Elapsed);
        Assert.Equal(ActorEnd.Completed, good.Completion.Now());
        Assert.Equal(ActorEnd.Abandoned, hanging.Completion.Now());
        Assert.Throws<ObjectDisposedException>(() => system.Spawn("after", () => new Probe(_journal)));
    }

    [Theory]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6)]
    public async Task On_the_thread_pool_each_accepted_message_is_received_or_answered_whenever_the_stop_comes(int seed)
    {
        var random = new Random(seed);
        await using var system = new ActorSystem(TimeProvider.System, new SystemRandom(), Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, ActorScheduler.ThreadPool);
        for (var round = 0; round < 50; round++)
        {
            var actor = system.Spawn($"probe-{round}", () => new Probe(new Probe.Journal()), new ActorOptions { InboxMax = 4 });
            var posters = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
            {
                for (var i = 0; ; i++)
                {
                    var reply = new Request<string>();
                    if (!await actor.PostAsync(new ProbeMessage($"{i}", Reply: reply), CancellationToken.None))
                        return;
                    await reply.Reply;
                }
            })).ToArray();
            var spin = random.Next(20_000);
            for (var i = 0; i < spin; i++)
                Thread.SpinWait(1);
            actor.Stop(StopReason.Requested);
            await Task.WhenAll([.. posters, actor.Completion]).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        }
    }

    private ActorRef<ProbeMessage> Spawn(int children = 0, ActorOptions? options = null)
    {
        if (children > 0)
        {
            _journal.OnStart = context =>
            {
                for (var i = 0; i < children; i++)
                    context.Spawn($"child-{i}", () => new Probe(_childJournal));
                return default;
            };
        }
        return _world.NewActorSystem().Spawn("probe", () => new Probe(_journal), options);
    }
}
