using Backhaul.Node.Journal;
using Backhaul.Node.Sharding;
using Backhaul.Node.Sharding.Membership;
using Xunit;

namespace Backhaul.Node.Tests.Sharding;

public sealed class DeathWatchTests
{
    private static readonly LeaseTerms Terms = new(TimeSpan.FromSeconds(15));
    private static readonly NodeId Self = new(new Guid(1, 0, 0, new byte[8]));
    private static readonly NodeId Other = new(new Guid(2, 0, 0, new byte[8]));

    private readonly DeathWatch _watch = new(Self, Terms);

    [Fact]
    public void One_sighting_proves_nothing_and_two_at_once_are_one()
    {
        Assert.Empty(Observe(-3, at: 100));
        Assert.Empty(Observe(-3.1, at: 100.1));
        Assert.Single(Observe(-4, at: 101));
    }

    [Fact]
    public void A_judge_that_was_not_well_for_a_whole_lease_judges_nobody()
    {
        Observe(-3, at: 100, unbroken: 14);
        Assert.Empty(Observe(-4, at: 101, unbroken: 14.9));
        Assert.Single(Observe(-5, at: 102, unbroken: 15));
    }

    [Fact]
    public void Who_came_back_must_be_seen_twice_again()
    {
        Observe(-3, at: 100);
        Assert.Empty(Observe(14, at: 101));
        Assert.Empty(Observe(-2, at: 117));
        Assert.Single(Observe(-3, at: 118));
    }

    [Fact]
    public void Nobody_judges_itself_or_those_who_are_gone()
    {
        for (var look = 0; look < 3; look++)
        {
            var view = View(new Member(Self, "a", "", "", MemberState.Active, TimeSpan.FromSeconds(-9)), new Member(Other, "b", "", "", MemberState.Dead, TimeSpan.FromSeconds(-9)));
            Assert.Empty(_watch.Observe(view, TimeSpan.FromSeconds(look), TimeSpan.FromHours(1)));
        }
    }

    [Theory]
    [InlineData(14.0, null)]
    [InlineData(9.5, null)]
    [InlineData(5.0, 5.005)]
    [InlineData(-0.5, 1.0)]
    public void It_looks_again_when_a_lease_is_about_to_end(double left, double? expected) =>
        Assert.Equal(expected, _watch.NextLook(View(Overdue(left)))?.TotalSeconds);

    [Fact]
    public void The_budget_of_claims_doubles_and_then_does_not_matter()
    {
        var budget = new ClaimBudget(4, TimeSpan.FromSeconds(1));
        Assert.Equal(4, budget.Left(TimeSpan.Zero));
        budget.Use(4);
        Assert.Equal(0, budget.Left(TimeSpan.FromSeconds(0.9)));
        Assert.Equal(TimeSpan.FromSeconds(0.1), budget.NextAfter(TimeSpan.FromSeconds(0.9)));
        Assert.Equal(8, budget.Left(TimeSpan.FromSeconds(1)));
        Assert.Equal(16, budget.Left(TimeSpan.FromSeconds(2.5)));
        Assert.Equal(int.MaxValue, budget.Left(TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public void What_the_table_says_and_what_runs_are_made_the_same()
    {
        ShardVerdict Of(ShardPhase phase, long? held, NodeId? owner, long epoch) => ShardReview.Of(new ShardOwner(0, epoch, owner, 0), Self, phase, held);

        Assert.Equal(ShardVerdict.InOrder, Of(ShardPhase.Open, 5, Self, 5));
        Assert.Equal(ShardVerdict.InOrder, Of(ShardPhase.NotOwned, null, Other, 5));
        Assert.Equal(ShardVerdict.InOrder, Of(ShardPhase.Closed, null, null, 5));
        Assert.Equal(ShardVerdict.Adopt, Of(ShardPhase.Closed, null, Self, 5));
        Assert.Equal(ShardVerdict.Drop, Of(ShardPhase.Open, 5, Other, 6));
        Assert.Equal(ShardVerdict.Drop, Of(ShardPhase.Suspended, 5, null, 6));
        Assert.Equal(ShardVerdict.Reacquired, Of(ShardPhase.Suspended, 5, Self, 6));
        Assert.Equal(ShardVerdict.Drop, Of(ShardPhase.Open, 6, Self, 5)); // a store that was set back
        Assert.Equal(ShardVerdict.InOrder, Of(ShardPhase.Acquiring, null, Self, 5));
        Assert.Equal(ShardVerdict.InOrder, Of(ShardPhase.Closing, 5, null, 6));
    }

    private IReadOnlyList<Member> Observe(double leaseLeft, double at, double unbroken = 60) =>
        _watch.Observe(View(Overdue(leaseLeft)), TimeSpan.FromSeconds(at), TimeSpan.FromSeconds(unbroken));

    private static Member Overdue(double leaseLeft) => new(Other, "b", "", "", MemberState.Active, TimeSpan.FromSeconds(leaseLeft));

    private static ClusterView View(params Member[] members) => new(1, members, []);
}
