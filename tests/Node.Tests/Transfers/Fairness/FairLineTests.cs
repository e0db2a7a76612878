using System.Diagnostics;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Fairness;
using Backhaul.Protocol;
using Backhaul.World;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Transfers.Fairness;

public sealed class FairLineTests
{
    /// <summary>100,000 tasks of 100 sessions of ten tenants wait; slots come free one by one.</summary>
    [Fact]
    public void A_hundred_thousand_waiting_tasks_start_by_the_weights_of_tenants_and_sessions_and_the_next_is_found_in_no_time()
    {
        var weights = Enumerable.Range(1, 10).ToDictionary(tenant => $"t{tenant}", tenant => (double)tenant, StringComparer.Ordinal);
        using var slots = new TransferSlots(new TransferOptions { RunningMin = 1, RunningStart = 1, RunningMax = 1, HostMax = 10, TenantWeights = weights }, new VirtualWorld().Time);
        var blocker = SessionKey.Parse("other/blocker");
        Assert.Equal(1, slots.Take(blocker, "h0", 1));
        Queue<SessionKey> told = [];
        Dictionary<SessionKey, (double Weight, int Left, int Started)> sessions = [];
        foreach (var tenant in weights.Keys)
        {
            for (var n = 1; n <= 10; n++)
            {
                var key = SessionKey.Parse($"{tenant}/s{n}");
                sessions[key] = (n, 1000, 0);
                Wait(key);
            }
        }
        Assert.Equal(100_000, sessions.Values.Sum(session => session.Left));

        const int starts = 5_500; // so that the busiest session, with a tenth of two elevenths, has some left
        slots.Return(blocker, "h0", 1);
        var took = new TimeSpan[starts];
        for (var start = 0; start < starts; start++)
        {
            var began = Stopwatch.GetTimestamp();
            var key = told.Dequeue();
            Assert.Empty(told); // one slot, one word
            Assert.Equal(1, slots.Take(key, "h0", 1));
            sessions[key] = sessions[key] with { Left = sessions[key].Left - 1, Started = sessions[key].Started + 1 };
            Wait(key);
            slots.Return(key, "h0", 1);
            took[start] = Stopwatch.GetElapsedTime(began);
        }
        Array.Sort(took);
        var each = took[starts / 2]; // the median: a thread that was interrupted says nothing
        TestContext.Current.TestOutputHelper?.WriteLine($"{each.TotalMicroseconds:0.0} µs for a start: wait, offer, take, return.");
        Assert.True(each < TimeSpan.FromMicroseconds(50 * 10), $"A start took {each.TotalMicroseconds:0} µs."); // ten times the promise, because the machine is shared
        foreach (var (tenant, weight) in weights)
        {
            var share = sessions.Where(session => session.Key.Tenant.ToString() == tenant).Sum(session => session.Value.Started) / (double)starts;
            Assert.InRange(share / (weight / 55), 0.95, 1.05);
        }
        foreach (var (key, session) in sessions.Where(session => session.Key.Tenant.ToString() == "t10"))
            Assert.True(Math.Abs(session.Started - (starts * (10 / 55.0) * (session.Weight / 55))) <= Math.Max(1.5, session.Started * 0.05), $"{key} started {session.Started}");

        void Wait(SessionKey key)
        {
            Assert.Equal(0, slots.Take(key, "h0", 1));
            slots.NotifyWhenFree(key, () => told.Enqueue(key), sessions[key].Left, sessions[key].Weight);
        }
    }

    [Fact]
    public void Whoever_wants_all_the_time_gets_its_share_within_one_at_every_moment() =>
        Prop.ForAll(
            (from count in Gen.Choose(1, 12) from weights in Gen.Choose(1, 20).ArrayOf(count) select weights).ToArbitrary(),
            weights =>
            {
                var times = new VirtualTimes<int>();
                for (var who = 0; who < weights.Length; who++)
                    times.Join(who, weights[who]);
                var given = new int[weights.Length];
                var total = (double)weights.Sum();
                for (var n = 1; n <= 300; n++)
                {
                    var next = times.InOrder.First();
                    given[next]++;
                    times.Charge(next, 1);
                    // a difference in virtual time of at most one start of the lighter of two
                    for (var a = 0; a < given.Length; a++)
                    {
                        for (var b = 0; b < given.Length; b++)
                        {
                            if ((given[a] / (double)weights[a]) - (given[b] / (double)weights[b]) > (1.0 / weights[a]) + 1e-9)
                                return false;
                        }
                    }
                }
                return Enumerable.Range(0, given.Length).All(who => given[who] >= (300 * weights[who] / total) - weights.Length);
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    [Fact]
    public void Nobody_saves_up_while_it_wants_nothing_and_nobody_loses_its_debt_by_leaving()
    {
        var times = new VirtualTimes<string>();
        times.Join("busy", 1);
        for (var n = 0; n < 1000; n++)
            times.Charge("busy", 1);
        times.Join("late", 1);
        List<string> order = [];
        for (var n = 0; n < 10; n++)
        {
            order.Add(times.InOrder.First());
            times.Charge(order[^1], 1);
        }
        Assert.InRange(order.Count(who => who == "late"), 5, 6);

        times.Charge("late", 5);
        times.Leave("late");
        times.Join("late", 1);
        Assert.Equal("busy", times.InOrder.First());
        times.Charge("late", -5); // it gives back what it did not use
        times.Charge("busy", 3);
        Assert.Equal("late", times.InOrder.First());
    }

    [Fact]
    public void A_session_with_ten_times_the_weight_gets_ten_times_the_slots_also_when_it_needs_time_to_come()
    {
        using var slots = new TransferSlots(new TransferOptions { RunningMin = 44, RunningStart = 44, RunningMax = 44, HostMax = 999 }, new VirtualWorld().Time);
        var (heavy, blocker) = (SessionKey.Parse("t/heavy"), SessionKey.Parse("t/blocker"));
        var others = Enumerable.Range(0, 12).Select(n => SessionKey.Parse($"t/s{n}")).ToList();
        Assert.Equal(44, slots.Take(blocker, "h", 44));
        Dictionary<SessionKey, int> started = [];
        Queue<SessionKey> told = [];
        foreach (var key in others.Append(heavy))
            Wait(key);
        slots.Return(blocker, "h", 44); // all are offered before any comes
        for (var round = 0; round < 50; round++)
        {
            var came = told.ToList();
            told.Clear();
            List<(SessionKey Key, int Count)> running = [];
            foreach (var key in came)
            {
                var taken = slots.Take(key, "h", 30);
                started[key] = started.GetValueOrDefault(key) + taken;
                running.Add((key, taken));
                Wait(key);
            }
            foreach (var (key, count) in running)
                slots.Return(key, "h", count);
        }
        var mean = others.Average(key => started.GetValueOrDefault(key));
        Assert.InRange(started[heavy] / mean, 8.5, 11.5);

        void Wait(SessionKey key)
        {
            slots.Take(key, "h", 0);
            slots.NotifyWhenFree(key, () => told.Enqueue(key), 30, key == heavy ? 10 : 1);
        }
    }
}
