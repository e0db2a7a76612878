using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Where a completion group stands. Persisted by name: append only.
/// <code>
///   Open ──enabled──► Enabled ──its last task ended──► Fired ──its event acknowledged, or expired──► forgotten, and its name is free
/// </code>
/// </summary>
internal enum CompletionPhase
{
    /// <summary>Takes tasks.</summary>
    Open = 1,

    /// <summary>Closed.</summary>
    Enabled = 2,
    Fired = 3,
}

/// <summary>What is remembered of a completion group. A section of the snapshot: append only.</summary>
internal sealed record CompletionState
{
    public required GroupName Name { get; init; }
    public CompletionPhase Phase { get; init; } = CompletionPhase.Open;
    public EndedCounts Ended { get; init; } = EndedCounts.None;

    /// <summary>The number of its event.</summary>
    public long? Number { get; init; }
}

/// <summary>A completion group with the number of its tasks that have not ended, which follows from those.</summary>
internal sealed class CompletionGroup(CompletionState state)
{
    public CompletionState State { get; set; } = state;

    public long Left { get; set; }
}
