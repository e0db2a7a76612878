using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Backhaul.World;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

public sealed class TransferSlotsTests
{
    private static readonly SessionKey A = SessionKey.Parse("t/a");
    private static readonly SessionKey B = SessionKey.Parse("t/b");
    private static readonly SessionKey C = SessionKey.Parse("t/c");

    [Fact]
    public void Neither_limit_is_ever_exceeded()
    {
        using var slots = Slots(running: 4, host: 2);
        Assert.Equal(2, slots.Take(A, "h", 10));
        Assert.Equal(0, slots.Take(B, "H", 1));
        Assert.Equal(2, slots.Take(B, "i", 5));
        Assert.Equal(0, slots.Take(B, "j", 1));
        Assert.Equal(4, slots.Use.Running);
        slots.Return(A, "h", 1);
        Assert.Equal(1, slots.Take(C, "h", 3));
        Assert.Throws<InvalidOperationException>(() => slots.Return(C, "h", 3));
    }

    [Fact]
    public void The_first_in_line_is_told_first_and_a_newcomer_cannot_take_its_slot()
    {
        using var slots = Slots(running: 1, host: 9);
        List<string> told = [];
        Assert.Equal(1, slots.Take(A, "h", 1));
        Assert.Equal(0, slots.Take(B, "h", 1));
        slots.NotifyWhenFree(B, () => told.Add("B"));
        Assert.Equal(0, slots.Take(C, "h", 1));
        slots.NotifyWhenFree(C, () => told.Add("C"));
        slots.Return(A, "h", 1);
        Assert.Equal(["B"], told);
        Assert.Equal(0, slots.Take(A, "h", 1));
        Assert.Equal(0, slots.Take(C, "h", 1));
        Assert.Equal(1, slots.Take(B, "h", 1));
        slots.Return(B, "h", 1);
        Assert.Equal(["B", "C"], told);
    }

    /// <summary>The session whose transfer ended is the first to come back, and the place is kept for who is next by its weight.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Sessions_share_a_full_host_by_their_weights_whoever_comes_first(int places)
    {
        using var slots = Slots(running: 100, host: places);
        Dictionary<SessionKey, double> weights = new() { [A] = 1, [B] = 4, [SessionKey.Parse("t/c")] = 16 };
        Dictionary<SessionKey, int> started = weights.ToDictionary(session => session.Key, _ => 0);
        Queue<SessionKey> told = [];
        Queue<SessionKey> running = [];
        foreach (var session in weights.Keys)
            Start(session);
        while (started.Values.Sum() < 2100)
        {
            var ended = running.Dequeue();
            slots.Return(ended, "h", 1);
            Start(ended);
            while (told.TryDequeue(out var next))
                Start(next);
            Assert.Equal(places, slots.Use.Running);
        }
        foreach (var (session, weight) in weights)
            Assert.InRange(started[session] / (2100 * weight / 21), 0.93, 1.07);

        void Start(SessionKey session)
        {
            while (slots.Take(session, "h", 1) == 1)
            {
                started[session]++;
                running.Enqueue(session);
            }
            slots.NotifyWhenFree(session, () => told.Enqueue(session), 100, weights[session]);
        }
    }

    [Fact]
    public void A_place_of_a_host_that_is_kept_is_given_to_nobody_else_and_comes_back_unused()
    {
        using var slots = Slots(running: 9, host: 1);
        List<string> told = [];
        slots.Take(A, "h", 1);
        Assert.Equal(0, slots.Take(B, "h", 1));
        slots.NotifyWhenFree(B, () => told.Add("B"));
        Assert.Equal(0, slots.Take(C, "h", 1));
        slots.NotifyWhenFree(C, () => told.Add("C"));
        slots.Return(A, "h", 1);
        Assert.Equal((0, 0, null), (slots.Take(A, "H", 1), slots.Take(C, "h", 1), slots.TakeExtra(A, "h", 9)));
        Assert.Equal(1, slots.Take(A, "i", 1));
        Assert.Equal(["B"], told);
        slots.NotifyWhenFree(C, () => told.Add("C"));
        slots.Decline(B);
        Assert.Equal(["B", "C"], told);
        Assert.Equal((0, 1), (slots.Take(B, "h", 1), slots.Take(C, "h", 1)));
    }

