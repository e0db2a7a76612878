namespace Backhaul.Node.Journal;

/// <summary>One incarnation of a node process: a new id at every start.</summary>
internal readonly record struct NodeId(Guid Value)
{
    public override string ToString() => Value.ToString("N");
}

/// <summary>The right to write to a shard: valid while the store's row holds this epoch and this owner. Every mutation carries one.</summary>
internal readonly record struct ShardGrant(int ShardId, long Epoch, NodeId Node);

/// <summary>
/// Where the writer asks for the grant in force at the moment of the commit. A re-acquired shard keeps its holder and gets a new
/// epoch; a shard lost and claimed again has another holder, so requests of the old one are refused.
/// </summary>
internal interface IGrantHolder
{
    int ShardId { get; }

    /// <summary>Null when the shard is lost, or not trusted at the moment.</summary>
    ShardGrant? Current { get; }

    /// <summary>Not lost, but not trusted at the moment: an append waits, and is not refused as fenced.</summary>
    bool IsSuspended { get; }

    /// <summary>Of the newest grant, trusted at the moment or not: names what was made under it. 0 when there never was one.</summary>
    long Epoch => Current?.Epoch ?? 0;

    /// <summary>Both of the same moment: the grant for one try, or whether to wait for one. Neither: the shard is lost.</summary>
    (ShardGrant? Grant, bool IsSuspended) Ask() => (Current, IsSuspended);

    /// <summary>The store said that the grant is not valid any more.</summary>
    void OnFenced(ShardGrant refused);

    /// <summary>The shard was acquired again by this node after an unknown outcome.</summary>
    void OnReacquired(ShardGrant grant);

    /// <summary>
    /// What became of an append under this grant could not be found out, and it may still arrive: nothing is written or read under the grant any more.
    /// Whoever goes on with the shard raises its epoch first.
    /// </summary>
    void OnDoubtful(ShardGrant used) => OnFenced(used);
}
