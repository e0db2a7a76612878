using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Transfers.Conditions;

/// <summary>When discretionary tasks may start on this node.</summary>
internal sealed record DiscretionaryOptions
{
    /// <summary>They start while less than this part of the node's limit of transfers is in use, whoever uses it.</summary>
    public double LoadMax { get; init; } = 0.5;

    /// <summary>They start inside of these only; none: at any time. <c>BytesPerSecondMax</c> means nothing here.</summary>
    public IReadOnlyList<BandwidthRule> Windows { get; init; } = [];

    /// <summary>Whose clock <see cref="Windows"/> means, as UTC or Europe/Berlin.</summary>
    public string TimeZone { get; init; } = "UTC";

    public DailyWindows ReadWindows() =>
        new(Windows, TimeZoneInfo.TryFindSystemTimeZoneById(TimeZone, out var zone) ? zone : TimeZoneInfo.Utc);

    public IEnumerable<string> Problems()
    {
        if (LoadMax is not (> 0 and <= 1))
            yield return $"Discretionary:{nameof(LoadMax)} must be more than 0 and at most 1.";
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(TimeZone, out _))
            yield return $"Discretionary:{nameof(TimeZone)} {TimeZone} is not known here: use UTC or a name such as Europe/Berlin.";
        for (var i = 0; i < Windows.Count; i++)
        {
            if (!Windows[i].TryRead(out _, out _, out _) || Windows[i].BytesPerSecondMax is not null)
                yield return $"Discretionary:{nameof(Windows)}:{i} must have From and To as 07:30, Days (if any) as Mon, and nothing else.";
        }
    }
}
