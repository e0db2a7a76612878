using Backhaul.Node.Routing;
using Xunit;

namespace Backhaul.Node.Tests.Routing;

public sealed class RetryPolicyTests
{
    private static readonly RoutingOptions Options = new();
    private static readonly TimeSpan Plenty = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(TryResult.Acquiring, false, true, true, false)]
    [InlineData(TryResult.Moving, false, true, true, true)]
    [InlineData(TryResult.Suspended, false, true, true, false)]
    [InlineData(TryResult.Full, false, false, true, false)]
    [InlineData(TryResult.Crashed, true, true, true, false)]
    [InlineData(TryResult.Crashed, false, false, false, false)]
    [InlineData(TryResult.NotOwned, false, false, true, true)]
    [InlineData(TryResult.NotSent, false, true, true, true)]
    [InlineData(TryResult.Unknown, true, true, true, true)]
    [InlineData(TryResult.Unknown, false, false, false, false)]
    [InlineData(TryResult.NotAccepted, false, true, true, true)]
    [InlineData(TryResult.Final, true, false, false, false)]
    internal void The_table_of_answers_holds(TryResult result, bool mayRepeat, bool againAlone, bool againInCluster, bool refreshes)
    {
        Assert.Equal(againAlone, Next(result, mayRepeat, isAlone: true) is not null);
        var step = Next(result, mayRepeat, isAlone: false);
        Assert.Equal(againInCluster, step is not null);
        Assert.Equal(refreshes, step?.Refresh ?? false);
    }

    [Fact]
    public void Three_redirections_are_followed_at_once_and_the_fourth_waits_for_a_newer_view()
    {
        for (var redirects = 1; redirects <= 3; redirects++)
            Assert.Equal(new RetryStep(TimeSpan.Zero, false), Next(TryResult.Redirected, redirects: redirects));
        var fourth = Next(TryResult.Redirected, redirects: 4, attempt: 4)!.Value;
        Assert.True(fourth.Refresh);
        Assert.True(fourth.Wait > TimeSpan.Zero);
    }

    [Fact]
    public void The_wait_doubles_with_full_jitter_is_capped_and_never_passes_the_deadline()
    {
        Assert.Equal(50, Ceiling(1), 1);
        Assert.Equal(100, Ceiling(2), 1);
        Assert.Equal(1600, Ceiling(6), 1);
        Assert.Equal(2000, Ceiling(7), 1);
        Assert.Equal(2000, Ceiling(1000), 1);
        Assert.Equal(TimeSpan.Zero, Next(TryResult.Moving, attempt: 5, unit: 0)!.Value.Wait);
        Assert.Null(RetryPolicy.Next(TryResult.Moving, TimeSpan.FromMilliseconds(200), 1, 0, TimeSpan.FromMilliseconds(200), true, false, 0, Options));
        Assert.Null(RetryPolicy.Next(TryResult.Redirected, TimeSpan.Zero, 1, 1, TimeSpan.Zero, true, false, 0, Options));

        static double Ceiling(int attempt) => Next(TryResult.Moving, attempt: attempt, unit: 0.99999)!.Value.Wait.TotalMilliseconds;
    }

    [Fact]
    public void What_was_asked_for_is_waited_at_least_but_not_longer_than_the_longest_wait()
    {
        Assert.Equal(TimeSpan.FromSeconds(1), Wait(TimeSpan.FromSeconds(1)));
        Assert.Equal(Options.RetryMax, Wait(TimeSpan.FromMinutes(5)));

        static TimeSpan Wait(TimeSpan retryAfter) =>
            RetryPolicy.Next(TryResult.Moving, retryAfter, 1, 0, Plenty, true, false, 0, Options)!.Value.Wait;
    }

    [Fact]
    public void A_full_owner_is_waited_for_longer() =>
        Assert.True(Next(TryResult.Full, unit: 0.5)!.Value.Wait > Next(TryResult.Moving, unit: 0.5)!.Value.Wait);

    [Fact]
    public void Repetitions_are_a_tenth_of_the_commands_once_the_savings_are_spent()
    {
        var budget = new RetryBudget(0.1, 20, 0);
        var (first, spent) = (Spend(100), 0);
        Assert.Equal(20, first);
        for (var command = 0; command < 1000; command++)
        {
            budget.Earn();
            spent += Spend(1);
        }
        Assert.InRange(spent, 99, 100);

        int Spend(int tries) => Enumerable.Range(0, tries).Count(_ => budget.TrySpend(TimeSpan.Zero));
    }

    [Fact]
    public void A_quiet_node_may_repeat_once_a_second_and_savings_have_a_limit()
    {
        var budget = new RetryBudget(0.1, 2, 1);
        Assert.True(budget.TrySpend(TimeSpan.Zero));
        Assert.True(budget.TrySpend(TimeSpan.Zero));
        Assert.False(budget.TrySpend(TimeSpan.FromMilliseconds(500)));
        Assert.True(budget.TrySpend(TimeSpan.FromMilliseconds(1100)));
        Assert.True(budget.TrySpend(TimeSpan.FromHours(1)));
        Assert.True(budget.TrySpend(TimeSpan.FromHours(1)));
        Assert.False(budget.TrySpend(TimeSpan.FromHours(1)));
    }

    private static RetryStep? Next(
        TryResult result, bool mayRepeat = true, bool isAlone = false, int attempt = 1, int redirects = 0, double unit = 0.5) =>
        RetryPolicy.Next(result, TimeSpan.Zero, attempt, redirects, Plenty, mayRepeat, isAlone, unit, Options);
}
