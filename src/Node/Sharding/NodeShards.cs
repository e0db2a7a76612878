using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Sharding.Membership;
using Backhaul.Node.Telemetry;
using Backhaul.Protocol;

namespace Backhaul.Node.Sharding;

/// <summary>One shard of this node, for operators.</summary>
internal sealed record ShardView(int ShardId, ShardPhase Phase, long? Epoch);

/// <summary>
/// The shards of this node: the mechanism of holding them. Who owns what is decided by an <see cref="IOwnership"/>, which calls here;
/// <see cref="HostOf"/> brings commands to their shard.
/// <code>
///   TryBeginClaim ──► Opened ──► Suspend ⇄ Resume ──► CloseAsync ──► Released ──► TryBeginClaim: a new tenure, a new host
///        └► ClaimFailed   └──────── Drop, or refused by the fence: from anywhere ────┘
/// </code>
/// Invariants: a shard has at most one host that has not ended, so two instances of a session never run here at once; a tenure that
/// ended never writes again; nothing here waits for a store. Thread-safe.
/// </summary>
internal sealed class NodeShards
{
    private readonly ActorSystem _system;
    private readonly IJournalStore _store;
    private readonly INodeTrust _trust;
    private readonly ShardHostParts _parts;
    private readonly ShardingOptions _options;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly Host[] _hosts;
    private ActorRef<WakeTick>? _clock;
    private bool _suspended;
    private volatile bool _draining;

    public NodeShards(
        ActorSystem system, IJournalStore store, SessionFactory create, INodeTrust trust, NodeId node, ShardingOptions options, ILoggerFactory loggers)
    {
        _system = system;
        _store = store;
        _trust = trust;
        _options = options;
        _logger = loggers.CreateLogger("Backhaul.Node.Sharding");
        Node = node;
        ShardInstruments.Counted(options.ShardCount);
        _parts = new ShardHostParts(
            create, new RecoveryPermits(options.LoadsMax, options.LoadPermitMax, system.Time, _logger), new ResidentSessions(), options, system.Time, _logger);
        _hosts = [.. Enumerable.Range(0, options.ShardCount).Select(shard => new Host(new ShardTenure(shard, trust, _logger), null))];
    }

    public NodeId Node { get; }

    public int Count => _hosts.Length;

    /// <summary>From the beginning of the drain on: nothing new is started.</summary>
    public bool IsDraining => _draining;

    public ResidentSessions Residents => _parts.Residents;

    public RecoveryPermits Permits => _parts.Permits;

    public IReadOnlyList<ShardView> Shards => [.. _hosts.Select(host => new ShardView(host.Tenure.ShardId, host.Tenure.Phase, host.Tenure.Epoch))];

    /// <summary>The grants of all open shards.</summary>
    public IReadOnlyList<ShardGrant> Grants => [.. _hosts.Select(host => host.Tenure.Current).OfType<ShardGrant>()];

    /// <summary>Called, on any thread, with a shard that the fence refused: another owns it.</summary>
    public Action<int>? Lost { get; set; }

    public ShardPhase PhaseOf(int shardId) => _hosts[shardId].Tenure.Phase;

    /// <summary>The grant of a shard that is held, trusted at the moment or not; null when it is not held.</summary>
    public ShardGrant? GrantOf(int shardId) => _hosts[shardId].Tenure.Held;

    /// <summary>The shard is held and its host has ended, which no hand-off asked it to: its commands would be answered "moving" for ever.</summary>
    public bool HasHostEnded(int shardId)
    {
        var host = Volatile.Read(ref _hosts[shardId]);
        return !_draining && host.Tenure.Moved is (ShardPhase.Open or ShardPhase.Suspended) && host.Actor is { Completion.IsCompleted: true };
    }

    /// <summary>Begins to wake sessions that are due; once.</summary>
    public void StartClock() => _clock = _system.Spawn("wake-clock", () => new WakeClock(this, _store, _parts));

    /// <summary>
    /// Commands of the shard wait from now on for <see cref="Opened"/> or <see cref="ClaimFailed"/>. False when it is held or claimed already, or when
    /// its last host has not ended yet: then try later.
    /// </summary>
    public bool TryBeginClaim(int shardId)
    {
        lock (_lock)
        {
            var host = _hosts[shardId];
            if (_draining || host.Tenure.Phase is not (ShardPhase.NotOwned or ShardPhase.Closed))
                return false;
            if (host.Tenure.Phase == ShardPhase.NotOwned && host.Actor is { IsAccepting: true })
            {
                host.Tenure.TryMove(ShardEvent.ClaimStarted); // the last claim failed: this host never held anything
                return true;
            }
            if (host.Actor is { Completion.IsCompleted: false })
                return false;
            AddHost(shardId);
            return true;
        }
    }

    /// <summary>The claim succeeded: the shard is this node's.</summary>
    public void Opened(ShardGrant grant)
    {
        lock (_lock)
        {
            var host = _hosts[grant.ShardId];
            host.Tenure.Grant(grant);
            if (_suspended)
                host.Tenure.TryMove(ShardEvent.TrustLost);
            host.FollowPhase();
        }
        _clock?.TryPost(WakeTick.ShardOpened); // when there is no room, it looks soon anyway
    }

