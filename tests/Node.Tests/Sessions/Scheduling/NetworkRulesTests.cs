using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers.Conditions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions.Scheduling;

public sealed class NetworkRulesTests
{
    [Theory]
    [InlineData("default", "unrestricted", null)]
    [InlineData("default", "metered", null)]
    [InlineData("default", "approachingLimit", null)]
    [InlineData("default", "overLimit", "costedNetwork")]
    [InlineData("default", "roaming", "costedNetwork")]
    [InlineData("unrestrictedOnly", "unrestricted", null)]
    [InlineData("unrestrictedOnly", "metered", "costedNetwork")]
    [InlineData("unrestrictedOnly", "roaming", "costedNetwork")]
    [InlineData("always", "metered", null)]
    [InlineData("always", "overLimit", null)]
    [InlineData("always", "roaming", null)]
    public void A_cost_policy_says_where_bytes_may_cost_something(string policy, string cost, string? reason)
    {
        var terms = StartTerms.Of(new SessionConfiguration { CostPolicy = policy });
        Assert.Equal(reason, NetworkRules.Hold(terms, new NetworkState { Cost = NetworkState.CostOf(cost)!.Value })?.Reason);
    }

    [Fact]
    public void Every_permission_that_is_missing_holds_a_task_back_and_the_sentence_says_which()
    {
        var free = StartTerms.Of(new SessionConfiguration());
        var bound = StartTerms.Of(new SessionConfiguration { AllowsCellularAccess = false, AllowsExpensiveAccess = false, AllowsConstrainedAccess = false, CostPolicy = "always" });
        Check("costedNetwork", "allowsExpensiveAccess", new NetworkState { Cost = NetworkCost.Metered });
        Check("costedNetwork", "allowsCellularAccess", new NetworkState { Cellular = true });
        Check("constrainedNetwork", "allowsConstrainedAccess", new NetworkState { Constrained = true, Why = "holidays" });
        Assert.Null(NetworkRules.Hold(bound, NetworkState.Good));
        Assert.Equal("noNetwork", NetworkRules.Hold(free, new NetworkState { Offline = true })?.Reason);

        void Check(string reason, string names, NetworkState network)
        {
            Assert.Null(NetworkRules.Hold(free, network));
            var hold = NetworkRules.Hold(bound, network)!;
            Assert.Equal(reason, hold.Reason);
            Assert.Contains(names, hold.Why, StringComparison.Ordinal);
            Assert.Contains(network.Why ?? "", hold.Why, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Tasks_of_whatever_terms_are_offered_by_rank_among_those_whose_terms_are_met()
    {
        var random = new Random(5);
        for (var round = 0; round < 200; round++)
        {
            var session = new SessionHarness().Opened();
            Dictionary<TaskId, (CostPolicy Cost, double Priority)> added = [];
            for (var n = random.Next(1, 12); n > 0; n--)
            {
                var (cost, priority) = ((CostPolicy)random.Next(1, 4), random.Next(3) / 2.0);
                var id = session.Add(SessionHarness.Download(url: $"https://h{random.Next(3)}.example/a") with { CostPolicy = cost, Priority = priority });
                added[id] = (cost, priority);
            }
            var shut = (CostPolicy)random.Next(1, 5);
            while (added.Any(task => task.Value.Cost != shut))
            {
                Assert.True(session.Session.Tasks.Ready.TryPeek(100, new HashSet<string>(), out var next, out _, terms => terms.Cost != shut));
                Assert.Equal(added.Where(task => task.Value.Cost != shut).OrderByDescending(task => task.Value.Priority).ThenBy(task => session.Session.Tasks[task.Key].Ordinal).First().Key, next);
                session.Start(next);
                added.Remove(next);
            }
            Assert.False(session.Session.Tasks.Ready.TryPeek(100, new HashSet<string>(), out _, out _, terms => terms.Cost != shut));
            Assert.Equal(added.Count, session.Session.Tasks.Ready.Count);
            session.AssertReplaysEqual();
        }
    }
}
