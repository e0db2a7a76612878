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

    /// <summary>The store said that the grant is not valid any more.</summary>
    void OnFenced(ShardGrant refused);

    /// <summary>The shard was acquired again by this node after an unknown outcome.</summary>
    void OnReacquired(ShardGrant grant);
}
