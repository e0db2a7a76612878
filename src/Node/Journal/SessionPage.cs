namespace Backhaul.Node.Journal;

/// <summary>A page of the list of sessions.</summary>
/// <param name="Heads">In order of key.</param>
/// <param name="Next">Where the next page begins; null when this is the last one. A page may be short, or empty, and not the last one.</param>
/// <param name="Unreadable">Sessions left out of it because their keys cannot be read: they exist, and nobody knows what they are called.</param>
internal sealed record SessionPage(IReadOnlyList<SessionHead> Heads, string? Next, int Unreadable = 0);
