using Backhaul.Node.Transfers.Origins;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Transfers.Origins;

public sealed class ByteBucketTests
{
    [Fact]
    public void Without_a_limit_everything_passes_at_once()
    {
        var bucket = new ByteBucket();
        for (var i = 0; i < 10; i++)
            Assert.Equal(TimeSpan.Zero, bucket.Wait(bucket.Take(1e9, TimeSpan.Zero), TimeSpan.Zero));
    }

    [Fact]
    public void A_limit_that_is_raised_is_felt_by_those_who_wait_already()
    {
        var bucket = new ByteBucket();
        bucket.SetRate(1000, TimeSpan.Zero);
        bucket.Take(100_000, TimeSpan.Zero);
        var ticket = bucket.Take(1, TimeSpan.Zero);
        Assert.InRange(bucket.Wait(ticket, TimeSpan.Zero)!.Value.TotalSeconds, 99, 100.1);
        bucket.SetRate(100_000, TimeSpan.FromSeconds(10));
        Assert.InRange(bucket.Wait(ticket, TimeSpan.FromSeconds(10))!.Value.TotalSeconds, 0.89, 0.91);
        bucket.SetRate(0, TimeSpan.FromSeconds(10.5));
        Assert.Null(bucket.Wait(ticket, TimeSpan.FromSeconds(100)));
        bucket.SetRate(null, TimeSpan.FromSeconds(100));
        Assert.Equal(TimeSpan.Zero, bucket.Wait(ticket, TimeSpan.FromSeconds(100)));
    }

    /// <summary>Takers come when they like, each as soon as its ticket may pass: what passes is the rate's, and the burst's, and no more.</summary>
    [Fact]
    public void No_more_passes_than_the_rate_and_a_burst() =>
        Prop.ForAll<int[]>(steps =>
        {
            var bucket = new ByteBucket();
            const double rate = 10_000;
            bucket.SetRate(rate, TimeSpan.Zero);
            var (now, passed) = (TimeSpan.Zero, 0.0);
            foreach (var step in steps)
            {
                var choice = step == int.MinValue ? 0 : Math.Abs(step);
                now += TimeSpan.FromMilliseconds(choice % 50);
                var amount = 1 + (choice % 3000);
                now += bucket.Wait(bucket.Take(amount, now), now)!.Value;
                Assert.True(passed <= (rate * (now.TotalSeconds + 0.251)) + 1, $"{passed} by {now}");
                passed += amount;
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(2000));
}