    /// <summary>A place kept for one session is the host's: another with one connection left of its own finds the host's other places.</summary>
    [Fact]
    public void A_kept_place_takes_nothing_from_what_a_session_may_have_itself()
    {
        using var slots = Slots(running: 99, host: 2);
        List<string> told = [];
        Assert.Equal(2, slots.Take(A, "h", 2));
        foreach (var session in (SessionKey[])[B, C])
        {
            Assert.Equal(0, slots.Take(session, "h", 1, sessionHostMax: 1));
            slots.NotifyWhenFree(session, () => told.Add(session.Identifier.ToString()));
        }
        slots.Return(A, "h", 2);
        Assert.Equal(["b", "c"], told);
        Assert.Equal((1, 1), (slots.Take(C, "h", 1, sessionHostMax: 1), slots.Take(B, "h", 1, sessionHostMax: 1)));
    }

    [Fact]
    public void A_session_that_does_not_want_its_turn_passes_it_on()
    {
        using var slots = Slots(running: 1, host: 9);
        List<string> told = [];
        slots.Take(A, "h", 1);
        slots.NotifyWhenFree(B, () => told.Add("B"));
        slots.NotifyWhenFree(C, () => told.Add("C"));
        slots.Return(A, "h", 1);
        slots.Forget(B);
        Assert.Equal(["B", "C"], told);
    }

    [Fact]
    public void A_session_that_does_not_come_loses_its_turn_after_a_moment()
    {
        var world = new VirtualWorld();
        using var slots = Slots(running: 1, host: 9, world.Time);
        var isTold = false;
        slots.Take(A, "h", 1);
        slots.NotifyWhenFree(B, () => { });
        slots.NotifyWhenFree(C, () => isTold = true);
        slots.Return(A, "h", 1);
        Assert.False(isTold);
        world.Advance(TimeSpan.FromSeconds(2));
        Assert.True(isTold);
        Assert.Equal(1, slots.Take(C, "h", 1));
    }

    [Fact]
    public void Sessions_that_wait_for_the_same_full_hosts_do_not_wake_each_other_without_end()
    {
        using var slots = Slots(running: 3, host: 1);
        foreach (var host in (string[])["h", "i", "j"])
            Assert.Equal(1, slots.Take(C, host, 1));
        Queue<SessionKey> woken = new([A, B]);
        for (var turns = 0; woken.TryDequeue(out var session); turns++)
        {
            Assert.True(turns < 20, "they wake each other for ever");
            foreach (var host in (string[])["h", "i"])
            {
                Assert.Equal(0, slots.Take(session, host, 1));
                slots.NotifyWhenFree(session, () => woken.Enqueue(session));
            }
            if (turns == 1)
                slots.Return(C, "j", 1); // a slot of the node is free, and both hosts are full
        }
        slots.Return(C, "i", 1);
        Assert.NotEmpty(woken);
    }

    [Fact]
    public void Waiting_for_a_full_host_holds_nobody_else_up_and_does_not_spin()
    {
        using var slots = Slots(running: 3, host: 1);
        var toldA = 0;
        Assert.Equal(1, slots.Take(B, "full", 1));
        Assert.Equal(0, slots.Take(A, "full", 1));
        slots.NotifyWhenFree(A, () => toldA++);
        Assert.Equal(0, toldA);
        Assert.Equal(1, slots.Take(C, "other", 1));
        slots.Return(C, "other", 1);
        Assert.Equal(0, toldA);
        slots.Return(B, "full", 1);
        Assert.Equal(1, toldA);
        Assert.Equal(1, slots.Take(A, "full", 1));
    }

    [Fact]
    public void A_second_wish_replaces_the_first()
    {
        using var slots = Slots(running: 1, host: 9);
        List<int> told = [];
        slots.Take(A, "h", 1);
        slots.NotifyWhenFree(B, () => told.Add(1));
        slots.NotifyWhenFree(B, () => told.Add(2));
        slots.Return(A, "h", 1);
        Assert.Equal([2], told);
    }

    [Fact]
    public void A_callback_may_come_straight_back()
    {
        using var slots = Slots(running: 1, host: 9);
        var taken = 0;
        slots.Take(A, "h", 1);
        slots.NotifyWhenFree(B, () => taken = slots.Take(B, "h", 1));
        slots.Return(A, "h", 1);
        Assert.Equal(1, taken);
    }

