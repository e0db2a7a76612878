using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Sharding.Membership;
using Backhaul.Node.Telemetry;
using Backhaul.Protocol;

namespace Backhaul.Node.Sharding;

/// <summary>One shard of this node, for operators.</summary>
internal sealed record ShardView(int ShardId, ShardPhase Phase, long? Epoch);

/// <summary>
/// All shards of this node. Embedded: at its start the node takes every shard, with epochs one higher than those of any process
/// before it, and keeps them until it drains; the hosts, slots and grants are those of a cluster.
///
/// Life: <see cref="StartAsync"/> once, before the first command; <see cref="DrainAsync"/> once, while the edges still answer. In between
/// <see cref="HostOf"/> brings commands to their shard. Thread-safe.
/// </summary>
internal sealed class NodeShards
{
    private readonly ActorSystem _system;
    private readonly IEmbeddedStore _cluster;
    private readonly IJournalStore _store;
    private readonly ShardHostParts _parts;
    private readonly ShardingOptions _options;
    private readonly ILogger _logger;
    private readonly Host[] _hosts;
    private ActorRef<WakeTick>? _clock;
    private int _state;

    public NodeShards(
        ActorSystem system, IEmbeddedStore cluster, IJournalStore store, SessionFactory create, NodeId node, ShardingOptions options, ILoggerFactory loggers)
    {
        _system = system;
        _cluster = cluster;
        _store = store;
        _options = options;
        _logger = loggers.CreateLogger("Backhaul.Node.Sharding");
        Node = node;
        _parts = new ShardHostParts(
            create, new RecoveryPermits(options.LoadsMax, options.LoadPermitMax, system.Time, _logger), new ResidentSessions(), options, system.Time, _logger);
        _hosts = [.. Enumerable.Range(0, options.ShardCount).Select(shard => new Host(new ShardTenure(shard, new AlwaysTrusted(), _logger)))];
    }

    public NodeId Node { get; }

    /// <summary>From the call of <see cref="DrainAsync"/> on: nothing new is started.</summary>
    public bool IsDraining => Volatile.Read(ref _state) == 2;

    /// <summary>Every shard that this node should hold is open.</summary>
    public bool IsReady => Array.TrueForAll(_hosts, host => host.Tenure.Phase == ShardPhase.Open);

    public ResidentSessions Residents => _parts.Residents;

    public RecoveryPermits Permits => _parts.Permits;

    public IReadOnlyList<ShardView> Shards => [.. _hosts.Select(host => new ShardView(host.Tenure.ShardId, host.Tenure.Phase, host.Tenure.Epoch))];

    /// <summary>The grants of all open shards.</summary>
    public IReadOnlyList<ShardGrant> Grants => [.. _hosts.Select(host => host.Tenure.Current).OfType<ShardGrant>()];

    /// <summary>Takes every shard and opens it. Throws when the store refuses: then the node must not start.</summary>
    public async Task StartAsync(CancellationToken stop)
    {
        if (Interlocked.CompareExchange(ref _state, 1, 0) != 0)
            throw new InvalidOperationException("The shards were started before.");
        foreach (var host in _hosts)
            Open(host);
        var grants = await _cluster.TakeAllAsync(Node, _options.ShardCount, stop);
        if (grants.Count != _options.ShardCount)
            throw new InvalidOperationException($"The store granted {grants.Count} shards of {_options.ShardCount}.");
        foreach (var grant in grants)
        {
            var host = _hosts[grant.ShardId];
            host.Tenure.Grant(grant);
            await host.Actor!.PostAsync(new ShardMessage.PhaseChanged(), stop);
        }
        ShardInstruments.Claimed("start", grants.Count);
        _logger.ShardsOpened(Node.ToString(), grants.Count, grants[0].Epoch);
        _clock = _system.Spawn("wake-clock", () => new WakeClock(this, _store, _parts));
    }

