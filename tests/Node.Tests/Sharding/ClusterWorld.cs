using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Node.Sharding;
using Backhaul.Node.Sharding.Membership;
using Backhaul.Protocol;
using Backhaul.World;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backhaul.Node.Tests.Sharding;

/// <summary>Nodes of a cluster over one memory store, in one thread and virtual time, with sessions that do what a test tells them.</summary>
internal sealed class ClusterWorld
{
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);

    private readonly Dictionary<string, ClusterMember> _nodes = [];

    public ClusterWorld(int shards = 12, ShardingOptions? options = null, int seed = 5)
    {
        World = new VirtualWorld(seed);
        Journal = new MemoryJournalStore(World.Time);
        Store = new MemoryClusterStore(Journal);
        Options = (options ?? new ShardingOptions()) with { ShardCount = shards };
    }

    public VirtualWorld World { get; }

    public MemoryJournalStore Journal { get; }

    public MemoryClusterStore Store { get; }

    public ShardingOptions Options { get; }

    public TimeLadder Ladder { get; init; } = new();

    public TimeSpan Now => World.Time.Elapsed;

    public ClusterMember this[string name] => _nodes[name];

    public IEnumerable<ClusterMember> Nodes => _nodes.Values;

    public async Task<ClusterMember> StartAsync(string name)
    {
        var member = new ClusterMember(this, name);
        _nodes[name] = member;
        await member.Node.Ownership.StartAsync(CancellationToken.None);
        return member;
    }

    /// <summary>Nodes that have joined and share all shards.</summary>
    public async Task StartAllAsync(params string[] names)
    {
        foreach (var name in names)
            await StartAsync(name);
        await UntilAsync(() => names.All(name => _nodes[name].Node.Ownership.IsReady), TimeSpan.FromMinutes(2));
        await UntilBalancedAsync(TimeSpan.FromMinutes(2));
    }

    /// <summary>All shards are open, on nodes that are there, and their numbers differ by one at most.</summary>
    public Task UntilBalancedAsync(TimeSpan within) => UntilAsync(
        () =>
        {
            var counts = Nodes.Where(node => node.TakesPart).Select(node => node.Open.Count).ToList();
            return counts.Sum() == Options.ShardCount && counts.Max() - counts.Min() <= 1;
        },
        within);

    public async Task UntilAsync(Func<bool> condition, TimeSpan within)
    {
        var until = Now + within;
        while (!condition())
        {
            Assert.True(Now < until, $"The condition did not come true within {within}.");
            await Task.Delay(TimeSpan.FromMilliseconds(10), World.Time);
        }
    }

    public Task PassAsync(double seconds) => Task.Delay(TimeSpan.FromSeconds(seconds), World.Time);

    /// <summary>At no moment two nodes trust one shard: looked at every 20 ms while the body runs.</summary>
    public void Run(Func<Task> body)
    {
        try
        {
            World.Run(async () =>
            {
                var done = false;
                var watch = WatchAsync(() => done);
                await body();
                done = true;
                await watch;
            });
            Assert.Equal(0, World.Scheduler.ForeignWork);
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException($"{failure.Message}\n{string.Join('\n', World.Loggers.Lines.TakeLast(400))}", failure);
        }
    }

    private async Task WatchAsync(Func<bool> isDone)
    {
        while (!isDone())
        {
            for (var shard = 0; shard < Options.ShardCount; shard++)
                Assert.True(Nodes.Count(node => node.Node.Shards.PhaseOf(shard) == ShardPhase.Open) <= 1, $"Two nodes trust shard {shard} at {Now}.");
            await Task.Delay(TimeSpan.FromMilliseconds(20), World.Time);
        }
    }
}

/// <summary>One node of a <see cref="ClusterWorld"/>, with its way to the store in between.</summary>
internal sealed class ClusterMember
{
    private readonly ClusterWorld _world;

    public ClusterMember(ClusterWorld world, string name)
    {
        _world = world;
        Name = name;
        Way = new StoreWay(world);
        System = world.World.NewActorSystem();
        Node = new ClusterNode(new ClusterNodeParts
        {
            Node = new NodeId(world.World.Random.Next()),
            Identity = new NodeIdentity(name, $"http://{name}:5090", "1"),
            Founding = new ClusterFounding("test", world.Options.ShardCount, ClusterWorld.Lease),
            Options = world.Options,
            Ladder = world.Ladder,
            System = System,
            Journal = world.Journal,
            Store = Way,
            LeaseStore = Way,
            Signals = Way,
            Exit = Exit,
            Sessions = (session, tenure) => new ScriptedSession(session, tenure, Script),
            Loggers = new PrefixedLoggers(world.World.Loggers, name),
            LeaseScheduler = world.World.Scheduler,
            LeaseTime = world.World.Time,
        });
    }

    public string Name { get; }

    public StoreWay Way { get; }

    public ActorSystem System { get; }

