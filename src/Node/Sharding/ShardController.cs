using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Sharding;

/// <summary>
/// Makes this node hold what the plan gives it. After everything that happens it looks at everything, in this order:
/// <code>
///   lease     trust lost → all shards suspended; renewed → view read again, what is not ours any more is dropped, then trusted again
///   view      read every heartbeat, when its version changed, when the store calls, and as often as somebody's overdue lease asks for
///   review    the table says ours and nothing runs it → adopted; it runs and the table says another's → dropped
///   the dead  whose lease is over, seen twice by a node that is well itself → declared dead
///   claims    orphans that the plan gives to this node, within the budget; poisoned ones not
///   hand-offs what the plan gives to another, two at a time, once the membership has been stable for <c>Settle</c>
/// </code>
/// An operator's order to give a shard to another node comes before all of that, and changes the row, not the plan.
/// Every node does this for itself and executes only its own moves; there is no leader, and nobody's answer is waited for but the
/// store's. Invariants: nothing is claimed, handed over or judged without trust; a row is believed only if it was read after this
/// node's last change of that shard; an answer that was lost is found out by the next view. With the store away, nothing happens but suspension.
/// </summary>
internal sealed class ShardController : Actor<ControlMessage>
{
    /// <summary>The store calls for every shard that changes hands: a burst of calls is one look.</summary>
    private static readonly TimeSpan SignalGap = TimeSpan.FromMilliseconds(20);

    private readonly NodeShards _shards;
    private readonly LeaseKeeper _lease;
    private readonly ClusterViews _views;
    private readonly IClusterStore _store;
    private readonly ShardingOptions _options;
    private readonly ILogger _logger;
    private readonly ShardMoves _moves;
    private readonly DeathWatch _deaths;
    private readonly PoisonWatch _poison;
    private readonly ClaimBudget _budget;
    private readonly TimeSpan _startedAt;
    private ViewReading _reading = ViewReading.None;
    private ShardPlan _plan = ShardPlan.Compute(ClusterView.Empty);
    private TimeSpan _stableSince;
    private TimeSpan _nextReadAt;
    private TimeSpan _nextLook;
    private long _judged;
    private int _signalled = 1;
    private int _lapsesSeen;
    private bool _suspended;
    private bool _heldAllOnce;
    private long _heldAllAt;

    public ShardController(ShardControllerParts parts, LeaseTerms terms)
    {
        _shards = parts.Shards;
        _lease = parts.Lease;
        _views = parts.Views;
        _store = parts.Store;
        _options = parts.Options;
        _logger = parts.Logger;
        _moves = new ShardMoves(parts);
        _deaths = new DeathWatch(_shards.Node, terms);
        _poison = new PoisonWatch(_options.TakeoversMax, _options.PoisonCoolDown);
        _budget = new ClaimBudget(_options.ClaimsFirst, terms.Again);
        _startedAt = _views.Now;
        _stableSince = _startedAt;
    }

    /// <summary>The fence refused a write of the shard: no row that was read before this is believed. From any thread.</summary>
    public void Lost(int shardId) => _moves.Touch(shardId);

    private LeaseTerms Terms => _lease.Terms;

    private NodeId Self => _shards.Node;

    /// <summary>
    /// Every shard that should be held is open, now or less than a lease ago: a shard whose owner just died must not take all others out of
    /// the load balancer. At the start it means: open for the first time.
    /// </summary>
    public bool IsReady => Volatile.Read(ref _heldAllOnce) && _views.Now - TimeSpan.FromTicks(Volatile.Read(ref _heldAllAt)) <= Terms.Lease;

    /// <summary>The store called: the next look reads the view.</summary>
    public void Signal() => Volatile.Write(ref _signalled, 1);

    protected internal override ValueTask StartAsync(ActorContext<ControlMessage> context)
    {
        context.StartTimer("look", TimeSpan.Zero, ControlMessage.Look.Now);
        return default;
    }

    protected internal override async ValueTask ReceiveAsync(ControlMessage message, ActorContext<ControlMessage> context)
    {
        Take(message, context.Self);
        while (context.TryTakeNext(out var next))
            Take(next, context.Self);
        _nextLook = Terms.Heartbeat;
        try
        {
            await LookAsync(context);
        }
        catch (OperationCanceledException) when (context.IsStopping)
        {
            return;
        }
        catch (JournalStoreException away)
        {
            // Nothing but the lease's own clock follows from that: no restart, no drop, for as long as it takes.
            _logger.LookFailed(away.Failure, away.Message);
            LookWithin(Terms.Again);
        }
        context.StartTimer("look", _nextLook, ControlMessage.Look.Now);
    }

