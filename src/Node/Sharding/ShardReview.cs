using Backhaul.Node.Journal;
using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Sharding;

/// <summary>What is to be done about a shard so that this node does what the table says.</summary>
internal enum ShardVerdict
{
    InOrder = 1,

    /// <summary>The table says that it is ours, and nothing runs it: an answer was lost, or its host ended.</summary>
    Adopt = 2,

    /// <summary>It runs here, and the table says that it is another's; or its host has ended, and it must be adopted anew.</summary>
    Drop = 3,

    /// <summary>It is ours under a later epoch, that we raised ourselves without hearing of it.</summary>
    Reacquired = 4,
}

/// <summary>
/// Assigned is not running, and running is not owned: with every view, reality is compared with the table. Pure. The row must have been read after
/// the last change that this node made to the shard.
/// </summary>
internal static class ShardReview
{
    /// <param name="row">What the table says.</param>
    /// <param name="self">This node.</param>
    /// <param name="phase">Where the shard stands here.</param>
    /// <param name="heldEpoch">Of its grant.</param>
    /// <param name="hostEnded">It is held, and nothing runs it any more.</param>
    public static ShardVerdict Of(ShardOwner row, NodeId self, ShardPhase phase, long? heldEpoch, bool hostEnded = false) => (phase, row.Owner == self) switch
    {
        (ShardPhase.Open or ShardPhase.Suspended, _) when hostEnded => ShardVerdict.Drop,
        (ShardPhase.NotOwned or ShardPhase.Closed, true) => ShardVerdict.Adopt,
        (ShardPhase.Open or ShardPhase.Suspended, true) when row.Epoch > heldEpoch => ShardVerdict.Reacquired,
        (ShardPhase.Open or ShardPhase.Suspended, true) when row.Epoch < heldEpoch => ShardVerdict.Drop, // the store was set back: our epoch is not in it
        (ShardPhase.Open or ShardPhase.Suspended, false) => ShardVerdict.Drop,
        _ => ShardVerdict.InOrder, // what is claimed or closing comes to its end by itself
    };
}
