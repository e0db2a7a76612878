using Backhaul.Node.Journal;

namespace Backhaul.Node.Sessions;

/// <summary>The journal did not take what this session had applied: its memory is ahead and is thrown away.</summary>
internal sealed class SessionAheadOfJournalException(AppendOutcome outcome)
    : Exception($"The append ended as {outcome}; the session is loaded again from the journal.")
{
    /// <summary>False when the store or the ownership is to blame, and not what the session wanted to write.</summary>
    public bool IsTheSessions { get; } = outcome is AppendOutcome.Rejected or AppendOutcome.Conflict;
}