    protected internal override void Unhandled(ControlMessage message, UnhandledReason reason) => (message as ControlMessage.Give)?.Given.TryAnswer(false);

    private void Take(ControlMessage message, ActorRef<ControlMessage> self)
    {
        _moves.Note(message);
        if (message is not ControlMessage.Give order)
            return;
        if (_lease.IsTrusted && !_suspended && !_shards.IsDraining && _moves.IsFresh(order.ShardId, _reading) && _shards.PhaseOf(order.ShardId) == ShardPhase.Open)
            _moves.Give(order, self);
        else
            order.Given.TryAnswer(false);
    }

    private async ValueTask LookAsync(ActorContext<ControlMessage> context)
    {
        var status = _lease.Status;
        FollowTrust(status);
        if (status.Phase is LeasePhase.Left or LeasePhase.Lost || (status.Phase == LeasePhase.Suspended && !status.IsRenewed))
            return; // the keeper calls when that changes
        if (MustRead(status))
            await ReadAsync(status, context.Stopping);
        LookWithin(_nextReadAt - _views.Now);
        if (!_lease.IsTrusted || _suspended || _reading.View.Find(Self) is not { State: MemberState.Active } || _shards.IsDraining)
            return;
        await JudgeAsync(context.Stopping);
        Claim(context.Self);
        HandOver(context.Self);
        TakeStock();
        await ForgiveAsync(context.Stopping);
    }

    // ---- lease and view ----

    private void FollowTrust(LeaseStatus status)
    {
        if ((status.Lapses != _lapsesSeen || status.Phase == LeasePhase.Suspended) && !_suspended)
        {
            _suspended = true;
            _shards.Suspend();
            _deaths.Forget();
            _logger.ShardsSuspended();
        }
        _lapsesSeen = status.Lapses;
        if (_suspended && status.Phase == LeasePhase.Trusted)
        {
            _suspended = false;
            _shards.Resume(); // what was not ours any more was dropped before the trust was whole
            _logger.ShardsResumed(_shards.Grants.Count);
        }
    }

    private bool MustRead(LeaseStatus status)
    {
        if (status.IsRenewed || status.ViewVersion > _reading.View.Version || _views.Now >= _nextReadAt)
            return true;
        if (Volatile.Read(ref _signalled) == 0)
            return false;
        var since = _views.Now - _reading.At;
        if (since >= SignalGap)
            return true;
        LookWithin(SignalGap - since);
        return false;
    }

    private async ValueTask ReadAsync(LeaseStatus status, CancellationToken stop)
    {
        Volatile.Write(ref _signalled, 0);
        var reading = await _views.ReadAsync(stop);
        if (reading.View.Version != _reading.View.Version)
        {
            _stableSince = reading.At;
            _logger.ViewChanged(reading.View.Version, string.Join(", ", reading.View.Members.Select(member => $"{member.Name} {member.State}")));
        }
        _reading = reading;
        _plan = ShardPlan.Compute(reading.View);
        _nextReadAt = reading.At + Min(Terms.Heartbeat, _deaths.NextLook(reading.View) ?? Terms.Heartbeat);
        Review();
        if (status.IsRenewed)
            _lease.Verified(status.Lapses); // the keeper calls when the trust is whole
    }

    private void Review()
    {
        foreach (var row in _reading.View.Shards.Where(row => _moves.IsFresh(row.ShardId, _reading)))
        {
            var hostEnded = _shards.HasHostEnded(row.ShardId);
            if (hostEnded)
                _logger.HostEnded(row.ShardId);
            switch (ShardReview.Of(row, Self, _shards.PhaseOf(row.ShardId), _shards.GrantOf(row.ShardId)?.Epoch, hostEnded))
            {
                case ShardVerdict.Drop:
                    _shards.Drop(row.ShardId);
                    break;
                case ShardVerdict.Reacquired:
                    _shards.Reacquired(new ShardGrant(row.ShardId, row.Epoch, Self));
                    break;
            }
        }
    }

    // ---- what follows ----

    private async ValueTask JudgeAsync(CancellationToken stop)
    {
        if (_judged == _reading.Order)
            return;
        _judged = _reading.Order;
        foreach (var suspect in _deaths.Observe(_reading.View, _reading.At, _lease.UnbrokenFor))
        {
            if (!await _store.DeclareDeadAsync(suspect.Id, stop))
                continue;
            _logger.DeclaredDead(suspect.Name, suspect.Id.ToString(), -suspect.LeaseLeft.TotalSeconds);
            _nextReadAt = TimeSpan.Zero;
            LookWithin(TimeSpan.Zero);
        }
    }

