namespace Backhaul.Protocol;

/// <summary>Events to push again: those of them that are still kept.</summary>
public sealed record ReplayRequest
{
    /// <summary>The number of the first.</summary>
    public long? From { get; init; }

    /// <summary>The number of the last; the newest one when it is left out.</summary>
    public long? Through { get; init; }
}
