using System.Globalization;

namespace Backhaul.Node.Transfers.Origins;

/// <summary>One row of the node's table of bandwidth by time of day.</summary>
internal sealed record BandwidthRule
{
    /// <summary>As 07:30, in the table's time zone.</summary>
    public string From { get; init; } = "00:00";

    /// <summary>Not included. At or before <see cref="From"/>: it ends on the next day.</summary>
    public string To { get; init; } = "00:00";

    /// <summary>The days on which it begins, as Mon; none: every day.</summary>
    public IReadOnlyList<string> Days { get; init; } = [];

    public long? BytesPerSecondMax { get; init; }

    public bool TryRead(out TimeOnly from, out TimeOnly to, out IReadOnlyList<DayOfWeek> days)
    {
        to = default;
        days = [.. Days.Select(DayOf).OfType<DayOfWeek>()];
        return TimeOnly.TryParseExact(From, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out from)
            && TimeOnly.TryParseExact(To, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out to)
            && days.Count == Days.Count;
    }

    private static DayOfWeek? DayOf(string name)
    {
        foreach (var day in Enum.GetValues<DayOfWeek>())
        {
            if (name.Length >= 3 && day.ToString().StartsWith(name, StringComparison.OrdinalIgnoreCase))
                return day;
        }
        return null;
    }
}
