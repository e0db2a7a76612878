using Backhaul.Node.Actors;
using Backhaul.Node.Tests.Clock;
using Backhaul.World;
using Xunit;

namespace Backhaul.Node.Tests.Actors;

public sealed class SupervisionTests
{
    private readonly VirtualWorld _world = new();
    private readonly Probe.Journal _parent = new();
    private readonly Probe.Journal _child = new();
    private ActorRef<ProbeMessage>? _childRef;

    [Fact]
    public void A_failed_child_starts_again_with_its_mailbox_and_without_the_failing_message()
    {
        SpawnFamily();
        var failing = new Request<string>();
        var next = new Request<string>();
        _childRef!.TryPost(new ProbeMessage("bad", _ => throw new InvalidOperationException("bug"), failing));
        _childRef.TryPost(new ProbeMessage("good", Reply: next));
        _world.RunUntilIdle();
        Assert.Equal("unhandled Failed", failing.Reply.Now());
        Assert.False(next.IsAnswered);
        Assert.Equal(["new", "start", "failed child 1"], _parent.Lines);
        _world.Advance(TimeSpan.FromMilliseconds(300));
        Assert.Equal("done good", next.Reply.Now());
        Assert.Equal(["new", "start", "bad", "unhandled bad Failed", "stop Failed", "new", "start", "good"], _child.Lines);
    }

    [Fact]
    public void All_messages_of_a_turn_that_threw_are_answered()
    {
        SpawnFamily();
        _world.RunUntilIdle();
        var replies = Enumerable.Range(0, 3).Select(_ => new Request<string>()).ToList();
        _childRef!.TryPost(new ProbeMessage("turn", context =>
        {
            while (context.TryTakeNext(out _))
            {
            }
            throw new InvalidOperationException("bug");
        }, replies[0]));
        _childRef.TryPost(new ProbeMessage("with", Reply: replies[1]));
        _childRef.TryPost(new ProbeMessage("it", Reply: replies[2]));
        _world.RunUntilIdle();
        Assert.All(replies, reply => Assert.Equal("unhandled Failed", reply.Reply.Now()));
    }

    [Fact]
    public void The_delay_doubles_up_to_thirty_seconds()
    {
        var backoff = RestartBackoff.Default;
        Assert.Equal(200, backoff.Delay(1, 0.5).TotalMilliseconds, 3);
        Assert.Equal(400, backoff.Delay(2, 0.5).TotalMilliseconds, 3);
        Assert.Equal(800, backoff.Delay(3, 0.5).TotalMilliseconds, 3);
        Assert.Equal(160, backoff.Delay(1, 0).TotalMilliseconds, 3);
        Assert.Equal(240, backoff.Delay(1, 1).TotalMilliseconds, 3);
        Assert.Equal(30_000, backoff.Delay(9, 0.5).TotalMilliseconds, 3);
        Assert.Equal(30_000, backoff.Delay(1000, 0.9).TotalMilliseconds, 3);
    }

    [Fact]
    public void A_child_that_always_fails_is_restarted_ever_more_slowly()
    {
        var starts = new List<TimeSpan>();
        _child.OnStart = _ =>
        {
            starts.Add(_world.Time.Elapsed);
            throw new InvalidOperationException("never starts");
        };
        SpawnFamily();
        _world.Advance(TimeSpan.FromSeconds(200));
        var gaps = starts.Zip(starts.Skip(1), (a, b) => (b - a).TotalMilliseconds).ToList();
        Assert.InRange(gaps[0], 160, 240);
        Assert.InRange(gaps[1], 320, 480);
        Assert.InRange(gaps[5], 5_120, 7_680);
        Assert.All(gaps.Skip(8), gap => Assert.InRange(gap, 24_000, 30_000));
    }

