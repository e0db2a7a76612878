using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Sharding.Membership;
using Backhaul.Node.Telemetry;

namespace Backhaul.Node.Sharding;

/// <summary>
/// Claims, adoptions and hand-offs under way, each beside the controller and reported back to its mailbox; bounded in number. Remembers
/// when this node last changed a shard, so that an older row is not believed. Its calls belong to the controller's turns, but for <see cref="Touch"/>.
/// </summary>
internal sealed class ShardMoves(ShardControllerParts parts)
{
    private readonly NodeShards _shards = parts.Shards;
    private readonly HandOff _handOff = new(parts.Shards, parts.Store, parts.Time, parts.Logger);
    private readonly long[] _touched = new long[parts.Shards.Count];
    private readonly TimeSpan?[] _openedAt = new TimeSpan?[parts.Shards.Count];
    private readonly HashSet<int> _claiming = [];
    private readonly HashSet<int> _handingOver = [];

    public bool MayClaimMore => _claiming.Count < parts.Options.ClaimsInFlightMax;

    public bool MayHandOverMore => _handingOver.Count < parts.Options.HandOffsMax;

    /// <summary>This node changed the shard, or lost it, now. From any thread.</summary>
    public void Touch(int shardId) => Volatile.Write(ref _touched[shardId], parts.Views.Mark());

    /// <summary>Nothing is under way with the shard, and the row was read after the last that was.</summary>
    public bool IsFresh(int shardId, ViewReading reading) =>
        !_claiming.Contains(shardId) && !_handingOver.Contains(shardId) && Volatile.Read(ref _touched[shardId]) < reading.Order;

    /// <summary>How long a shard that was claimed has been open.</summary>
    public TimeSpan HeldFor(int shardId) =>
        _openedAt[shardId] is { } at && _shards.PhaseOf(shardId) == ShardPhase.Open ? parts.Views.Now - at : TimeSpan.Zero;

    public void Forgiven(int shardId) => _openedAt[shardId] = null;

    /// <summary>False when its last host has not ended: later.</summary>
    public bool Claim(ShardOwner row, ActorRef<ControlMessage> self)
    {
        var reason = row.Owner is not null ? "takeover" : row.Epoch == 0 ? "start" : "rebalance";
        return Begin(row.ShardId, reason, () => parts.Store.ClaimAsync(_shards.Node, row.ShardId, row.Epoch, CancellationToken.None), self);
    }

    /// <summary>
    /// The row is ours already. Its epoch is raised before anything runs under it: whatever an earlier host of it left in flight is waited for, or fenced.
    /// </summary>
    public bool Adopt(ShardOwner row, ActorRef<ControlMessage> self) =>
        Begin(row.ShardId, "adopted", () => parts.Journal.ReacquireAsync(new ShardGrant(row.ShardId, row.Epoch, _shards.Node), CancellationToken.None), self);

    public void HandOver(int shardId, ActorRef<ControlMessage> self)
    {
        _handingOver.Add(shardId);
        _ = HandOverAsync(shardId, null, self);
    }

    /// <summary>To one node and no other, because an operator says so.</summary>
    public void Give(ControlMessage.Give order, ActorRef<ControlMessage> self)
    {
        _handingOver.Add(order.ShardId);
        _ = HandOverAsync(order.ShardId, order, self);
    }

    /// <summary>What has ended is under way no more.</summary>
    public void Note(ControlMessage message)
    {
        switch (message)
        {
            case ControlMessage.ClaimEnded ended:
                _claiming.Remove(ended.ShardId);
                _openedAt[ended.ShardId] = parts.Views.Now;
                break;
            case ControlMessage.HandedOver handed:
                _handingOver.Remove(handed.ShardId);
                break;
        }
    }

    private bool Begin(int shardId, string reason, Func<ValueTask<ShardGrant?>> claim, ActorRef<ControlMessage> self)
    {
        if (!_shards.TryBeginClaim(shardId))
            return false;
        _claiming.Add(shardId);
        _ = ClaimAsync(shardId, reason, claim, self);
        return true;
    }

    private async Task ClaimAsync(int shardId, string reason, Func<ValueTask<ShardGrant?>> claim, ActorRef<ControlMessage> self)
    {
        ShardGrant? grant = null;
        try
        {
            grant = await claim();
        }
        catch (JournalStoreException failure)
        {
            parts.Logger.ClaimFailed(shardId, reason, failure.Failure, failure.Message); // when its outcome is unknown, the next view tells
        }
        catch (Exception bug)
        {
            parts.Logger.ClaimBroke(bug, shardId, reason);
        }
        if (grant is { } granted)
        {
            _shards.Opened(granted);
            ShardInstruments.Claimed(reason);
            parts.Logger.ShardClaimed(shardId, granted.Epoch, reason);
        }
        else
        {
            _shards.ClaimFailed(shardId);
        }
        Touch(shardId);
        await self.PostAsync(new ControlMessage.ClaimEnded(shardId), CancellationToken.None);
    }

    private async Task HandOverAsync(int shardId, ControlMessage.Give? order, ActorRef<ControlMessage> self)
    {
        var end = HandOffEnd.NotOurs;
        try
        {
            end = await _handOff.RunAsync(shardId, order?.To, CancellationToken.None);
            if (end is HandOffEnd.Freed or HandOffEnd.Given)
                parts.Logger.ShardHandedOver(shardId);
        }
        catch (Exception bug)
        {
            parts.Logger.HandOffBroke(bug, shardId);
        }
        Touch(shardId);
        order?.Given.TryAnswer(end == HandOffEnd.Given);
        await self.PostAsync(new ControlMessage.HandedOver(shardId), CancellationToken.None);
    }
}

/// <summary>What the controller works with.</summary>
internal sealed record ShardControllerParts(
    NodeShards Shards, LeaseKeeper Lease, ClusterViews Views, IClusterStore Store, IJournalStore Journal, ShardingOptions Options, TimeProvider Time, ILogger Logger);
