namespace Backhaul.Node.Hosting;

/// <summary>
/// The upper rungs of the ladder of an orderly stop, bound from <c>Backhaul:Drain</c>. Each limit is shorter than the next, so that
/// whoever is late is cut off by the one above it that knows what to do:
/// <c>child stop 10 s &lt; session 13 s &lt; hand-off 15 s &lt; drain 45 s</c> (Backhaul:Sharding) <c>&lt; shutdown 60 s</c>; a container's grace
/// period (75 s) is the last rung.
/// </summary>
internal sealed record DrainOptions
{
    /// <summary>What is queued for the journal when the sessions have stopped.</summary>
    public TimeSpan Journal { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Open event streams send when to come back, and end.</summary>
    public TimeSpan Streams { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Everything: the drain, and the web servers after it.</summary>
    public TimeSpan Shutdown { get; init; } = TimeSpan.FromSeconds(60);

    public IEnumerable<string> Faults(TimeSpan shards)
    {
        if (Journal <= TimeSpan.Zero || Streams <= TimeSpan.Zero || shards + Journal + Streams >= Shutdown)
        {
            yield return "Backhaul:Drain: Sharding:Drain + Journal + Streams must be shorter than Shutdown, and none of them zero, "
                + $"but they are {shards}, {Journal}, {Streams} and {Shutdown} (defaults: 45, 5, 3 and 60 s).";
        }
    }
}