    private void Claim(ActorRef<ControlMessage> self)
    {
        var sinceStart = _views.Now - _startedAt;
        foreach (var row in _reading.View.Shards.Where(row => _moves.IsFresh(row.ShardId, _reading)))
        {
            if (!_moves.MayClaimMore)
                return; // each end of a claim looks again
            if (row.Owner == Self && ShardReview.Of(row, Self, _shards.PhaseOf(row.ShardId), null) == ShardVerdict.Adopt)
            {
                _moves.Adopt(row, self);
                continue;
            }
            if (!IsOrphan(row))
            {
                _poison.Held(row.ShardId);
                continue;
            }
            if (!_poison.MayClaim(row, _views.Now, out var isNew))
            {
                if (isNew)
                    _logger.ShardPoisoned(row.ShardId, row.Takeovers, _options.PoisonCoolDown.TotalMinutes);
                continue;
            }
            if (_plan.OwnerOf(row.ShardId) != Self)
                continue;
            if (_budget.Left(sinceStart) == 0)
            {
                LookWithin(_budget.NextAfter(sinceStart));
                return;
            }
            if (!_moves.Claim(row, self))
                continue;
            _budget.Use(1);
            _poison.Tried(row.ShardId, _views.Now);
        }
    }

    private void HandOver(ActorRef<ControlMessage> self)
    {
        List<ShardOwner> surplus = [.. _reading.View.Shards.Where(row => row.Owner == Self && _shards.PhaseOf(row.ShardId) == ShardPhase.Open && IsAwaitedElsewhere(row))];
        if (surplus.Count == 0)
            return;
        var settled = _stableSince + _options.Settle;
        if (_views.Now < settled)
        {
            LookWithin(settled - _views.Now);
            return;
        }
        foreach (var row in surplus.Where(row => _moves.IsFresh(row.ShardId, _reading)).TakeWhile(_ => _moves.MayHandOverMore))
            _moves.HandOver(row.ShardId, self);
    }

    /// <summary>A shard that was held for a while after its owner died did not kill it: the count of its take-overs starts anew.</summary>
    private async ValueTask ForgiveAsync(CancellationToken stop)
    {
        foreach (var row in _reading.View.Shards.Where(row => row.Owner == Self && row.Takeovers > 0 && _moves.HeldFor(row.ShardId) >= Terms.Lease * 4))
        {
            await _store.ForgiveAsync(row.ShardId, stop);
            _moves.Forgiven(row.ShardId);
        }
    }

    /// <summary>
    /// What a living member still holds is in good hands: a node that was ready once does not wait for a slow drain of another. A new one waits
    /// for its share, but not for ever.
    /// </summary>
    private void TakeStock()
    {
        var patience = _options.Settle + _options.HandOff + Terms.Lease;
        var othersMayHold = Volatile.Read(ref _heldAllOnce) || _views.Now - _stableSince > patience;
        foreach (var row in _reading.View.Shards.Where(row => _plan.OwnerOf(row.ShardId) == Self && _shards.PhaseOf(row.ShardId) != ShardPhase.Open))
        {
            if (!_poison.Poisoned.Contains(row.ShardId) && !(othersMayHold && row.Owner is { } owner && owner != Self && !IsOrphan(row)))
                return;
        }
        Volatile.Write(ref _heldAllAt, _views.Now.Ticks);
        if (Volatile.Read(ref _heldAllOnce))
            return;
        Volatile.Write(ref _heldAllOnce, true);
        _logger.HoldsAll(Self.ToString(), _shards.Grants.Count);
    }

    /// <summary>Free, or its owner is gone for good.</summary>
    private bool IsOrphan(ShardOwner row) =>
        row.Owner is not { } owner || _reading.View.Find(owner) is { State: MemberState.Dead or MemberState.Left };

    /// <summary>To a node that did not renew its lease when it should have nothing is handed: the shard would be nobody's for as long as it takes to be sure.</summary>
    private bool IsAwaitedElsewhere(ShardOwner row) =>
        _plan.OwnerOf(row.ShardId) is { } wished && wished != Self && _reading.View.Find(wished) is { } target && target.LeaseLeft >= Terms.SuspectBelow;

    private void LookWithin(TimeSpan within)
    {
        if (within < _nextLook)
            _nextLook = within > TimeSpan.Zero ? within : TimeSpan.Zero;
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
