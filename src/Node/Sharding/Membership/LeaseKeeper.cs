using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Telemetry;

namespace Backhaul.Node.Sharding.Membership;

/// <summary>What the keeper says of the lease: immutable, replaced as a whole.</summary>
/// <param name="Phase">Where it stood when it was last looked at.</param>
/// <param name="IsRenewed">Suspended, and to be verified: see <see cref="LeaseKeeper.Verified"/>.</param>
/// <param name="Lapses">How often trust ran out.</param>
/// <param name="ViewVersion">The version of the view at the newest good renewal.</param>
/// <param name="UnbrokenSince">Since when renewals followed each other, on the keeper's clock; null when they did not.</param>
/// <param name="TrustedUntil">On the keeper's clock.</param>
internal sealed record LeaseStatus(LeasePhase Phase, bool IsRenewed, int Lapses, long ViewVersion, TimeSpan? UnbrokenSince, TimeSpan TrustedUntil);

/// <summary>
/// Keeps this node's lease: renews it every heartbeat, looks at the clocks several times in between, and says whether the node may act.
/// The rules are <see cref="NodeLease"/>'s; here is only the loop. It runs on a scheduler and a time of its own (<see cref="LeaseThread"/>) and shares no
/// lock, connection or queue with work, so that the node does not look dead when it is busiest. <see cref="IsTrusted"/> reads the
/// clock each time: trust runs out by itself also when this loop does not run.
///
/// Called by ClusterOwnership (start, end) and ShardController, which looks at <see cref="Status"/> whenever <see cref="Changed"/> is called.
/// </summary>
internal sealed class LeaseKeeper(
    ILeaseStore store, NodeId node, INodeExit exit, ActorScheduler scheduler, TimeProvider time, ILogger<LeaseKeeper> logger) : INodeTrust
{
    private static readonly TimeSpan SlowTick = TimeSpan.FromSeconds(1);

    private readonly WakeEvent _wake = new();
    private readonly long _origin = time.GetTimestamp();
    private LeaseTerms _terms = new(TimeSpan.FromSeconds(15));
    private NodeLease _lease = null!;
    private LeaseStatus _status = new(LeasePhase.Joining, false, 0, 0, null, TimeSpan.Zero);
    private long _viewVersion;
    private long _beatAt;
    private int _verifiedLapse = -1;
    private volatile bool _leaving;
    private TimeSpan _due;

    public LeaseStatus Status => Volatile.Read(ref _status);

    public LeaseTerms Terms => _terms;

    /// <summary>Called on the keeper's thread when the status has changed in anything but its times; must not block.</summary>
    public Action? Changed { get; set; }

    public bool IsTrusted => Status is { Phase: LeasePhase.Trusted } status && Now < status.TrustedUntil;

    /// <summary>How long renewals have followed each other without a break; zero when they do not.</summary>
    public TimeSpan UnbrokenFor => Status is { UnbrokenSince: { } since, Phase: LeasePhase.Trusted } && IsTrusted ? Now - since : TimeSpan.Zero;

    /// <summary>Since the loop last came by, while it should; for the liveness probe.</summary>
    public TimeSpan SinceBeat => Status.Phase is LeasePhase.Trusted or LeasePhase.Suspended ? Now - TimeSpan.FromTicks(Volatile.Read(ref _beatAt)) : TimeSpan.Zero;

    public ClockReading ReadClock() => new(Now, time.GetUtcNow());

    /// <summary>The store has written this node in with a whole lease; <paramref name="attempted"/> is when it was asked to.</summary>
    public void Start(LeaseTerms terms, ClockReading attempted)
    {
        _terms = terms;
        _lease = new NodeLease(terms);
        _lease.Joined(attempted, ReadClock());
        _due = attempted.Monotonic + terms.Heartbeat;
        Publish();
        Volatile.Write(ref _beatAt, Now.Ticks);
        scheduler.Queue(static keeper => _ = ((LeaseKeeper)keeper!).RunAsync(), this);
    }

    /// <summary>What this node owns was read again after the renewal that followed this lapse: its trust is whole. From any thread.</summary>
    public void Verified(int lapse)
    {
        Volatile.Write(ref _verifiedLapse, lapse);
        _wake.Set();
    }

    /// <summary>The node is about to leave, or has left: no renewals any more, and no trust; one in flight says nothing any more. From any thread.</summary>
    public void Leave()
    {
        _leaving = true;
        _wake.Set();
    }

    private TimeSpan Now => time.GetElapsedTime(_origin);

    private async Task RunAsync()
    {
        using var timer = time.CreateTimer(static wake => ((WakeEvent)wake!).Set(), _wake, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        try
        {
            while (!_lease.HasEnded)
            {
                timer.Change(NextLook(), Timeout.InfiniteTimeSpan);
                await _wake.WaitAsync();
                await TickAsync();
            }
        }
        catch (Exception bug)
        {
            logger.KeeperBroke(bug); // trust runs out by itself, and the liveness probe sees that nothing beats
        }
    }

    private TimeSpan NextLook()
    {
        var untilBeat = _due - Now;
        return untilBeat < _terms.Look ? Max(untilBeat, TimeSpan.Zero) : _terms.Look;
    }

    private async ValueTask TickAsync()
    {
        var clock = ReadClock();
        Volatile.Write(ref _beatAt, clock.Monotonic.Ticks);
        if (_leaving)
            _lease.Leave();
        if (Volatile.Read(ref _verifiedLapse) is >= 0 and var lapse)
        {
            Interlocked.CompareExchange(ref _verifiedLapse, -1, lapse);
            if (_lease.Verified(lapse, clock))
                logger.TrustRegained(lapse);
        }
        _lease.Look(clock);
        Publish();
        if (!_lease.HasEnded && clock.Monotonic >= _due)
            await BeatAsync(clock);
    }

    private async ValueTask BeatAsync(ClockReading attempted)
    {
        var late = attempted.Monotonic - _due;
        LeaseInstruments.Ticked(late);
        if (late > SlowTick)
            logger.TickLate(late.TotalSeconds);
        var within = _lease.AttemptTime(attempted.Monotonic);
        _due = attempted.Monotonic + _terms.Heartbeat;
        try
        {
            var renewal = await store.RenewAsync(node, within, CancellationToken.None);
            var now = ReadClock();
            LeaseInstruments.Renewed(now.Monotonic - attempted.Monotonic);
            if (_leaving)
            {
                _lease.Leave(); // that there is no such member any more may be this node's own doing
            }
            else
            {
                _viewVersion = renewal.ViewVersion;
                _lease.Answered(attempted, renewal.State is not null, now);
            }
        }
        catch (Exception failure)
        {
            // Whatever it was, the lease was not certainly renewed; nothing but the clock decides what follows from that.
            var now = ReadClock();
            LeaseInstruments.Renewed(now.Monotonic - attempted.Monotonic);
            _due = Max(attempted.Monotonic + _terms.Again, now.Monotonic + (_terms.Again / 4));
            _lease.Look(now);
            logger.RenewalFailed(failure.Message, (_lease.TrustedUntil - now.Monotonic).TotalSeconds, failure is JournalStoreException ? null : failure);
        }
        Publish();
    }

    private void Publish()
    {
        var before = _status;
        var status = new LeaseStatus(_lease.Phase, _lease.IsRenewed, _lease.Lapses, _viewVersion, _lease.UnbrokenSince, _lease.TrustedUntil);
        Volatile.Write(ref _status, status);
        if (before.Phase == status.Phase && before.IsRenewed == status.IsRenewed && before.Lapses == status.Lapses && before.ViewVersion == status.ViewVersion)
            return;
        if (status.Lapses != before.Lapses)
            logger.TrustLost(_terms.Trust.TotalSeconds);
        if (status.Phase == LeasePhase.Lost)
            exit.Lost($"This node ({node}) was declared dead by another, and its shards belong to others.");
        Changed?.Invoke();
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