    public void ClaimFailed(int shardId)
    {
        lock (_lock)
        {
            if (_hosts[shardId].Tenure.TryMove(ShardEvent.ClaimFailed))
                _hosts[shardId].FollowPhase();
        }
    }

    /// <summary>The node is not trusted: nothing is written, no outward byte is sent, mailboxes are kept. Also for shards that are opened later.</summary>
    public void Suspend()
    {
        lock (_lock)
        {
            _suspended = true;
            foreach (var host in _hosts)
            {
                if (host.Tenure.TryMove(ShardEvent.TrustLost))
                    host.FollowPhase();
            }
        }
    }

    /// <summary>The node is trusted again, and all that is still suspended was found to be its own.</summary>
    public void Resume()
    {
        lock (_lock)
        {
            _suspended = false;
            foreach (var host in _hosts)
            {
                if (host.Tenure.TryMove(ShardEvent.TrustRegained))
                    host.FollowPhase();
            }
        }
        _clock?.TryPost(WakeTick.Now);
    }

    /// <summary>The store says that this node holds the shard under a later epoch: it raised that itself, in a call whose answer was lost.</summary>
    public void Reacquired(ShardGrant grant)
    {
        if (GrantOf(grant.ShardId) is { } held && held.Epoch < grant.Epoch)
            _hosts[grant.ShardId].Tenure.OnReacquired(grant);
    }

    /// <summary>
    /// The shard is to be handed over: no new commands, its sessions put their work down. Returns the grant to give back, within the hand-off's time;
    /// null when there is nothing to give back. When <paramref name="stop"/> is cancelled first, what still runs is left to the fence.
    /// </summary>
    public async Task<ShardGrant?> CloseAsync(int shardId, CancellationToken stop)
    {
        Host host;
        lock (_lock)
        {
            host = _hosts[shardId];
            if (!host.Tenure.TryMove(ShardEvent.HandOffAsked) && host.Tenure.Phase != ShardPhase.Suspended)
                return null;
        }
        host.Actor!.Stop(StopReason.Drain);
        try
        {
            if (await host.Actor.Completion.WaitAsync(_options.HandOff, _system.Time, stop) == ActorEnd.Abandoned)
                _logger.ShardLeftBehind(shardId);
        }
        catch (Exception late) when (late is TimeoutException or OperationCanceledException)
        {
            _logger.ShardLeftBehind(shardId);
        }
        host.Tenure.PutDown();
        return host.Tenure.Held;
    }

    /// <summary>The shard was given back.</summary>
    public void Released(int shardId)
    {
        var tenure = _hosts[shardId].Tenure;
        if (!tenure.TryMove(ShardEvent.Released))
            tenure.TryMove(ShardEvent.Fenced); // it was suspended when it was closed
    }

    /// <summary>The store says that another owns the shard: everything of it stops at once and nothing is saved.</summary>
    public void Drop(int shardId)
    {
        ClaimFailed(shardId);
        _hosts[shardId].Tenure.Drop();
    }

    /// <summary>No claims and no wakes any more.</summary>
    public void BeginDrain()
    {
        lock (_lock)
        {
            _draining = true;
        }
        _clock?.Stop(StopReason.Drain);
        _logger.DrainBegins(_hosts.Count(host => host.Tenure.Held is not null), Residents.Count);
    }

    /// <summary>Lets a quarantined session be tried again. False when it is not quarantined.</summary>
    public async Task<bool> ReleaseQuarantineAsync(SessionKey session, CancellationToken stop)
    {
        var reply = new Request<bool>();
        return HostOf(session).Actor is { } actor && await actor.PostAsync(new ShardMessage.Release(session, reply), stop) && await reply.Reply.WaitAsync(stop);
    }

    /// <summary>The shard of a session as it stands now; its actor is null when it was never claimed.</summary>
    internal Host HostOf(SessionKey session) => Volatile.Read(ref _hosts[ShardMap.ShardOf(session, _hosts.Length)]);

    /// <summary>False when the shard's mailbox has no room at the moment.</summary>
    internal bool TryWake(SessionKey session) => HostOf(session).Actor is { } actor && actor.TryPost(new ShardMessage.Wake(session));

    /// <summary>A tenure and its host, for one claim.</summary>
    private void AddHost(int shardId)
    {
        var tenure = new ShardTenure(shardId, _trust, _logger);
        tenure.TryMove(ShardEvent.ClaimStarted);
        var actor = _system.Spawn(
            $"shard-{shardId}", () => new ShardHost(tenure, _parts),
            new ActorOptions { InboxMax = _options.ShardInboxMax, ChildStopTimeout = _options.SessionStop });
        tenure.Lost = () =>
        {
            actor.Stop(StopReason.Fenced);
            Lost?.Invoke(shardId);
        };
        Volatile.Write(ref _hosts[shardId], new Host(tenure, actor));
    }

    /// <summary>A shard: who proves its ownership, and who runs its sessions.</summary>
    internal sealed record Host(ShardTenure Tenure, ActorRef<ShardMessage>? Actor)
    {
        /// <summary>A full mailbox need not be told: the host looks at the phase with every message.</summary>
        public void FollowPhase() => Actor?.TryPost(new ShardMessage.PhaseChanged());
    }
}
