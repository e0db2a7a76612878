using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Origins;
using Backhaul.World;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backhaul.Node.Tests.Transfers.Origins;

/// <summary>Nodes of one cluster, each with its gates and its deals, over one store, in virtual time.</summary>
public sealed class OriginDealsTests : IDisposable
{
    private const string Origin = "https://origin.example";

    private readonly VirtualWorld _world = new(seed: 5);
    private readonly MemoryJournalStore _journal;
    private readonly MemoryOriginStore _store;

    public OriginDealsTests()
    {
        _journal = new MemoryJournalStore(_world.Time);
        _store = new MemoryOriginStore(_journal);
    }

    public void Dispose() => _journal.Dispose();

    [Fact]
    public void An_operators_word_that_is_always_too_late_is_refused_and_not_tried_for_ever() => _world.Run(async () =>
    {
        var late = new LateStore(_store);
        using var gates = new OriginGates(new OriginOptions(), _world.Time);
        var deals = new OriginDeals(late, gates, new OriginOptions(), new NodeId(Guid.Empty), _world.Time, _world.Loggers.CreateLogger<OriginDeals>());
        var refused = await Assert.ThrowsAsync<JournalStoreException>(async () =>
            await deals.ChangeAsync(Origin, record => record with { Paused = true }, CancellationToken.None));
        Assert.Contains(Origin, refused.Message, StringComparison.Ordinal);
        Assert.InRange(late.Writes, 2, 100);
    });

