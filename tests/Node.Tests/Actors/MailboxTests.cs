using Backhaul.Node.Actors;
using Backhaul.Node.Tests.Clock;
using Backhaul.World;
using Xunit;

namespace Backhaul.Node.Tests.Actors;

public sealed class MailboxTests
{
    private readonly VirtualWorld _world = new();
    private readonly Probe.Journal _journal = new();

    [Fact]
    public void Messages_are_received_one_at_a_time_and_in_order()
    {
        var actor = Spawn();
        for (var i = 0; i < 100; i++)
            Assert.True(actor.TryPost(new ProbeMessage($"{i}", async context => await Task.Delay(TimeSpan.FromMilliseconds(1), context.Time))));
        _world.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(["new", "start", .. Enumerable.Range(0, 100).Select(i => $"{i}")], _journal.Lines);
    }

    [Fact]
    public void A_full_mailbox_refuses_and_stays_open()
    {
        var actor = Spawn(new ActorOptions { InboxMax = 3 });
        actor.Pause();
        Assert.True(actor.TryPost(new ProbeMessage("a")));
        Assert.True(actor.TryPost(new ProbeMessage("b")));
        Assert.True(actor.TryPost(new ProbeMessage("c")));
        Assert.False(actor.TryPost(new ProbeMessage("d")));
        Assert.True(actor.IsAccepting);
        actor.Resume();
        _world.RunUntilIdle();
        Assert.Equal(["new", "start", "a", "b", "c"], _journal.Lines);
        Assert.True(actor.TryPost(new ProbeMessage("e")));
    }

    [Fact]
    public void Post_waits_for_room_and_loses_nothing()
    {
        var actor = Spawn(new ActorOptions { InboxMax = 2 });
        _world.Run(async () =>
        {
            actor.Pause();
            var posts = Enumerable.Range(0, 50).Select(i => actor.PostAsync(new ProbeMessage($"{i}"), CancellationToken.None).AsTask()).ToList();
            await Task.Yield();
            Assert.Equal(2, posts.Count(post => post.IsCompleted));
            actor.Resume();
            Assert.All(await Task.WhenAll(posts), Assert.True);
        });
        _world.RunUntilIdle();
        Assert.Equal(Enumerable.Range(0, 50).Select(i => $"{i}"), _journal.Lines.Skip(2));
    }

    [Fact]
    public void A_cancelled_post_was_not_posted()
    {
        var actor = Spawn(new ActorOptions { InboxMax = 1 });
        _world.Run(async () =>
        {
            actor.Pause();
            Assert.True(actor.TryPost(new ProbeMessage("first")));
            using var cancel = new CancellationTokenSource();
            var waiting = actor.PostAsync(new ProbeMessage("never"), cancel.Token);
            cancel.Cancel(); // CancelAsync would leave the thread
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
            actor.Resume();
        });
        _world.RunUntilIdle();
        Assert.Equal(["new", "start", "first"], _journal.Lines);
    }

    [Fact]
    public void Posts_that_wait_for_room_hear_of_the_stop()
    {
        var actor = Spawn(new ActorOptions { InboxMax = 1 });
        _world.Run(async () =>
        {
            actor.Pause();
            var kept = new Request<string>();
            Assert.True(actor.TryPost(new ProbeMessage("kept", Reply: kept)));
            var replies = Enumerable.Range(0, 5).Select(_ => new Request<string>()).ToList();
            var posts = replies.Select(reply => actor.PostAsync(new ProbeMessage("late", Reply: reply), CancellationToken.None).AsTask()).ToList();
            actor.Stop(StopReason.Requested);
            await actor.Completion;
            Assert.Equal("unhandled Stopped", await kept.Reply);
            for (var i = 0; i < posts.Count; i++)
                Assert.True(!await posts[i] || replies[i].IsAnswered);
        });
        Assert.False(actor.TryPost(new ProbeMessage("after")));
        Assert.False(actor.IsAccepting);
    }

