namespace Backhaul.Node.Sharding.Membership;

/// <summary>
/// The times that follow from the cluster's lease, so that every node of it uses the same: of a lease of 15 s
/// <c>attempt 2 s &lt; heartbeat 3 s &lt; trust 13 s &lt; lease 15 s &lt; declared dead at 16 s</c>.
/// </summary>
internal sealed record LeaseTerms(TimeSpan Lease)
{
    /// <summary>From the start of a good renewal to the start of the next.</summary>
    public TimeSpan Heartbeat => Lease / 5;

    /// <summary>After a renewal that failed the next one comes sooner: an outage should cost no more than it lasts.</summary>
    public TimeSpan Again => Lease / 15;

    /// <summary>
    /// Kept back for clocks that run differently: 2 of 15 s covers five per cent, and the second until anybody may declare a node dead comes on top.
    /// </summary>
    public TimeSpan Margin => Lease * 2 / 15;

    /// <summary>How long a renewal may take; one that takes longer is worth little, because trust counts from its start.</summary>
    public TimeSpan AttemptMax => Lease * 2 / 15;

    /// <summary>How long a node trusts its lease, from the start of the renewal.</summary>
    public TimeSpan Trust => Lease - Margin;

    /// <summary>A lease with less than this left was not renewed when it should have been: it is watched closely.</summary>
    public TimeSpan SuspectBelow => Lease * 3 / 5;

    /// <summary>Two renewals further apart than this are a break: the store was away, or this node was, and nobody may be judged by what it saw.</summary>
    public TimeSpan BreakAfter => Heartbeat * 2;

    /// <summary>How often the clocks are compared, so that a machine that slept is found out.</summary>
    public TimeSpan Look => Lease / 30;
}

/// <summary>A reading of both clocks of this machine. The monotonic one stands still while the machine sleeps, the other does not.</summary>
internal readonly record struct ClockReading(TimeSpan Monotonic, DateTimeOffset Wall);
