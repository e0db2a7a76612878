using Backhaul.Node.Transfers.Conditions;
using Backhaul.Node.Transfers.Origins;
using Xunit;

namespace Backhaul.Node.Tests.Transfers.Conditions;

public sealed class DailyWindowsTests
{
    private static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    [Theory]
    [InlineData("2026-01-05T21:59:00+01:00", false, "2026-01-05T22:00:00+01:00")]
    [InlineData("2026-01-05T22:00:00+01:00", true, null)]
    [InlineData("2026-01-06T05:59:00+01:00", true, null)]
    [InlineData("2026-01-06T06:00:00+01:00", false, "2026-01-06T22:00:00+01:00")]
    [InlineData("2026-01-10T05:00:00+01:00", true, null)] // Friday's night goes on
    [InlineData("2026-01-10T06:00:00+01:00", false, "2026-01-12T22:00:00+01:00")] // none on Saturday and Sunday
    public void A_night_begins_on_its_days_and_the_next_one_is_known(string now, bool isOpen, string? next)
    {
        var windows = new DailyWindows([new BandwidthRule { From = "22:00", To = "06:00", Days = ["Mon", "Tue", "Wed", "Thu", "Fri"] }], Berlin);
        var at = DateTimeOffset.Parse(now, System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(isOpen, windows.IsOpen(at));
        if (next is not null)
            Assert.Equal(DateTimeOffset.Parse(next, System.Globalization.CultureInfo.InvariantCulture), windows.NextAfter(at));
    }

    [Fact]
    public void An_hour_that_summer_time_leaves_out_begins_when_the_clock_goes_on()
    {
        var windows = new DailyWindows([new BandwidthRule { From = "02:30", To = "04:00" }], Berlin);
        var night = new DateTimeOffset(2026, 3, 29, 0, 0, 0, TimeSpan.FromHours(1));
        Assert.Equal(new DateTimeOffset(2026, 3, 29, 3, 0, 0, TimeSpan.FromHours(2)), windows.NextAfter(night));
    }

    [Fact]
    public void The_next_window_is_open_when_it_begins_and_none_lies_before_it()
    {
        var random = new Random(7);
        for (var round = 0; round < 200; round++)
        {
            var rules = Enumerable.Range(0, random.Next(1, 4)).Select(_ => new BandwidthRule
            {
                From = $"{random.Next(24):00}:{random.Next(4) * 15:00}",
                To = $"{random.Next(24):00}:{random.Next(4) * 15:00}",
                Days = random.Next(2) == 0 ? [] : [((DayOfWeek)random.Next(7)).ToString()],
            }).ToList();
            var windows = new DailyWindows(rules, Berlin);
            var now = new DateTimeOffset(2026, 6, 1, 0, 0, 0, TimeSpan.Zero).AddMinutes(random.Next(7 * 24 * 60));
            if (windows.IsOpen(now))
                continue;
            var next = windows.NextAfter(now);
            Assert.True(windows.IsOpen(next));
            for (var at = now; at < next; at = at.AddMinutes(5))
                Assert.False(windows.IsOpen(at), $"{at:u} is open, before {next:u}");
        }
    }

    [Fact]
    public void Without_a_window_every_moment_lies_inside()
    {
        Assert.True(DailyWindows.Always.IsOpen(DateTimeOffset.UnixEpoch));
    }

    [Fact]
    public void Wrong_options_are_sentences()
    {
        var options = new DiscretionaryOptions { LoadMax = 0, TimeZone = "Nowhere", Windows = [new BandwidthRule { From = "24:00" }] };
        Assert.Equal(3, options.Problems().Count());
        Assert.Empty(new DiscretionaryOptions().Problems());
    }
}
