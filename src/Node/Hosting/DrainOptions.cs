namespace Backhaul.Node.Hosting;

/// <summary>
/// The ladder of an orderly stop, bound from <c>Backhaul:Drain</c>: each limit is shorter than the next, so that whoever is late is cut
/// off by the one above it that knows what to do, and not by the one above that. A container's grace period (75 s) is the last rung.
/// </summary>
internal sealed record DrainOptions
{
    /// <summary>A running transfer reaches its checkpoint.</summary>
    public TimeSpan ChildStop { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>All sessions of a shard stop.</summary>
    public TimeSpan HandOff { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The whole drain.</summary>
    public TimeSpan Total { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>The drain, and the web servers after it.</summary>
    public TimeSpan Shutdown { get; init; } = TimeSpan.FromSeconds(60);

    public IEnumerable<string> Faults()
    {
        if (ChildStop <= TimeSpan.Zero || ChildStop >= HandOff || HandOff >= Total || Total >= Shutdown)
        {
            yield return "Backhaul:Drain: 0 < ChildStop < HandOff < Total < Shutdown must hold, "
                + $"but they are {ChildStop}, {HandOff}, {Total} and {Shutdown} (defaults: 10, 15, 45 and 60 s).";
        }
    }
}
