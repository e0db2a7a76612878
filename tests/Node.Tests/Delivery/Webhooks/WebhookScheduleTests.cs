using Backhaul.Node.Delivery;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Delivery.Webhooks;

public sealed class WebhookScheduleTests
{
    [Fact]
    public void Ten_attempts_go_out_over_about_75_hours()
    {
        TimeSpan?[] waits = [.. Enumerable.Range(1, 10).Select(made => WebhookSchedule.WaitAfter(made, null, 0.5))];
        Assert.Equal(
            [
                TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5),
                TimeSpan.FromHours(10), TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24), null,
            ],
            waits);
        Assert.InRange(waits.Sum(wait => wait?.TotalHours ?? 0), 75, 76);
        Assert.Equal(10, WebhookSchedule.AttemptsMax);
    }

    [Fact]
    public void Waits_are_spread_by_a_tenth_and_never_below_what_the_receiver_asked_for() =>
        Prop.ForAll<int, int, int>((made, asked, chance) =>
        {
            var (attempt, unit) = (1 + (Math.Abs(made % 9)), Math.Abs(chance % 1000) / 1000.0);
            var retryAfter = TimeSpan.FromSeconds(Math.Abs(asked % 100_000));
            var plain = WebhookSchedule.WaitAfter(attempt, null, 0.5)!.Value;
            var wait = WebhookSchedule.WaitAfter(attempt, null, unit)!.Value;
            Assert.InRange(wait / plain, 0.9, 1.1);
            Assert.Equal(retryAfter > wait ? retryAfter : wait, WebhookSchedule.WaitAfter(attempt, retryAfter, unit));
        }).Check(Config.QuickThrowOnFailure);
}
