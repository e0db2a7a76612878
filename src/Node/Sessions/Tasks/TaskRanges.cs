using Backhaul.Node.Files;

namespace Backhaul.Node.Sessions;

/// <summary>What clients asked and were told about the ranges of a download with random access. Persisted.</summary>
internal sealed record TaskRanges
{
    /// <summary>More than these at once are not wishes any more.</summary>
    public const int WantedMax = 1024;

    /// <summary>Asked for; ranges that are there have left.</summary>
    public RangeSet Wanted { get; init; } = RangeSet.Empty;

    /// <summary>Told by events so far.</summary>
    public RangeSet Announced { get; init; } = RangeSet.Empty;

    /// <summary>Events are held back until then.</summary>
    public DateTimeOffset? DeferredUntil { get; init; }
}
