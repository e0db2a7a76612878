using Backhaul.Node.Journal;
using Backhaul.Node.Sharding.Membership;
using Backhaul.Node.Telemetry;
using Backhaul.Node.Transfers;

namespace Backhaul.Node.Sharding;

/// <summary>
/// This node's time with one shard: the phase, and the grant in force. The writer asks it at the moment of each commit, transfers ask
/// before each chunk; so a shard that is lost stops writing before any actor has heard of it. Thread-safe. It outlives a crash of
/// the <see cref="ShardHost"/>, and ends with the shard: a shard claimed again gets another tenure.
/// </summary>
internal sealed class ShardTenure(int shardId, INodeTrust trust, ILogger logger) : IGrantHolder, ITrust
{
    private readonly Lock _lock = new();
    private ShardGrant? _grant;
    private volatile bool _isPutDown;
    private int _phase = (int)ShardPhase.NotOwned;

    /// <summary>Called once, outside the lock, when the shard was found to be another's.</summary>
    public Action? Lost { get; set; }

    public int ShardId => shardId;

    /// <summary>An open shard of a node whose trust has run out is suspended, also before anybody has moved it there: a stale read is a lie.</summary>
    public ShardPhase Phase => Moved is ShardPhase.Open && !trust.IsTrusted ? ShardPhase.Suspended : Moved;

    public bool MayAct => !_isPutDown && ShardPhases.MayWrite(Moved) && trust.IsTrusted;

    public ShardGrant? Current
    {
        get
        {
            lock (_lock)
                return MayAct ? _grant : null;
        }
    }

    public bool IsSuspended => Ask().IsSuspended;

    /// <summary>A shard that was put down is not suspended: nothing will be written for it here any more.</summary>
    public (ShardGrant? Grant, bool IsSuspended) Ask()
    {
        lock (_lock)
        {
            var phase = Moved;
            if (_isPutDown || !Holds(phase))
                return (null, false);
            return ShardPhases.MayWrite(phase) && trust.IsTrusted ? (_grant, false) : (null, true);
        }
    }

    /// <summary>The last grant while the shard is held, whether it may be used at the moment or not.</summary>
    public ShardGrant? Held
    {
        get
        {
            lock (_lock)
                return Holds(Moved) ? _grant : null;
        }
    }

    long IGrantHolder.Epoch => Epoch ?? 0;

    /// <summary>The epoch of the last grant; for operators.</summary>
    public long? Epoch
    {
        get
        {
            lock (_lock)
                return _grant?.Epoch;
        }
    }

    /// <summary>False when the event means nothing in the present phase.</summary>
    public bool TryMove(ShardEvent happened)
    {
        lock (_lock)
            return Move(happened);
    }

    public void Grant(ShardGrant grant)
    {
        lock (_lock)
        {
            _grant = grant;
            Move(ShardEvent.Granted);
        }
    }

    /// <summary>
    /// The shard is about to be given back: from now on nobody acts for it, not even what could not be stopped. The next owner may act before the answer
    /// to the release arrives here.
    /// </summary>
    public void PutDown() => _isPutDown = true;

    public void OnFenced(ShardGrant refused)
    {
        lock (_lock)
        {
            // a refusal of an older epoch says nothing about the present one
            if (_grant is not { } grant || refused.Epoch < grant.Epoch || !Move(ShardEvent.Fenced))
                return;
        }
        logger.ShardFenced(shardId, refused.Epoch);
        ShardInstruments.Fenced();
        Lost?.Invoke();
    }

    /// <summary>
    /// The shard is this node's still by the table, and dropped all the same: its adoption raises the epoch before anything runs, which waits for
    /// the append that nobody knows of, or fences it. Sessions that were read meanwhile may lack its rows; they end with the tenure.
    /// </summary>
    public void OnDoubtful(ShardGrant used)
    {
        lock (_lock)
        {
            // when it was raised meanwhile, the append was settled by that
            if (_grant is not { } grant || grant.Epoch > used.Epoch || !Move(ShardEvent.Fenced))
                return;
        }
        logger.ShardDoubtful(shardId, used.Epoch);
        Lost?.Invoke();
    }

    /// <summary>The store shows another owner.</summary>
    public void Drop()
    {
        if (!TryMove(ShardEvent.Fenced))
            return;
        logger.ShardDropped(shardId, Epoch ?? 0);
        ShardInstruments.Fenced();
        Lost?.Invoke();
    }

    public void OnReacquired(ShardGrant grant)
    {
        lock (_lock)
        {
            if (_grant is { } known && known.Epoch < grant.Epoch)
                _grant = grant;
        }
        logger.ShardReacquired(shardId, grant.Epoch);
    }

    /// <summary>The phase without the clock.</summary>
    internal ShardPhase Moved => (ShardPhase)Volatile.Read(ref _phase);

    private bool Move(ShardEvent happened)
    {
        var before = Moved;
        if (ShardPhases.Next(before, happened) is not { } next)
            return false;
        Volatile.Write(ref _phase, (int)next);
        if (Holds(next) != Holds(before))
            ShardInstruments.Owned(Holds(next) ? 1 : -1);
        return true;
    }

    private static bool Holds(ShardPhase phase) => phase is ShardPhase.Open or ShardPhase.Suspended or ShardPhase.Closing;
}
