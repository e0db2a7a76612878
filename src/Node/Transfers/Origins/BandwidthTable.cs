namespace Backhaul.Node.Transfers.Origins;

/// <summary>
/// The node's bandwidth by the time of day: the first row that the moment lies in decides, and outside of all rows the node's own limit. Pure. A
/// day's clock may jump (summer time): rows are looked up by the clock on the wall, so a row follows the jump.
/// </summary>
internal sealed class BandwidthTable
{
    private readonly List<(TimeOnly From, TimeOnly To, IReadOnlyList<DayOfWeek> Days, long? Max)> _rows = [];
    private readonly TimeZoneInfo _zone;
    private readonly long? _otherwise;

    /// <param name="rules">Rows that were checked when they were read.</param>
    /// <param name="zone">Whose clock the rows mean.</param>
    /// <param name="otherwise">Outside of all rows.</param>
    public BandwidthTable(IEnumerable<BandwidthRule> rules, TimeZoneInfo zone, long? otherwise)
    {
        (_zone, _otherwise) = (zone, otherwise);
        foreach (var rule in rules)
        {
            if (rule.TryRead(out var from, out var to, out var days))
                _rows.Add((from, to, days, rule.BytesPerSecondMax));
        }
    }

    public bool IsEmpty => _rows.Count == 0;

    public long? At(DateTimeOffset now)
    {
        var local = TimeZoneInfo.ConvertTime(now, _zone);
        var (time, day) = (TimeOnly.FromTimeSpan(local.TimeOfDay), local.DayOfWeek);
        foreach (var (from, to, days, max) in _rows)
        {
            var began = from < to
                ? time >= from && time < to ? day : (DayOfWeek?)null
                : time >= from ? day : time < to ? (DayOfWeek)(((int)day + 6) % 7) : null;
            if (began is { } on && (days.Count == 0 || days.Contains(on)))
                return max;
        }
        return _otherwise;
    }
}
