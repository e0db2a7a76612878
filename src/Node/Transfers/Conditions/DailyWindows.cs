using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Transfers.Conditions;

/// <summary>
/// Windows of time by the clock on the wall, as the table of bandwidth has them. Pure. When none is configured every moment lies inside.
/// </summary>
internal sealed class DailyWindows
{
    /// <summary>A window begins on each of its weekdays, so within eight days.</summary>
    private const int DaysAhead = 8;

    private readonly BandwidthTable? _table;
    private readonly IReadOnlyList<TimeOnly> _begins;
    private readonly TimeZoneInfo _zone;

    /// <param name="windows">Rows that were checked when they were read.</param>
    /// <param name="zone">Whose clock the rows mean.</param>
    public DailyWindows(IReadOnlyList<BandwidthRule> windows, TimeZoneInfo zone)
    {
        _zone = zone;
        _table = windows.Count == 0 ? null : new BandwidthTable(windows.Select(window => window with { BytesPerSecondMax = 1 }), zone, 0);
        _begins = [.. windows.Select(window => window.TryRead(out var from, out _, out _) ? from : default).Distinct().Order()];
    }

    public static DailyWindows Always { get; } = new([], TimeZoneInfo.Utc);

    public bool IsOpen(DateTimeOffset now) => _table is null || _table.At(now) == 1;

    /// <summary>When the next one begins, for a moment outside of all.</summary>
    public DateTimeOffset NextAfter(DateTimeOffset now)
    {
        var today = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(now, _zone).DateTime);
        for (var day = 0; day <= DaysAhead; day++)
        {
            foreach (var begin in _begins)
            {
                var at = At(today.AddDays(day), begin);
                if (at > now && IsOpen(at))
                    return at;
            }
        }
        return now.AddDays(1); // it is looked at again then
    }

    /// <summary>The moment that a clock in the zone shows this. One that it leaves out comes when it goes on.</summary>
    private DateTimeOffset At(DateOnly day, TimeOnly time)
    {
        var local = day.ToDateTime(time);
        while (_zone.IsInvalidTime(local))
            local = local.AddMinutes(15);
        return new DateTimeOffset(local, _zone.GetUtcOffset(local)).ToUniversalTime();
    }
}
