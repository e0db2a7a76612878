using Backhaul.Node.Transfers.Origins;
using Xunit;

namespace Backhaul.Node.Tests.Transfers.Origins;

public sealed class BandwidthTableTests
{
    private static readonly BandwidthRule[] Rules =
    [
        new() { From = "22:00", To = "06:00", Days = ["Fri"], BytesPerSecondMax = 1 },
        new() { From = "08:00", To = "18:00", Days = ["Mon", "tuesday"], BytesPerSecondMax = 2 },
        new() { From = "12:00", To = "12:30", BytesPerSecondMax = null },
    ];

    [Theory]
    [InlineData("2026-11-27T22:00:00Z", 1L)] // a Friday
    [InlineData("2026-11-28T05:59:59Z", 1L)]
    [InlineData("2026-11-28T06:00:00Z", 9L)]
    [InlineData("2026-11-29T05:00:00Z", 9L)] // what began on a Saturday is no row
    [InlineData("2026-11-30T08:00:00Z", 2L)]
    [InlineData("2026-12-01T17:59:59Z", 2L)]
    [InlineData("2026-12-02T17:59:59Z", 9L)]
    [InlineData("2026-12-02T12:15:00Z", null)]
    public void The_first_row_that_the_moment_lies_in_decides(string at, long? most) =>
        Assert.Equal(most, new BandwidthTable(Rules, TimeZoneInfo.Utc, 9).At(DateTimeOffset.Parse(at, System.Globalization.CultureInfo.InvariantCulture)));

    [Fact]
    public void The_rows_mean_the_clock_of_their_zone()
    {
        var table = new BandwidthTable([new() { From = "08:00", To = "09:00", BytesPerSecondMax = 5 }], TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin"), null);
        Assert.Equal(5, table.At(new DateTimeOffset(2026, 7, 1, 6, 30, 0, TimeSpan.Zero))); // summer
        Assert.Null(table.At(new DateTimeOffset(2026, 12, 1, 6, 30, 0, TimeSpan.Zero)));
        Assert.Equal(5, table.At(new DateTimeOffset(2026, 12, 1, 7, 30, 0, TimeSpan.Zero)));
    }

    [Theory]
    [InlineData("7:00", "08:00", "Mon")]
    [InlineData("07:00", "24:00", "Mon")]
    [InlineData("07:00", "08:00", "Someday")]
    public void What_is_no_row_is_not_read(string from, string to, string day) =>
        Assert.False(new BandwidthRule { From = from, To = to, Days = [day] }.TryRead(out _, out _, out _));
}
