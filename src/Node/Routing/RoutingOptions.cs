namespace Backhaul.Node.Routing;

/// <summary>How commands find their session. Bound from <c>Backhaul:Routing</c>, checked at start by <see cref="Faults"/>.</summary>
internal sealed record RoutingOptions
{
    /// <summary>The first wait before a command is sent again by the node; doubles, with full jitter.</summary>
    public TimeSpan RetryFirst { get; init; } = TimeSpan.FromMilliseconds(50);

    public TimeSpan RetryMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Commands that may wait to be sent again; with more, the caller gets the answer at hand.</summary>
    public int RetriesInFlightMax { get; init; } = 4096;

    /// <summary>Bytes, about, of the commands that wait or are on their way to other nodes; more are told that the node is busy.</summary>
    public long HeldBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>Repetitions to the same owner, as a share of all commands: what may be added to an outage.</summary>
    public double RetryShare { get; init; } = 0.1;

    /// <summary>Repetitions that may be saved up for a bad moment.</summary>
    public int RetryBurst { get; init; } = 100;

    /// <summary>Views that commands ask for are read at most this often.</summary>
    public TimeSpan RefreshMin { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Sentences about what is wrong; none when the options are good.</summary>
    public IEnumerable<string> Faults()
    {
        if (RetryFirst <= TimeSpan.Zero || RetryMax < RetryFirst)
            yield return $"Backhaul:Routing: 0 < RetryFirst <= RetryMax must hold, but they are {RetryFirst} and {RetryMax} (defaults: 50 ms and 2 s).";
        if (RetriesInFlightMax < 0)
            yield return $"Backhaul:Routing:RetriesInFlightMax is {RetriesInFlightMax}; it must not be negative.";
        if (HeldBytesMax < 8 * 1024 * 1024)
            yield return $"Backhaul:Routing:HeldBytesMax is {HeldBytesMax}; it must be at least 8388608, so that the largest command fits.";
        if (RetryShare is < 0 or > 1 || RetryBurst < 1)
            yield return $"Backhaul:Routing: RetryShare must be from 0 to 1 and RetryBurst at least 1, but they are {RetryShare} and {RetryBurst} (defaults: 0.1 and 100).";
        if (RefreshMin < TimeSpan.FromMilliseconds(50) || RefreshMin > TimeSpan.FromSeconds(10))
            yield return $"Backhaul:Routing:RefreshMin is {RefreshMin}; choose 50 ms to 10 s (default 500 ms).";
    }
}
