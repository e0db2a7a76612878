using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>A client's intent with the hash of what it asked, so that a repetition is told from a reuse.</summary>
internal sealed record CommandKey(CommandId Id, ulong ContentHash);

/// <summary>The one answer to a command. Bodies are the bytes of the wire, so that they pass unchanged through any node.</summary>
internal abstract record CommandReply
{
    private CommandReply()
    {
    }

    /// <summary>Decided and durable.</summary>
    internal sealed record Done(int Status, ReadOnlyMemory<byte> Json) : CommandReply;

    /// <summary>Decided and refused; nothing changed.</summary>
    internal sealed record Refused(Problem Problem) : CommandReply;

    /// <summary>Not decided; the same command may be sent again.</summary>
    internal sealed record Unavailable(UnavailableReason Reason, TimeSpan RetryAfter, string Detail) : CommandReply;

    internal static Refused Refuse(int status, string code, string detail, string? field = null) =>
        new(new Problem { Status = status, Code = code, Detail = detail, Field = field });
}

/// <summary>Why a command was not decided.</summary>
internal enum UnavailableReason
{
    /// <summary>The owner is loading the session or the shard.</summary>
    Acquiring = 1,

    /// <summary>The shard or the node is closing.</summary>
    Moving = 2,

    /// <summary>The lease is not trusted at the moment.</summary>
    Suspended = 3,

    /// <summary>The session's mailbox is full.</summary>
    Full = 4,

    /// <summary>The journal cannot be written (disk full, database away).</summary>
    Storage = 5,

    /// <summary>No answer before the deadline.</summary>
    Deadline = 6,

    /// <summary>The session crashed while it handled this; it is being reloaded.</summary>
    Crashed = 7,

    /// <summary>This node does not own the shard.</summary>
    NotOwned = 8,

    /// <summary>The node that owns the shard cannot be reached.</summary>
    Unreachable = 9,
}