    [Fact]
    public void A_quiet_minute_forgets_the_failures()
    {
        SpawnFamily();
        Fail();
        Fail();
        Assert.Contains("failed child 2", _parent.Lines);
        _world.Advance(TimeSpan.FromSeconds(61));
        _parent.Lines.Clear();
        Fail();
        Assert.Equal(["failed child 1"], _parent.Lines);

        void Fail()
        {
            _childRef!.TryPost(new ProbeMessage("bad", _ => throw new InvalidOperationException("bug")));
            _world.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public void A_stopped_child_ends_as_crashed_and_answers_its_queue()
    {
        _parent.Decide = _ => new SupervisionDecision.Stop();
        SpawnFamily();
        var queued = new Request<string>();
        _childRef!.TryPost(new ProbeMessage("bad", _ => throw new InvalidOperationException("bug")));
        _childRef.TryPost(new ProbeMessage("queued", Reply: queued));
        _world.RunUntilIdle();
        Assert.Equal(ActorEnd.Crashed, _childRef.Completion.Now());
        Assert.Equal("unhandled Stopped", queued.Reply.Now());
        Assert.Contains("ended child Crashed", _parent.Lines);
    }

    [Fact]
    public void An_escalated_failure_fails_the_parent_with_all_its_children()
    {
        _parent.Decide = _ => new SupervisionDecision.Escalate();
        SpawnFamily();
        var first = _childRef!;
        first.TryPost(new ProbeMessage("bad", _ => throw new InvalidOperationException("bug")));
        _world.RunUntilIdle();
        Assert.Equal(ActorEnd.Crashed, first.Completion.Now());
        Assert.Equal(["new", "start", "failed child 1", "stop Failed"], _parent.Lines);
        _world.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["new", "start", "failed child 1", "stop Failed", "new", "start"], _parent.Lines);
        Assert.NotSame(first, _childRef);
    }

    [Fact]
    public void A_failed_parent_stops_its_children_and_the_new_instance_spawns_its_own()
    {
        var parent = SpawnFamily();
        _world.RunUntilIdle();
        var first = _childRef!;
        parent.TryPost(new ProbeMessage("bad", _ => throw new InvalidOperationException("bug")));
        _world.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(ActorEnd.Completed, first.Completion.Now());
        Assert.Contains("stop ParentStopped", _child.Lines);
        Assert.Equal(2, _child.Lines.Count(line => line == "start"));
        Assert.DoesNotContain(_parent.Lines, line => line.StartsWith("ended", StringComparison.Ordinal)); // the new instance never knew that child
    }

    [Fact]
    public void A_decision_that_throws_fails_the_parent()
    {
        _parent.Decide = _ => throw new InvalidOperationException("cannot decide");
        SpawnFamily();
        _childRef!.TryPost(new ProbeMessage("bad", _ => throw new InvalidOperationException("bug")));
        _world.RunUntilIdle();
        Assert.Contains("stop Failed", _parent.Lines);
    }

    [Fact]
    public void A_stop_during_the_back_off_ends_it_in_order()
    {
        SpawnFamily();
        var queued = new Request<string>();
        _childRef!.TryPost(new ProbeMessage("bad", _ => throw new InvalidOperationException("bug")));
        _childRef.TryPost(new ProbeMessage("queued", Reply: queued));
        _world.RunUntilIdle();
        _childRef.Stop(StopReason.Requested);
        _world.RunUntilIdle();
        Assert.Equal(ActorEnd.Completed, _childRef.Completion.Now());
        Assert.Equal("unhandled Stopped", queued.Reply.Now());
        _world.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, _child.Lines.Count(line => line == "start"));
    }

    [Fact]
    public void A_top_actor_is_restarted_by_the_system()
    {
        var actor = _world.NewActorSystem().Spawn("top", () => new Probe(_parent));
        actor.TryPost(new ProbeMessage("bad", _ => throw new InvalidOperationException("bug")));
        _world.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["new", "start", "bad", "unhandled bad Failed", "stop Failed", "new", "start"], _parent.Lines);
    }

    [Fact]
    public void The_name_of_an_ended_child_is_free_when_its_end_was_heard()
    {
        var actor = _world.NewActorSystem().Spawn("top", () => new Probe(_parent));
        actor.TryPost(new ProbeMessage("spawn", context =>
        {
            context.Spawn("child", () => new Probe(_child));
            Assert.True(context.HasChild("child"));
            Assert.Throws<InvalidOperationException>(() => context.Spawn("child", () => new Probe(_child)));
            context.StopChild("child", StopReason.Requested);
            context.StopChild("nobody", StopReason.Requested);
            return default;
        }));
        _world.RunUntilIdle();
        actor.TryPost(new ProbeMessage("again", context =>
        {
            Assert.Equal(0, context.ChildCount);
            context.Spawn("child", () => new Probe(_child));
            return default;
        }));
        _world.RunUntilIdle();
        Assert.DoesNotContain(_parent.Lines, line => line.StartsWith("unhandled", StringComparison.Ordinal));
        Assert.Equal(["new", "start", "spawn", "ended child Completed", "again"], _parent.Lines);
    }

    private ActorRef<ProbeMessage> SpawnFamily()
    {
        _parent.OnStart = context =>
        {
            _childRef = context.Spawn("child", () => new Probe(_child));
            return default;
        };
        var parent = _world.NewActorSystem().Spawn("parent", () => new Probe(_parent));
        _world.RunUntilIdle();
        return parent;
    }
}
