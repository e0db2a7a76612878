using Backhaul.Node.Transfers.Origins;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Transfers.Origins;

public sealed class ShareDealingTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Everybody_gets_what_he_wants_up_to_an_equal_part_and_the_rest_is_for_those_who_want_more()
    {
        Assert.Equal([2, 4, 4], ShareDealing.Divide(10, [2, 100, 100], 0));
        Assert.Equal([1, 2, 3], ShareDealing.Divide(10, [1, 2, 3], 0));
        Assert.Equal([0, 5, 5], ShareDealing.Divide(10, [0, 9, 5], 0));
        Assert.Equal([0L], ShareDealing.Divide(10, [0], 0));
    }

    [Fact]
    public void What_cannot_be_divided_goes_around()
    {
        var turns = Enumerable.Range(0, 3).Select(turn => ShareDealing.Divide(1, [9, 9, 9], turn)).ToList();
        Assert.All(turns, parts => Assert.Equal(1, parts.Sum()));
        Assert.Equal([1L, 1, 1], Enumerable.Range(0, 3).Select(node => turns.Sum(parts => parts[node])));
    }

    [Fact]
    public void A_deal_gives_nobody_more_than_he_wants_and_leaves_nothing_that_somebody_wants() =>
        Prop.ForAll<int[], int, int>((numbers, limit, turn) =>
        {
            var most = Math.Abs((long)limit) % 1000;
            long[] demands = [.. numbers.Select(number => Math.Abs((long)number) % 300)];
            var parts = ShareDealing.Divide(most, demands, Math.Abs((long)turn));
            Assert.Equal(Math.Min(most, demands.Sum()), parts.Sum());
            for (var i = 0; i < parts.Length; i++)
            {
                Assert.InRange(parts[i], 0, demands[i]);
                for (var k = 0; k < parts.Length; k++)
                    Assert.True(parts[k] <= parts[i] + 1 || parts[i] == demands[i], "Somebody who wants more has less than another.");
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    /// <summary>
    /// Nodes deal in any order, want anything, read an old document (and then write nothing), lose the answer of a write, stop for ever: what they may
    /// use together never exceeds the limit, and at the end, when all want much, nobody has nothing.
    /// </summary>
    [Fact]
    public void What_nodes_may_use_together_never_exceeds_the_limit() =>
        Prop.ForAll<int[]>(steps =>
        {
            var limits = new OriginLimits { ConnectionsMax = 7 };
            var nodes = Enumerable.Range(0, 4).Select(i => new Dealer(new Guid(i + 1, 0, 0, new byte[8]))).ToList();
            var (record, version, now) = (OriginRecord.Empty, 0, Noon);
            foreach (var step in steps)
            {
                var choice = step == int.MinValue ? 0 : Math.Abs(step);
                now += TimeSpan.FromMilliseconds(choice % 4000);
                var node = nodes[choice % nodes.Count];
                if (choice % 5 == 0)
                    node.Read = (record, version, now);
                else
                    Deal(node, choice % 12, losesAnswer: choice % 7 == 0);
                Assert.True(nodes.Sum(each => each.MayUse(now)) <= 7);
            }
            for (var round = 0; round < 40; round++)
            {
                now += TimeSpan.FromSeconds(1);
                var node = nodes[round % nodes.Count];
                node.Read = (record, version, now);
                Deal(node, 100, losesAnswer: false);
                Assert.True(nodes.Sum(each => each.MayUse(now)) <= 7);
            }
            Assert.All(nodes, node => Assert.True(node.MayUse(now) >= 1));
            Assert.InRange(nodes.Sum(node => node.MayUse(now)), 5, 7); // an odd rest may be on its way from one to the next

            void Deal(Dealer node, long wanted, bool losesAnswer)
            {
                var (seen, seenVersion, seenAt) = node.Read;
                var (next, granted) = ShareDealing.Deal(
                    seen, limits, node.Id, new OriginAmounts(wanted, 0, 0), new OriginAmounts(node.MayUse(now), 0, 0), seenAt, TimeSpan.FromSeconds(12));
                if (seenVersion != version)
                    return;
                (record, version) = (next, version + 1);
                if (!losesAnswer)
                    (node.Granted, node.Until) = (granted.Connections, seenAt.AddSeconds(11));
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(400).WithEndSize(150));

    private sealed class Dealer(Guid id)
    {
        public Guid Id { get; } = id;
        public (OriginRecord Record, int Version, DateTimeOffset At) Read { get; set; } = (OriginRecord.Empty, 0, Noon);
        public long Granted { get; set; }
        public DateTimeOffset Until { get; set; }

        public long MayUse(DateTimeOffset now) => Until > now ? Granted : 0;
    }
}
