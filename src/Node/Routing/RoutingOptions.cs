namespace Backhaul.Node.Routing;

/// <summary>How commands find their session. Bound from <c>Backhaul:Routing</c>, checked at start by <see cref="Faults"/>.</summary>
internal sealed record RoutingOptions
{
    /// <summary>The first wait before a command is sent again inside the node; doubles, with full jitter.</summary>
    public TimeSpan RetryFirst { get; init; } = TimeSpan.FromMilliseconds(50);

    public TimeSpan RetryMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Commands that may wait to be sent again; with more, the caller gets the answer at hand.</summary>
    public int RetriesInFlightMax { get; init; } = 4096;

    /// <summary>Sentences about what is wrong; none when the options are good.</summary>
    public IEnumerable<string> Faults()
    {
        if (RetryFirst <= TimeSpan.Zero || RetryMax < RetryFirst)
            yield return $"Backhaul:Routing: 0 < RetryFirst <= RetryMax must hold, but they are {RetryFirst} and {RetryMax} (defaults: 50 ms and 2 s).";
        if (RetriesInFlightMax < 0)
            yield return $"Backhaul:Routing:RetriesInFlightMax is {RetriesInFlightMax}; it must not be negative.";
    }
}