    public RecordedExit Exit { get; } = new();

    public SessionScript Script { get; } = new();

    public ClusterNode Node { get; }

    public NodeId Id => Node.Shards.Node;

    public bool TakesPart => !Way.IsAway && !Node.Shards.IsDraining && Exit.Sentences.Count == 0;

    public IReadOnlyList<int> Open => [.. Node.Shards.Shards.Where(shard => shard.Phase == ShardPhase.Open).Select(shard => shard.ShardId)];

    public IReadOnlyList<int> In(ShardPhase phase) => [.. Node.Shards.Shards.Where(shard => shard.Phase == phase).Select(shard => shard.ShardId)];

    /// <summary>Wakes a session in a shard of this node.</summary>
    public void Touch(SessionKey session) => Assert.True(Node.Shards.TryWake(session));

    public SessionKey SessionIn(int shard)
    {
        for (var i = 0; ; i++)
        {
            var key = SessionKey.Parse($"acme/s{i}");
            if (ShardMap.ShardOf(key, _world.Options.ShardCount) == shard)
                return key;
        }
    }

    private sealed class PrefixedLoggers(RecordingLoggers inner, string name) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => inner.CreateLogger($"{name}:{categoryName}");

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}

/// <summary>A node's way to the store, that can be cut, and that can lose answers.</summary>
internal sealed class StoreWay(ClusterWorld world) : IClusterStore, ILeaseStore, IClusterSignals
{
    public bool IsAway { get; set; }

    /// <summary>The next claims are carried out and their answers lost.</summary>
    public int ClaimAnswersLost { get; set; }

    public bool SignalsLost { get; set; }

    public int Views { get; private set; }

    public int Claims { get; private set; }

    public List<NodeId> Declared { get; } = [];

    public Func<int, Task>? OnRelease { get; set; }

    /// <summary>On the way of a renewal to the store.</summary>
    public Func<Task>? OnRenew { get; set; }

    public async ValueTask<ClusterFacts> OpenAsync(ClusterFounding founding, CancellationToken stop)
    {
        await ThereAsync();
        return await world.Store.OpenAsync(founding, stop);
    }

    public async ValueTask JoinAsync(NodeId node, string name, string address, string build, CancellationToken stop)
    {
        await ThereAsync();
        await world.Store.JoinAsync(node, name, address, build, stop);
    }

    public async ValueTask<ClusterView> ReadViewAsync(CancellationToken stop)
    {
        Views++;
        await ThereAsync();
        return await world.Store.ReadViewAsync(stop);
    }

    public async ValueTask<bool> MoveAsync(NodeId node, MemberState to, CancellationToken stop)
    {
        await ThereAsync();
        return await world.Store.MoveAsync(node, to, stop);
    }

    public async ValueTask<bool> DeclareDeadAsync(NodeId suspect, CancellationToken stop)
    {
        await ThereAsync();
        var dead = await world.Store.DeclareDeadAsync(suspect, stop);
        if (dead)
            Declared.Add(suspect);
        return dead;
    }

    public async ValueTask<ShardGrant?> ClaimAsync(NodeId node, int shardId, long seenEpoch, CancellationToken stop)
    {
        Claims++;
        await ThereAsync();
        var grant = await world.Store.ClaimAsync(node, shardId, seenEpoch, stop);
        if (ClaimAnswersLost > 0)
        {
            ClaimAnswersLost--;
            throw new JournalStoreException(StoreFailure.Unknown, "The answer was lost.");
        }
        return grant;
    }

    public async ValueTask<bool> ReleaseAsync(ShardGrant grant, CancellationToken stop)
    {
        await ThereAsync();
        if (OnRelease is { } onRelease)
            await onRelease(grant.ShardId);
        return await world.Store.ReleaseAsync(grant, stop);
    }

    public async ValueTask<bool> GiveAsync(ShardGrant grant, NodeId to, CancellationToken stop)
    {
        await ThereAsync();
        return await world.Store.GiveAsync(grant, to, stop);
    }

    public async ValueTask<bool> ForgiveAsync(int shardId, CancellationToken stop)
    {
        await ThereAsync();
        return await world.Store.ForgiveAsync(shardId, stop);
    }

    public async ValueTask<LeaseRenewal> RenewAsync(NodeId node, TimeSpan within, CancellationToken stop)
    {
        await ThereAsync();
        if (OnRenew is { } onRenew)
            await onRenew();
        return await world.Store.RenewAsync(node, within, stop);
    }

    public IDisposable Subscribe(Action changed) => world.Store.Subscribe(() =>
    {
        if (!IsAway && !SignalsLost)
            changed();
    });

    private async Task ThereAsync()
    {
        await Task.Delay(TimeSpan.FromMilliseconds(2), world.World.Time);
        if (IsAway)
            throw new JournalStoreException(StoreFailure.Transient, "The store is away.");
    }
}
