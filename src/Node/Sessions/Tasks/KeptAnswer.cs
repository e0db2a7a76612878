using Backhaul.Node.Files;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>What became of a task that was cancelled with resume data; the node that the client asked signs it. Travels between nodes: append only.</summary>
internal sealed record KeptAnswer
{
    public required TaskId Task { get; init; }

    /// <summary>Null: later tasks start from zero.</summary>
    public KeptPart? Kept { get; init; }
    public required string Why { get; init; }
}