    /// <summary>
    /// Stops all sessions (transfers checkpoint, sessions save), gives the shards back. Takes at most <c>Drain</c>: what has not stopped
    /// then is left behind, and its late writes are fenced by the release. Returns when it is over, also with the store away.
    /// </summary>
    public async Task DrainAsync(CancellationToken stop)
    {
        if (Interlocked.Exchange(ref _state, 2) != 1)
            return;
        var began = _system.Time.GetTimestamp();
        _logger.DrainBegins(_hosts.Length, Residents.Count);
        _clock?.Stop(StopReason.Drain);
        List<Task<ActorEnd>> ends = [];
        foreach (var host in _hosts)
        {
            host.Tenure.TryMove(ShardEvent.HandOffAsked);
            host.Actor!.Stop(StopReason.Drain);
            ends.Add(host.Actor.Completion);
        }
        var leftBehind = 0;
        try
        {
            var all = await Task.WhenAll(ends).WaitAsync(_options.Drain - _options.HandOff, _system.Time, stop);
            leftBehind = all.Count(end => end == ActorEnd.Abandoned);
        }
        catch (Exception late) when (late is TimeoutException or OperationCanceledException)
        {
            leftBehind = ends.Count(end => !end.IsCompleted);
        }
        if (leftBehind > 0)
            _logger.DrainLeftBehind(leftBehind);
        foreach (var host in _hosts)
            host.Tenure.TryMove(ShardEvent.Released);
        await ReleaseAsync();
        _logger.DrainDone(_system.Time.GetElapsedTime(began).TotalSeconds);
    }

    /// <summary>The lease is not trusted: nothing is written, no outward byte is sent, mailboxes are kept.</summary>
    public ValueTask SuspendAsync(CancellationToken stop) => MoveAllAsync(ShardEvent.TrustLost, stop);

    public ValueTask ResumeAsync(CancellationToken stop) => MoveAllAsync(ShardEvent.TrustRegained, stop);

    /// <summary>Lets a quarantined session be tried again. False when it is not quarantined.</summary>
    public async Task<bool> ReleaseQuarantineAsync(SessionKey session, CancellationToken stop)
    {
        var reply = new Request<bool>();
        return HostOf(session).Actor is { } actor && await actor.PostAsync(new ShardMessage.Release(session, reply), stop) && await reply.Reply.WaitAsync(stop);
    }

    /// <summary>The shard of a session; its actor is null before the start.</summary>
    internal Host HostOf(SessionKey session) => _hosts[ShardMap.ShardOf(session, _hosts.Length)];

    /// <summary>False when the shard's mailbox has no room at the moment.</summary>
    internal bool TryWake(SessionKey session) => HostOf(session).Actor is { } actor && actor.TryPost(new ShardMessage.Wake(session));

    private void Open(Host host)
    {
        host.Tenure.TryMove(ShardEvent.ClaimStarted);
        var actor = _system.Spawn(
            $"shard-{host.Tenure.ShardId}", () => new ShardHost(host.Tenure, _parts),
            new ActorOptions { InboxMax = _options.ShardInboxMax, ChildStopTimeout = _options.SessionStop });
        host.Tenure.Lost += () => actor.Stop(StopReason.Fenced);
        host.Actor = actor;
    }

    private async ValueTask MoveAllAsync(ShardEvent happened, CancellationToken stop)
    {
        foreach (var host in _hosts)
        {
            if (host.Tenure.TryMove(happened))
                await host.Actor!.PostAsync(new ShardMessage.PhaseChanged(), stop);
        }
    }

    /// <summary>Also when the drain was cut short: with the shards given back, the next owner need not wait.</summary>
    private async Task ReleaseAsync()
    {
        try
        {
            await _cluster.ReleaseAllAsync(Node, CancellationToken.None).AsTask().WaitAsync(_options.HandOff, _system.Time);
        }
        catch (Exception failure) when (failure is JournalStoreException or TimeoutException)
        {
            _logger.ReleaseFailed(failure);
        }
    }

    /// <summary>A shard: who proves its ownership, and who runs its sessions.</summary>
    internal sealed class Host(ShardTenure tenure)
    {
        public ShardTenure Tenure { get; } = tenure;

        public ActorRef<ShardMessage>? Actor { get; set; }
    }
}