    [Fact]
    public async Task Many_threads_keep_the_count()
    {
        using var slots = Slots(running: 5, host: 3, TimeProvider.System); // the virtual one is of one thread
        var over = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(
            () =>
            {
                var session = SessionKey.Parse($"t/s{worker}");
                for (var i = 0; i < 5000; i++)
                {
                    var host = i % 2 == 0 ? "h" : "i";
                    var count = slots.Take(session, host, 2);
                    if (slots.Use.Running > 5)
                        Interlocked.Increment(ref over);
                    if (count == 0)
                        slots.NotifyWhenFree(session, () => { });
                    else
                        slots.Return(session, host, count);
                }
                slots.Forget(session);
            },
            TestContext.Current.CancellationToken)));
        Assert.Equal(0, over);
        Assert.Equal(0, slots.Use.Running);
    }

    [Fact]
    public void A_session_has_no_more_to_one_host_than_it_may_extra_ones_included()
    {
        using var slots = Slots(running: 20, host: 20);
        List<string> told = [];
        Assert.Equal(2, slots.Take(A, "h", 2, sessionHostMax: 3));
        var extra = slots.TakeExtra(A, "H", 3);
        Assert.NotNull(extra);
        Assert.Null(slots.TakeExtra(A, "h", 3));
        Assert.Equal(0, slots.Take(A, "h", 1, sessionHostMax: 3));
        Assert.Equal(1, slots.Take(B, "h", 1, sessionHostMax: 3));
        slots.NotifyWhenFree(A, () => told.Add("A"));
        Assert.True(slots.IsWanted("h"));
        Assert.False(slots.IsWanted("i"));
        slots.Return(B, "h", 1);
        Assert.Empty(told);
        extra.Return();
        Assert.Equal(["A"], told);
        Assert.Equal(1, slots.Take(A, "h", 1, sessionHostMax: 3));
    }

    [Fact]
    public void Extra_connections_are_for_times_when_nobody_waits()
    {
        using var slots = Slots(running: 3, host: 9);
        slots.Take(A, "h", 2);
        var extra = slots.TakeExtra(A, "h", 6);
        Assert.NotNull(extra);
        Assert.Null(slots.TakeExtra(A, "h", 6));
        Assert.Equal(0, slots.Take(B, "i", 1));
        Assert.False(slots.IsWanted("h"));
        slots.NotifyWhenFree(B, static () => { });
        Assert.True(slots.IsWanted("h"));
        slots.Return(A, "h", 1);
        Assert.Null(slots.TakeExtra(A, "h", 6)); // it is kept for the one that was told
        Assert.False(slots.IsWanted("h"));
        Assert.Equal(1, slots.Take(B, "i", 1));
        extra.Return();
        Assert.Equal(2, slots.Use.Running);
    }

    [Fact]
    public void A_thousand_slow_transfers_run_after_two_seconds_and_the_limit_is_given_back_when_they_are_gone()
    {
        var world = new VirtualWorld();
        using var slots = new TransferSlots(new TransferOptions { HostMax = 4096 }, world.Time);
        var running = 0;
        TakeAll();
        Assert.Equal(16, running);
        for (var i = 0; i < 20; i++)
        {
            slots.Moved(running * 100_000, 0);
            world.Advance(TimeSpan.FromMilliseconds(100));
        }
        Assert.Equal(1000, running);

        slots.Return(A, "h", running);
        world.Advance(TimeSpan.FromSeconds(5));
        Assert.Null(world.Time.NextDue);
        Assert.Equal(1, slots.Take(A, "h", 1));
        world.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal((1, 16, 4096), (slots.Use.Running, slots.Use.RunningMax, slots.Use.HostMax));

        void TakeAll()
        {
            running += slots.Take(A, "h", 1000 - running);
            if (running < 1000)
                slots.NotifyWhenFree(A, TakeAll);
        }
    }

    /// <summary>Time stands still unless a test moves it: what is kept for somebody stays kept, however slow the machine.</summary>
    private static TransferSlots Slots(int running, int host, TimeProvider? time = null) =>
        new(new TransferOptions { RunningMax = running, HostMax = host }, time ?? new VirtualWorld().Time);
}
