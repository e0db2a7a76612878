using Backhaul.Node.Actors;
using Backhaul.World;
using Xunit;

namespace Backhaul.Node.Tests.Actors;

public sealed class TimerTests
{
    private readonly VirtualWorld _world = new();
    private readonly Probe.Journal _journal = new();
    private readonly ActorRef<ProbeMessage> _actor;

    public TimerTests() => _actor = _world.NewActorSystem().Spawn("probe", () => new Probe(_journal));

    [Fact]
    public void A_timer_is_a_message_at_its_time()
    {
        Do(context => context.StartTimer("t", TimeSpan.FromSeconds(5), new ProbeMessage("tick")));
        _world.Advance(TimeSpan.FromSeconds(4.999));
        Assert.DoesNotContain("tick", _journal.Lines);
        _world.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Single(_journal.Lines, "tick");
        _world.Advance(TimeSpan.FromMinutes(5));
        Assert.Single(_journal.Lines, "tick");
    }

    [Fact]
    public void A_later_start_of_the_same_key_replaces_the_earlier()
    {
        Do(context =>
        {
            context.StartTimer("t", TimeSpan.FromSeconds(1), new ProbeMessage("old"));
            context.StartTimer("t", TimeSpan.FromSeconds(2), new ProbeMessage("new one"));
        });
        _world.Advance(TimeSpan.FromSeconds(5));
        Assert.DoesNotContain("old", _journal.Lines);
        Assert.Single(_journal.Lines, "new one");
    }

    [Fact]
    public void The_late_message_of_a_cancelled_timer_is_dropped()
    {
        Do(context => context.StartTimer("t", TimeSpan.FromSeconds(1), new ProbeMessage("late")));
        // the turn is under way when the timer fires: its signal waits, and the turn cancels it
        _actor.TryPost(new ProbeMessage("long", async context =>
        {
            await Task.Delay(TimeSpan.FromSeconds(3), context.Time);
            context.CancelTimer("t");
        }));
        _world.Advance(TimeSpan.FromSeconds(10));
        Assert.DoesNotContain("late", _journal.Lines);
    }

    [Fact]
    public void The_late_message_of_a_replaced_timer_is_dropped_and_the_new_one_comes()
    {
        Do(context => context.StartTimer("t", TimeSpan.FromSeconds(1), new ProbeMessage("late")));
        _actor.TryPost(new ProbeMessage("long", async context =>
        {
            await Task.Delay(TimeSpan.FromSeconds(3), context.Time);
            context.StartTimer("t", TimeSpan.FromSeconds(1), new ProbeMessage("fresh"));
        }));
        _world.Advance(TimeSpan.FromSeconds(10));
        Assert.DoesNotContain("late", _journal.Lines);
        Assert.Single(_journal.Lines, "fresh");
    }

    [Fact]
    public void A_full_mailbox_does_not_hold_a_timer_back()
    {
        _actor.TryPost(new ProbeMessage("busy", async context =>
        {
            context.StartTimer("t", TimeSpan.FromSeconds(1), new ProbeMessage("tick"));
            await Task.Delay(TimeSpan.FromSeconds(2), context.Time);
        }));
        _world.RunUntilIdle();
        while (_actor.TryPost(new ProbeMessage("flood")))
        {
        }
        _world.Advance(TimeSpan.FromSeconds(3));
        Assert.True(_journal.Lines.IndexOf("tick") < _journal.Lines.IndexOf("flood"));
    }

    [Fact]
    public void A_restart_ends_the_timers_of_the_failed_instance()
    {
        Do(context => context.StartTimer("t", TimeSpan.FromSeconds(5), new ProbeMessage("tick")));
        Do(_ => throw new InvalidOperationException("bug"));
        _world.Advance(TimeSpan.FromMinutes(1));
        Assert.DoesNotContain("tick", _journal.Lines);
    }

    [Fact]
    public void A_timer_that_fires_during_a_pause_comes_after_it()
    {
        Do(context => context.StartTimer("t", TimeSpan.FromSeconds(5), new ProbeMessage("tick")));
        _actor.Pause();
        _world.Advance(TimeSpan.FromSeconds(10));
        Assert.DoesNotContain("tick", _journal.Lines);
        _actor.Resume();
        _world.RunUntilIdle();
        Assert.Single(_journal.Lines, "tick");
    }

    [Fact]
    public void A_stopped_actor_hears_no_timer()
    {
        Do(context => context.StartTimer("t", TimeSpan.FromSeconds(5), new ProbeMessage("tick")));
        _actor.Stop(StopReason.Requested);
        _world.Advance(TimeSpan.FromSeconds(10));
        Assert.DoesNotContain(_journal.Lines, line => line.Contains("tick", StringComparison.Ordinal));
    }

    private void Do(Action<ActorContext<ProbeMessage>> act)
    {
        _actor.TryPost(new ProbeMessage("do", context =>
        {
            act(context);
            return default;
        }));
        _world.RunUntilIdle();
    }
}