    [Fact]
    public void A_turn_may_take_the_messages_that_already_wait()
    {
        var actor = Spawn();
        var together = new List<string>();
        actor.Pause();
        actor.TryPost(new ProbeMessage("first", context =>
        {
            while (context.TryTakeNext(out var next))
                together.Add(next.Text);
            return default;
        }));
        for (var i = 0; i < 10; i++)
            actor.TryPost(new ProbeMessage($"{i}"));
        actor.Resume();
        _world.RunUntilIdle();
        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"{i}"), together);
        Assert.Equal(["new", "start", "first"], _journal.Lines);
    }

    [Fact]
    public void A_paused_actor_keeps_its_mailbox_and_still_stops()
    {
        var actor = Spawn();
        _world.RunUntilIdle();
        actor.Pause();
        actor.TryPost(new ProbeMessage("waits"));
        _world.Advance(TimeSpan.FromMinutes(1));
        Assert.DoesNotContain("waits", _journal.Lines);
        actor.Stop(StopReason.Requested);
        _world.RunUntilIdle();
        Assert.Equal(["new", "start", "unhandled waits Stopped", "stop Requested"], _journal.Lines);
        Assert.Equal(ActorEnd.Completed, actor.Completion.Now());
    }

    [Fact]
    public void A_busy_actor_lets_others_run_after_a_quantum()
    {
        var system = _world.NewActorSystem();
        var order = new List<string>();
        var busy = system.Spawn("busy", () => new Probe(new Probe.Journal()));
        var other = system.Spawn("other", () => new Probe(new Probe.Journal()));
        _world.RunUntilIdle();
        for (var i = 0; i < 200; i++)
            busy.TryPost(new ProbeMessage("x", _ => Note("busy")));
        other.TryPost(new ProbeMessage("y", _ => Note("other")));
        _world.RunUntilIdle();
        Assert.InRange(order.IndexOf("other"), 1, 100);

        ValueTask Note(string who)
        {
            order.Add(who);
            return default;
        }
    }

    [Fact]
    public void A_stop_is_not_blocked_by_a_flooded_mailbox()
    {
        var actor = Spawn(new ActorOptions { InboxMax = 100 });
        _world.RunUntilIdle();
        for (var i = 0; i < 100; i++)
            actor.TryPost(new ProbeMessage($"{i}"));
        actor.Stop(StopReason.Drain);
        _world.RunUntilIdle();
        Assert.True(actor.Completion.IsCompleted);
        Assert.Equal(100, _journal.Lines.Count(line => line.EndsWith(" Stopped", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_turn_of_more_than_a_second_is_reported_while_it_runs()
    {
        var actor = Spawn();
        actor.TryPost(new ProbeMessage("slow", async context => await Task.Delay(TimeSpan.FromSeconds(5), context.Time)));
        _world.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Empty(_world.Loggers.Of(1002));
        _world.Advance(TimeSpan.FromSeconds(1));
        Assert.Single(_world.Loggers.Of(1002));
        _world.Advance(TimeSpan.FromSeconds(10));
        Assert.Single(_world.Loggers.Of(1002));
    }

    [Fact]
    public void The_trace_of_the_poster_travels_and_its_context_does_not()
    {
        var ambient = new AsyncLocal<string>();
        string? seen = "unset";
        System.Diagnostics.ActivityContext trace = default;
        using var source = new System.Diagnostics.Activity("poster").Start();
        ambient.Value = "of the caller";
        var actor = Spawn();
        actor.TryPost(new ProbeMessage("look", context =>
        {
            seen = ambient.Value;
            trace = context.Trace;
            return default;
        }));
        ambient.Value = null!;
        _world.RunUntilIdle();
        Assert.Null(seen);
        Assert.Equal(source.TraceId, trace.TraceId);
    }

    [Fact]
    public async Task On_the_thread_pool_many_posters_get_each_message_handled_once()
    {
        await using var system = new ActorSystem(TimeProvider.System, new SystemRandom(), Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, ActorScheduler.ThreadPool);
        var journal = new Probe.Journal();
        var actor = system.Spawn("busy", () => new Probe(journal), new ActorOptions { InboxMax = 16 });
        var replies = new System.Collections.Concurrent.ConcurrentBag<Request<string>>();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(poster => Task.Run(async () =>
        {
            for (var i = 0; i < 2000; i++)
            {
                var reply = new Request<string>();
                replies.Add(reply);
                Assert.True(await actor.PostAsync(new ProbeMessage($"{poster}:{i}", Reply: reply), CancellationToken.None));
            }
        })));
        await Task.WhenAll(replies.Select(reply => reply.Reply)).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.All(replies, reply => Assert.StartsWith("done", reply.Reply.Now(), StringComparison.Ordinal));
        for (var poster = 0; poster < 8; poster++)
            Assert.Equal(Enumerable.Range(0, 2000).Select(i => $"{poster}:{i}"), journal.Lines.Where(line => line.StartsWith($"{poster}:", StringComparison.Ordinal)));
    }

    private ActorRef<ProbeMessage> Spawn(ActorOptions? options = null) => _world.NewActorSystem().Spawn("probe", () => new Probe(_journal), options);
}
