namespace Backhaul.Node.Journal;

/// <summary>Limits of the journal. Bound from <c>Backhaul:Journal</c>, validated at start.</summary>
internal sealed record JournalOptions
{
    /// <summary>Lanes that commit independently; a shard always uses the same one. 0 is the number that the store is best with.</summary>
    public int Writers { get; init; }

    /// <summary>Appends that wait in a lane; a full lane slows its producers down, nothing is dropped.</summary>
    public int QueueMax { get; init; } = 4096;

    /// <summary>A batch is closed when it has this many rows …</summary>
    public int BatchRowsMax { get; init; } = 512;

    /// <summary>… or this many bytes. One request may be larger; it is then a batch of its own.</summary>
    public int BatchBytesMax { get; init; } = 1024 * 1024;

    /// <summary>A larger payload of one row is rejected before it is sent.</summary>
    public int RowBytesMax { get; init; } = 1024 * 1024;

    /// <summary>A larger request (rows and archive) is rejected before it is sent.</summary>
    public int RequestBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>
    /// How long a failing batch is tried again before its requests are answered Unavailable. Must be shorter than a client's patience.
    /// </summary>
    public TimeSpan RetryLimit { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The same while the node drains: a full disk must not hold up the stop.</summary>
    public TimeSpan DrainRetryLimit { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>First pause between two tries; doubles, with full jitter.</summary>
    public TimeSpan RetryPauseMin { get; init; } = TimeSpan.FromMilliseconds(50);

    public TimeSpan RetryPauseMax { get; init; } = TimeSpan.FromSeconds(2);

    public IEnumerable<string> Problems()
    {
        if (Writers is < 0 or > 64)
            yield return "Backhaul:Journal:Writers must lie between 0 (by store) and 64.";
        if (QueueMax is < 1 or > 1_000_000)
            yield return "Backhaul:Journal:QueueMax must lie between 1 and 1,000,000.";
        if (BatchRowsMax is < 1 or > 100_000)
            yield return "Backhaul:Journal:BatchRowsMax must lie between 1 and 100,000.";
        if (BatchBytesMax < 1)
            yield return "Backhaul:Journal:BatchBytesMax must be positive.";
        if (RowBytesMax < 1024 || RowBytesMax > RequestBytesMax)
            yield return "Backhaul:Journal:RowBytesMax must lie between 1,024 and RequestBytesMax.";
        if (RequestBytesMax > 512 * 1024 * 1024)
            yield return "Backhaul:Journal:RequestBytesMax must be at most 536,870,912.";
        if (RetryPauseMin <= TimeSpan.Zero || RetryPauseMin > RetryPauseMax || RetryPauseMax > RetryLimit)
            yield return "Backhaul:Journal: 0 < RetryPauseMin <= RetryPauseMax <= RetryLimit must hold.";
        if (DrainRetryLimit < TimeSpan.Zero || DrainRetryLimit > RetryLimit)
            yield return "Backhaul:Journal:DrainRetryLimit must lie between 0 and RetryLimit.";
    }
}
