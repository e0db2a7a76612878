using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Sessions.Launching;

public sealed class LaunchLimiterTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void The_delay_doubles_from_a_minute_to_four_hours()
    {
        var limiter = LaunchLimiter.Rested;
        var at = Start;
        List<double> minutes = [];
        for (var i = 0; i < 12; i++)
        {
            limiter = limiter.Launched(limiter.LevelFor(Start), at);
            minutes.Add((limiter.Until - at).TotalMinutes);
            at = limiter.NextAt(Start, budget: null); // the need stands all the while
            Assert.Equal(limiter.Until, at);
        }
        Assert.Equal([1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240, 240], minutes);
    }

    [Fact]
    public void A_delay_that_passes_without_a_need_finds_it_rested()
    {
        var limiter = LaunchLimiter.Rested.Launched(3, Start);
        var later = Start.AddMinutes(10);
        Assert.Equal((1, later), (limiter.LevelFor(later), limiter.NextAt(later, null)));
        var within = Start.AddMinutes(3);
        Assert.Equal((4, limiter.Until), (limiter.LevelFor(within), limiter.NextAt(within, null)));
        Assert.Equal((1, within), (limiter.Rest().LevelFor(within), limiter.Rest().NextAt(within, null)));
    }

    [Fact]
    public void However_launches_are_needed_a_budget_is_never_exceeded() =>
        Prop.ForAll<int[], int, int>((steps, hour, minutes) =>
        {
            var budget = new LaunchLimitConfiguration { PerHour = 1 + Math.Abs(hour % 6), MinimumSpacing = TimeSpan.FromMinutes(Math.Abs(minutes % 30)) };
            var (limiter, now) = (LaunchLimiter.Rested, Start);
            List<DateTimeOffset> launches = [];
            foreach (var step in steps)
            {
                var since = now.AddSeconds(Math.Abs(step % 10_000));
                if (step % 5 == 0)
                    limiter = limiter.Rest(); // a client came by itself: the budget stands
                now = limiter.NextAt(since, budget);
                Assert.True(now >= since);
                limiter = limiter.Launched(limiter.LevelFor(since), now);
                launches.Add(now);
            }
            for (var i = 1; i < launches.Count; i++)
                Assert.True(launches[i] - launches[i - 1] >= budget.MinimumSpacing);
            for (var i = 0; i + budget.PerHour < launches.Count; i++)
                Assert.True(launches[i + budget.PerHour!.Value] - launches[i] >= TimeSpan.FromHours(1));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void What_is_remembered_is_bounded()
    {
        var limiter = LaunchLimiter.Rested;
        for (var i = 0; i < 1_000; i++)
            limiter = limiter.Rest().Launched(1, Start.AddSeconds(i));
        Assert.Equal(LaunchLimiter.PerHourMax, limiter.Recent.Count);
    }
}
