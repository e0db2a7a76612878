using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Routing;

/// <summary>The way from node to node: one command there, one answer back. A peer executes or says why not; it never forwards again.</summary>
internal interface IPeers
{
    /// <summary>Answers before the deadline, always; what went wrong on the way is an answer too.</summary>
    ValueTask<PeerAnswer> SendAsync(Owner owner, PeerCommand command, TimeSpan deadline, CancellationToken stop);
}

/// <summary>Who is thought to own a shard. A newer epoch always wins over an older one.</summary>
internal sealed record Owner(int ShardId, long Epoch, NodeId Node, string Address);

/// <summary>A command on its way to the owner of its session.</summary>
internal sealed record PeerCommand(SessionKey Session, SessionCommand Command, CommandKey? Key);

/// <summary>What came back from a peer.</summary>
internal abstract record PeerAnswer
{
    private PeerAnswer()
    {
    }

    /// <summary>The peer's own answer: decided, refused, or not now.</summary>
    internal sealed record Replied(CommandReply Reply) : PeerAnswer;

    /// <summary>The peer does not own the shard; who it thinks does.</summary>
    internal sealed record NotOwner(Owner? Hint) : PeerAnswer;

    /// <summary>No answer came.</summary>
    internal sealed record Failed(PeerFailure Stage, string Detail) : PeerAnswer;
}

/// <summary>How far a request got that has no answer.</summary>
internal enum PeerFailure
{
    /// <summary>Certainly not executed: no connection could be made, so nobody is at the address, or cannot be reached there.</summary>
    NotSent = 1,

    /// <summary>Perhaps executed: the connection broke, or the time was over, after it was sent.</summary>
    Unknown = 2,

    /// <summary>The peer does not take requests of this node: another cluster, another incarnation at that address, another version.</summary>
    NotAccepted = 3,

    /// <summary>Certainly not executed, and nothing is known of the peer: the caller's time was over, or this node cannot send, before anything was sent.</summary>
    TooLate = 4,

    /// <summary>Certainly not executed, and somebody is there: a connection was made, and ended or refused the request before it was read.</summary>
    Refused = 5,

    /// <summary>Certainly not executed, and it will not be: the peer cannot read the command, such as a release that does not know it.</summary>
    NotUnderstood = 6,
}
