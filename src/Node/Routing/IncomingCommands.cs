using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;

namespace Backhaul.Node.Routing;

/// <summary>
/// A command that another node forwarded: executed here once, or told why not. Never forwarded again, and never retried: routers do
/// that, so that one failure is not multiplied by each node on the way. Called by the node edge, and by the network of the simulation.
/// </summary>
internal sealed class IncomingCommands(LocalCommands local, OwnerDirectory owners, NodeId self)
{
    public async ValueTask<PeerAnswer> ExecuteAsync(PeerCommand command, TimeSpan remaining, CancellationToken stop)
    {
        var reply = await local.TryOnceAsync(command.Session, command.Command, command.Key, remaining, stop);
        return reply is CommandReply.Unavailable { Reason: UnavailableReason.NotOwned }
            ? new PeerAnswer.NotOwner(HintFor(local.ShardOf(command.Session)))
            : new PeerAnswer.Replied(reply);
    }

    /// <summary>Who else owns the shard, as far as is known here; a table that still names this node says nothing.</summary>
    public Owner? HintFor(int shardId) => owners.Find(shardId) is { } owner && owner.Node != self ? owner : null;
}
