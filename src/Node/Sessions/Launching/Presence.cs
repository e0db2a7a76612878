namespace Backhaul.Node.Sessions;

/// <summary>What the owner knows of clients that it does not journal: whether one is there. After a move it is found out anew.</summary>
/// <param name="IsAttached">A client holds a stream open, or waits for a page.</param>
/// <param name="QuietUntil">No launch before: whoever was there may be about to come back.</param>
/// <param name="LeftAt">When the last one left, if that was seen.</param>
internal sealed record Presence(bool IsAttached, DateTimeOffset QuietUntil, DateTimeOffset? LeftAt)
{
    /// <summary>As far as the journal knows.</summary>
    public static Presence Nobody { get; } = new(false, DateTimeOffset.UnixEpoch, null);
}