    /// <summary>Who is stopped while it waits for the rate leaves nothing taken behind: the next one waits for its own turn only.</summary>
    [Fact]
    public void A_request_that_is_stopped_while_it_waits_gives_its_turn_back() => _world.Run(async () =>
    {
        using var gates = new OriginGates(new OriginOptions { Default = new OriginLimits { NodeRequestsPerSecondMax = 1 }, RequestWaitMax = TimeSpan.FromHours(1) }, _world.Time);
        using (var first = new AttemptWatch(_world.Time, TimeSpan.FromHours(1), CancellationToken.None))
        {
            while (await EntersAtOnceAsync(gates, first))
            {
                // as many as the bucket holds
            }
        }
        for (var n = 0; n < 30; n++)
        {
            using var stopped = new AttemptWatch(_world.Time, TimeSpan.FromHours(1), CancellationToken.None);
            var waits = gates.EnterAsync(Origin, null!, stopped).AsTask();
            stopped.Cancel();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waits);
        }
        using var watch = new AttemptWatch(_world.Time, TimeSpan.FromHours(1), CancellationToken.None);
        var began = _world.Time.Elapsed;
        Assert.IsType<GateAnswer.Open>(await gates.EnterAsync(Origin, null!, watch));
        Assert.InRange(_world.Time.Elapsed - began, TimeSpan.Zero, TimeSpan.FromSeconds(3));
    });

    private static async Task<bool> EntersAtOnceAsync(OriginGates gates, AttemptWatch watch)
    {
        var entered = gates.EnterAsync(Origin, null!, watch).AsTask();
        if (entered.IsCompleted)
            return true;
        watch.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => entered);
        return false;
    }

    [Fact]
    public void Connections_stay_within_the_limit_while_nodes_join_die_and_pause_and_everybody_gets_some() => _world.Run(async () =>
    {
        const int limit = 10;
        var options = new OriginOptions { Default = new OriginLimits { ConnectionsMax = limit } };
        List<Node> nodes = [NewNode(options), NewNode(options)];
        var random = new Random(3);
        var most = 0;
        for (var tick = 0; tick < 3000; tick++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), _world.Time);
            foreach (var node in nodes)
                node.Work(random);
            var taken = nodes.Where(node => node.CountsAt(_world.Time.GetUtcNow())).Sum(node => node.Taken);
            Assert.True(taken <= limit, $"{taken} connections at {_world.Time.Elapsed}.");
            most = Math.Max(most, taken);
            switch (tick)
            {
                case 500:
                    nodes.Add(NewNode(options));
                    break;
                case 900:
                    nodes[0].Pause(_world.Time.GetUtcNow());
                    break;
                case 1300:
                    nodes[0].Resume();
                    break;
                case 1700:
                    nodes[1].Pause(_world.Time.GetUtcNow()); // for ever
                    break;
                case 2200:
                    _store.IsAway = true;
                    break;
                case 2400:
                    _store.IsAway = false;
                    break;
            }
        }
        Assert.Equal(limit, most);
        Assert.All(nodes.Where(node => !node.IsPaused), node => Assert.True(node.Taken >= 3, $"{node.Taken} of {limit}"));
        foreach (var node in nodes)
            await node.StopAsync();
    });

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Requests_of_all_nodes_together_keep_the_rate(int count) => _world.Run(async () =>
    {
        var options = new OriginOptions { Default = new OriginLimits { RequestsPerSecondMax = 20 }, RequestWaitMax = TimeSpan.FromSeconds(60) };
        var nodes = Enumerable.Range(0, count).Select(_ => NewNode(options)).ToList();
        var passed = 0;
        using var stop = new CancellationTokenSource();
        var askers = nodes.SelectMany(node => Enumerable.Range(0, 8).Select(_ => node.AskAsync(() => passed++, stop.Token))).ToList();
        await Task.Delay(TimeSpan.FromSeconds(30), _world.Time);
        var before = passed;
        await Task.Delay(TimeSpan.FromSeconds(60), _world.Time);
        Assert.InRange(passed - before, 20 * 60 * 0.9, (20 * 60 * 1.01) + 6);
        Assert.True(before <= (20 * 31) + 6, $"{before} in the first 30 s");
        stop.Cancel();
        foreach (var asker in askers)
            await asker;
        foreach (var node in nodes)
            await node.StopAsync();
    });

    [Fact]
    public void What_an_origin_asked_one_node_to_wait_no_other_undercuts_and_nobody_asks_it_before() => _world.Run(async () =>
    {
        var (one, other) = (NewNode(new OriginOptions()), NewNode(new OriginOptions()));
        await Task.Delay(TimeSpan.FromSeconds(3), _world.Time);
        one.Gates.Report(Origin, new OriginContact.Answered(503, TimeSpan.FromSeconds(120)));
        var asked = _world.Time.Elapsed;
        Assert.Equal(0, one.Gates.Free(Origin, 0));
        await Task.Delay(TimeSpan.FromSeconds(3), _world.Time);
        Assert.Equal(0, other.Gates.Free(Origin, 0));
        var hold = other.Gates.HoldOf(Origin)!;
        Assert.Equal("retry", hold.Reason);
        Assert.Contains("Retry-After 120 s", hold.Why, StringComparison.Ordinal);
        Assert.InRange((hold.Until!.Value - _world.Time.GetUtcNow() + _world.Time.Elapsed - asked).TotalSeconds, 119.9, 121);
        await Task.Delay(asked + TimeSpan.FromSeconds(119.9) - _world.Time.Elapsed, _world.Time);
        Assert.Equal((0, 0), (one.Gates.Free(Origin, 0), other.Gates.Free(Origin, 0)));
        await Task.Delay(TimeSpan.FromSeconds(1.2), _world.Time);
        Assert.True(one.Gates.Free(Origin, 0) > 0 && other.Gates.Free(Origin, 0) > 0);
        await one.StopAsync();
        await other.StopAsync();
    });

    [Fact]
    public void The_shortest_time_between_deals_is_dealt_by() => _world.Run(async () =>
    {
        var options = new OriginOptions { DealEvery = TimeSpan.FromMilliseconds(100) };
        var (one, other) = (NewNode(options), NewNode(options));
        await Task.Delay(TimeSpan.FromSeconds(3), _world.Time);
        one.Gates.Report(Origin, new OriginContact.Answered(503, TimeSpan.FromSeconds(120)));
        await Task.Delay(TimeSpan.FromSeconds(1), _world.Time);
        Assert.Equal(0, other.Gates.Free(Origin, 0));
        await one.StopAsync();
        await other.StopAsync();
    });

    [Fact]
    public void A_pause_and_limits_of_an_operator_hold_on_all_nodes_and_for_a_node_that_starts_later() => _world.Run(async () =>
    {
        var (one, other) = (NewNode(new OriginOptions()), NewNode(new OriginOptions()));
        await one.Deals.ChangeAsync(Origin, record => record with { Paused = true, Why = "move", Limits = new OriginLimits { NodeConnectionsMax = 3 } }, CancellationToken.None);
        Assert.Equal(0, one.Gates.Free(Origin, 0));
        await Task.Delay(TimeSpan.FromSeconds(3), _world.Time);
        Assert.Equal(0, other.Gates.Free(Origin, 0));
        Assert.Equal(("systemPolicy", true), (other.Gates.HoldOf(Origin)!.Reason, other.Gates.HoldOf(Origin)!.Why.Contains("move", StringComparison.Ordinal)));
        var late = NewNode(new OriginOptions());
        await Task.Delay(TimeSpan.FromSeconds(1), _world.Time);
        Assert.Equal(0, late.Gates.Free(Origin, 0));
        var opened = 0;
        other.Gates.Opened = () => opened++;
        await one.Deals.ChangeAsync(Origin, record => record with { Paused = false }, CancellationToken.None);
        await Task.Delay(TimeSpan.FromSeconds(3), _world.Time);
        Assert.True(opened > 0);
        Assert.Equal(3, other.Gates.Free(Origin, 0));
        Assert.Equal("hostLimit", Held(other, 3)!.Reason);
        foreach (var node in new[] { one, other, late })
            await node.StopAsync();
    });

    [Fact]
    public void A_node_that_stops_gives_its_share_back() => _world.Run(async () =>
    {
        var options = new OriginOptions { Default = new OriginLimits { ConnectionsMax = 4 } };
        var (one, other) = (NewNode(options), NewNode(options));
        var random = new Random(1);
        for (var i = 0; i < 100; i++)
        {
            one.Work(random);
            await Task.Delay(TimeSpan.FromMilliseconds(100), _world.Time);
        }
        Assert.Equal(4, one.Taken + one.Gates.Free(Origin, one.Taken));
        one.Drop();
        await one.StopAsync();
        for (var i = 0; i < 50; i++)
        {
            other.Work(random);
            await Task.Delay(TimeSpan.FromMilliseconds(100), _world.Time);
        }
        Assert.Equal(4, other.Taken + other.Gates.Free(Origin, other.Taken));
        await other.StopAsync();
    });

    private static OriginHold? Held(Node node, int taken)
    {
        node.Gates.Free(Origin, taken);
        return node.Gates.HoldOf(Origin);
    }

    private Node NewNode(OriginOptions options) => new(options, _store, new NodeId(_world.Random.Next()), _world);

    /// <summary>A node that wants all connections it can get, each for a while.</summary>
    private sealed class Node
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly VirtualWorld _world;
        private readonly GatedStore _link;
        private readonly Task _run;
        private DateTimeOffset? _pausedAt;

        public Node(OriginOptions options, IOriginStore store, NodeId id, VirtualWorld world)
        {
            _world = world;
            _link = new GatedStore(store);
            Gates = new OriginGates(options, world.Time);
            Deals = new OriginDeals(_link, Gates, options, id, world.Time, world.Loggers.CreateLogger<OriginDeals>());
            _run = Deals.RunAsync(_stop.Token);
        }

        public OriginGates Gates { get; }

        public OriginDeals Deals { get; }

        public int Taken { get; private set; }

        public bool IsPaused => _pausedAt is not null;

        /// <summary>A share is renewed when less than half of its time is left, so of a node that stands still it holds a third of it at least.</summary>
        public bool CountsAt(DateTimeOffset now) => _pausedAt is not { } at || now - at < TimeSpan.FromSeconds(4);

        public void Work(Random random)
        {
            if (IsPaused)
                return;
            if (Taken > 0 && random.Next(4) == 0)
                Gates.Count(Origin, --Taken, begins: false);
            while (Gates.Free(Origin, Taken) > 0)
                Gates.Count(Origin, ++Taken, begins: true);
        }

        public async Task AskAsync(Action passed, CancellationToken stop)
        {
            using var watch = new AttemptWatch(_world.Time, TimeSpan.FromHours(1), CancellationToken.None);
            while (!stop.IsCancellationRequested)
            {
                if (await Gates.EnterAsync(Origin, null!, watch) is GateAnswer.Open)
                    passed();
                else
                    await Task.Delay(TimeSpan.FromSeconds(1), _world.Time, CancellationToken.None);
            }
        }

        public void Drop()
        {
            Taken = 0;
            Gates.Count(Origin, 0, begins: false);
        }

        public void Pause(DateTimeOffset now)
        {
            _pausedAt = now;
            _link.IsFrozen = true;
        }

        /// <summary>Its trust is over: what ran is broken off before anything else.</summary>
        public void Resume()
        {
            Drop();
            _pausedAt = null;
            _link.IsFrozen = false;
        }

        public async Task StopAsync()
        {
            _link.IsFrozen = false;
            _stop.Cancel();
            await _run;
            Gates.Dispose();
        }
    }

    /// <summary>Others always write first.</summary>
    private sealed class LateStore(IOriginStore store) : IOriginStore
    {
        public int Writes { get; private set; }

        public ValueTask<OriginBook> ReadOriginsAsync(CancellationToken stop) => store.ReadOriginsAsync(stop);

        public ValueTask<bool> WriteOriginAsync(string origin, long seenVersion, string payload, CancellationToken stop) => new(Writes++ < 0);
    }

    /// <summary>A node's way to the store; nothing passes while the node stands still.</summary>
    private sealed class GatedStore(IOriginStore store) : IOriginStore
    {
        public bool IsFrozen { get; set; }

        public ValueTask<OriginBook> ReadOriginsAsync(CancellationToken stop) => IsFrozen ? throw Away() : store.ReadOriginsAsync(stop);

        public ValueTask<bool> WriteOriginAsync(string origin, long seenVersion, string payload, CancellationToken stop) =>
            IsFrozen ? throw Away() : store.WriteOriginAsync(origin, seenVersion, payload, stop);

        private static JournalStoreException Away() => new(StoreFailure.Transient, "This node stands still.");
    }
}
