using Backhaul.Node.Journal;

namespace Backhaul.Node.Sharding.Membership;

/// <summary>
/// Who belongs to the cluster and who owns which shard: the one truth, in the store. Nobody else is asked, so an unreachable node
/// delays only the shards it owns. Calls throw <see cref="JournalStoreException"/>: Transient when nothing happened, Unknown when
/// perhaps it did (the next view tells). The store's clock decides about leases; no call takes a time.
/// </summary>
internal interface IClusterStore
{
    /// <summary>
    /// Makes the store ready (schema), founds the cluster when there is none, and reads what was written at its founding. Throws
    /// Rejected with a sentence when the store holds another cluster, another number of shards, a schema this build cannot use, or is a standby.
    /// </summary>
    ValueTask<ClusterFacts> OpenAsync(ClusterFounding founding, CancellationToken stop);

    /// <summary>Writes this incarnation in as active, with a whole lease, and raises the view's version. Once for a process.</summary>
    ValueTask JoinAsync(NodeId node, string name, string address, string build, CancellationToken stop);

    /// <summary>Members that are active or draining, and any other that still owns a shard; every shard, by number.</summary>
    ValueTask<ClusterView> ReadViewAsync(CancellationToken stop);

    /// <summary>True when this call changed the state (and raised the version).</summary>
    ValueTask<bool> MoveAsync(NodeId node, MemberState to, CancellationToken stop);

    /// <summary>True when the suspect's lease had been over for more than a second by the store's clock, and it is dead by this call.</summary>
    ValueTask<bool> DeclareDeadAsync(NodeId suspect, CancellationToken stop);

    /// <summary>
    /// Takes a shard that is free, or whose owner is dead or has left, if its epoch is still the one seen and the claimer is active with a lease in
    /// force. Waits for an append in flight (bounded: then Transient). Null when somebody else was faster, or it is not allowed.
    /// </summary>
    ValueTask<ShardGrant?> ClaimAsync(NodeId node, int shardId, long seenEpoch, CancellationToken stop);

    /// <summary>Gives a shard back and wakes those who wait for it. False when the grant was lost already.</summary>
    ValueTask<bool> ReleaseAsync(ShardGrant grant, CancellationToken stop);

    /// <summary>
    /// Gives a shard to another member that is active with a lease in force, in one step, so that nobody else takes it meanwhile; that one adopts
    /// it when it sees the row. False when the grant was lost or the other is not fit for it: then nothing happened. A store that cannot
    /// name the next owner frees the shard.
    /// </summary>
    ValueTask<bool> GiveAsync(ShardGrant grant, NodeId to, CancellationToken stop) => ReleaseAsync(grant, stop);

    /// <summary>An operator lets a shard be claimed again that too many nodes died with: its count of take-overs starts anew.</summary>
    ValueTask<bool> ForgiveAsync(int shardId, CancellationToken stop);
}

/// <summary>
/// The heartbeat's own way to the store: its own connection, shared with nothing, so that work cannot make a node look dead.
/// </summary>
internal interface ILeaseStore
{
    /// <summary>
    /// Renews the lease of an active or draining node. Must come back within the time given, with an exception if need be.
    /// </summary>
    ValueTask<LeaseRenewal> RenewAsync(NodeId node, TimeSpan within, CancellationToken stop);
}

/// <param name="State">Null: there is no such member that is active or draining, so this incarnation is lost.</param>
/// <param name="ViewVersion">The version of the view in the same moment.</param>
internal readonly record struct LeaseRenewal(MemberState? State, long ViewVersion);

/// <summary>What a cluster is founded with, and what a node expects of the one that it finds.</summary>
internal sealed record ClusterFounding(string Name, int ShardCount, TimeSpan Lease);

/// <summary>What was written when the cluster was founded: it belongs to the cluster, not to a process.</summary>
/// <param name="Lease">Every node uses this one, whatever its own configuration says.</param>
/// <param name="Secret">32 random bytes; nodes prove to each other with it that they read the same store.</param>
internal sealed record ClusterFacts(string Name, int ShardCount, TimeSpan Lease, ReadOnlyMemory<byte> Secret);

/// <summary>Tells early that the view changed. It may miss some: polling is what guarantees, this only accelerates.</summary>
internal interface IClusterSignals
{
    /// <summary>Calls back, on any thread, until disposed.</summary>
    IDisposable Subscribe(Action changed);
}
