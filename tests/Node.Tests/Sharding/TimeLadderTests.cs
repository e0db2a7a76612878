using Backhaul.Node.Sharding;
using Backhaul.Node.Sharding.Membership;
using Xunit;

namespace Backhaul.Node.Tests.Sharding;

public sealed class TimeLadderTests
{
    private static readonly LeaseTerms Terms = new(TimeSpan.FromSeconds(15)); // trusted for 13 s

    [Theory]
    [InlineData(null, null, 0)]
    [InlineData(5.0, 2.0, 0)]
    [InlineData(12.999, 12.999, 0)]
    [InlineData(13.0, 2.0, 1)]
    [InlineData(5.0, 13.0, 1)]
    [InlineData(60.0, 60.0, 2)]
    public void What_outlasts_the_trust_is_named(double? append, double? claim, int faults)
    {
        var ladder = new TimeLadder { AppendStatement = Seconds(append), ClaimWait = Seconds(claim) };
        Assert.Equal(faults, ladder.Faults(Terms).Count());
        if (faults == 0)
            ladder.Check(Terms);
        else
            Assert.Contains("Backhaul:Store:Postgres:", Assert.Throws<LadderException>(() => ladder.Check(Terms)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_shortest_lease_with_the_default_append_is_refused_and_the_sentence_has_the_figures()
    {
        var ladder = new TimeLadder { AppendStatement = TimeSpan.FromSeconds(5) };
        var fault = Assert.Single(ladder.Faults(new LeaseTerms(TimeSpan.FromSeconds(5))));
        Assert.Contains("AppendTimeout is 5 s", fault, StringComparison.Ordinal);
        Assert.Contains("4.333 s", fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(15)]
    [InlineData(600)]
    public void The_rungs_of_a_lease_follow_each_other(int seconds)
    {
        var terms = new LeaseTerms(TimeSpan.FromSeconds(seconds));
        TimeSpan[] rungs = [terms.Look, terms.AttemptMax, terms.Heartbeat, terms.BreakAfter, terms.SuspectBelow, terms.Trust, terms.Lease];
        Assert.Equal(rungs.Order(), rungs);
        Assert.Equal(rungs.Distinct(), rungs);
    }

    private static TimeSpan? Seconds(double? value) => value is { } given ? TimeSpan.FromSeconds(given) : null;
}
