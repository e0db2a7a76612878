using Backhaul.Node.Actors;
using Backhaul.Node.Journal;

namespace Backhaul.Node.Sharding;

/// <summary>What the shard controller's mailbox holds. After each it looks at everything.</summary>
internal abstract record ControlMessage
{
    private ControlMessage()
    {
    }

    /// <summary>Time has passed, the lease has changed, or the store has called.</summary>
    internal sealed record Look : ControlMessage
    {
        public static Look Now { get; } = new();
    }

    /// <summary>A claim, or an adoption, is over.</summary>
    internal sealed record ClaimEnded(int ShardId) : ControlMessage;

    /// <summary>A hand-off is over.</summary>
    internal sealed record HandedOver(int ShardId) : ControlMessage;

    /// <summary>An operator wants a shard that this node holds to be another's. The answer is whether it became that.</summary>
    internal sealed record Give(int ShardId, NodeId To, Request<bool> Given) : ControlMessage;
}
