using Backhaul.Node.Journal;

namespace Backhaul.Node.Sessions;

/// <summary>What those who asked are told when a turn did not come through.</summary>
internal static class TurnReplies
{
    /// <summary>The journal did not take its events.</summary>
    public static CommandReply.Unavailable NotTaken(AppendOutcome outcome) => outcome switch
    {
        AppendOutcome.Unavailable => new(UnavailableReason.Storage, TimeSpan.FromSeconds(2),
            "The journal cannot be written at the moment, so nothing was changed: its disk may be full, the node's log says more. Send the same request again later."),
        AppendOutcome.Fenced => new(UnavailableReason.Moving, TimeSpan.FromMilliseconds(200), "The session has moved to another node. Send the same request again."),
        AppendOutcome.Taken => new(UnavailableReason.Moving, TimeSpan.FromMilliseconds(200),
            "Another session claimed one of the destinations at the same moment, so nothing was changed. Send the same request again."),
        AppendOutcome.Unknown => new(UnavailableReason.Deadline, TimeSpan.FromSeconds(1),
            "Whether the request was executed is not known. Send it again with the same Idempotency-Key."),
        _ => new(UnavailableReason.Crashed, TimeSpan.FromSeconds(1), "The session is being loaded again after a failure. Send the same request again."),
    };

    /// <summary>It had no events, and nobody can say that the shard is still this node's.</summary>
    public static CommandReply.Unavailable NotHeld(bool isSuspended) => isSuspended
        ? new(UnavailableReason.Suspended, TimeSpan.FromSeconds(1), "This node cannot be sure that it still owns the session. Send the same request again.")
        : new(UnavailableReason.Moving, TimeSpan.FromMilliseconds(200), "The session is moving. Send the same request again.");
}
