using Backhaul.Node.Journal;
using Backhaul.Node.Sharding;
using Backhaul.Node.Sharding.Membership;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Sharding;

public sealed class ShardPlanTests
{
    private static readonly Config Many = Config.QuickThrowOnFailure.WithMaxTest(1000);

    [Fact]
    public void The_same_view_gives_the_same_plan_in_whatever_order_it_was_read() => Check.One(Many, Prop.ForAll(Views(), view =>
    {
        var plan = ShardPlan.Compute(view);
        var again = ShardPlan.Compute(view with { Members = [.. view.Members.Reverse()], Shards = [.. view.Shards.Reverse()] });
        Assert.All(view.Shards, shard => Assert.Equal(plan.OwnerOf(shard.ShardId), again.OwnerOf(shard.ShardId)));
    }));

    [Fact]
    public void Every_shard_goes_to_an_active_node_and_their_numbers_differ_by_one_at_most() => Check.One(Many, Prop.ForAll(Views(), view =>
    {
        var plan = ShardPlan.Compute(view);
        var active = Active(view);
        if (active.Count == 0)
        {
            Assert.All(view.Shards, shard => Assert.Null(plan.OwnerOf(shard.ShardId)));
            return;
        }
        var counts = active.Select(node => view.Shards.Count(shard => plan.OwnerOf(shard.ShardId) == node)).ToList();
        Assert.Equal(view.Shards.Count, counts.Sum());
        Assert.InRange(counts.Max() - counts.Min(), 0, 1);
    }));

    [Fact]
    public void No_balanced_plan_moves_fewer_shards() => Check.One(Many, Prop.ForAll(Views(), view =>
    {
        var active = Active(view);
        if (active.Count == 0)
            return;
        var plan = ShardPlan.Compute(view);
        var moved = view.Shards.Count(shard => shard.Owner is { } owner && active.Contains(owner) && plan.OwnerOf(shard.ShardId) != owner);
        var (floor, extra) = Math.DivRem(view.Shards.Count, active.Count);
        // each node keeps what it has up to its quota; the larger quotas are best given to those that have most
        var least = active.Select(node => view.Shards.Count(shard => shard.Owner == node)).OrderDescending()
            .Select((held, place) => Math.Max(0, held - floor - (place < extra ? 1 : 0))).Sum();
        Assert.Equal(least, moved);
    }));

    [Fact]
    public void The_plan_of_a_planned_state_is_that_state_and_so_it_is_half_way_there() => Check.One(Many, Prop.ForAll(Views(), view =>
    {
        var plan = ShardPlan.Compute(view);
        if (Active(view).Count == 0)
            return;
        var done = view with { Shards = [.. view.Shards.Select(shard => shard with { Owner = plan.OwnerOf(shard.ShardId) })] };
        var after = ShardPlan.Compute(done);
        Assert.All(done.Shards, shard => Assert.Equal(shard.Owner, after.OwnerOf(shard.ShardId)));

        // shards that are on their way, given back and not claimed yet, do not make others move
        var freed = view with { Shards = [.. view.Shards.Select(shard => plan.OwnerOf(shard.ShardId) == shard.Owner ? shard : shard with { Owner = null })] };
        var between = ShardPlan.Compute(freed);
        Assert.All(freed.Shards.Where(shard => shard.Owner is not null), shard => Assert.Equal(shard.Owner, between.OwnerOf(shard.ShardId)));
    }));

    [Fact]
    public void A_node_that_joins_moves_only_its_share_and_one_that_dies_only_what_it_had()
    {
        var nodes = Enumerable.Range(1, 4).Select(Node).ToList();
        var three = View(nodes[..3], Enumerable.Range(0, 256).Select(shard => (NodeId?)nodes[shard % 3]));
        var plan = ShardPlan.Compute(View(nodes, three.Shards.Select(shard => shard.Owner)));
        Assert.Equal(64, three.Shards.Count(shard => plan.OwnerOf(shard.ShardId) != shard.Owner));
        Assert.All(three.Shards.Where(shard => plan.OwnerOf(shard.ShardId) != shard.Owner), shard => Assert.Equal(nodes[3], plan.OwnerOf(shard.ShardId)));

        var without = ShardPlan.Compute(View(nodes[1..3], three.Shards.Select(shard => shard.Owner)));
        Assert.Equal(three.Shards.Count(shard => shard.Owner == nodes[0]), three.Shards.Count(shard => without.OwnerOf(shard.ShardId) != shard.Owner));
    }

    [Fact]
    public void Free_shards_are_spread_and_not_given_out_in_rows()
    {
        var nodes = Enumerable.Range(1, 3).Select(Node).ToList();
        var plan = ShardPlan.Compute(View(nodes, Enumerable.Repeat<NodeId?>(null, 256)));
        var changes = Enumerable.Range(0, 255).Count(shard => plan.OwnerOf(shard) != plan.OwnerOf(shard + 1));
        Assert.InRange(changes, 100, 230);
    }

    private static List<NodeId> Active(ClusterView view) => [.. view.Members.Where(member => member.State == MemberState.Active).Select(member => member.Id)];

    private static NodeId Node(int number) => new(new Guid(number, 7, 7, [1, 2, 3, 4, 5, 6, 7, 8]));

    private static ClusterView View(IEnumerable<NodeId> nodes, IEnumerable<NodeId?> owners) => new(
        1, [.. nodes.Select(id => new Member(id, "n", "http://n", "1", MemberState.Active, TimeSpan.FromSeconds(15)))],
        [.. owners.Select((owner, shard) => new ShardOwner(shard, 1, owner, 0))]);

    private static Arbitrary<ClusterView> Views()
    {
        var views = from nodes in Gen.Choose(0, 7)
                    from states in Gen.Elements(MemberState.Active, MemberState.Active, MemberState.Active, MemberState.Draining, MemberState.Dead, MemberState.Left).ArrayOf(nodes)
                    from shards in Gen.Choose(1, 80)
                    from owners in Gen.Choose(-2, nodes + 1).ArrayOf(shards)
                    select new ClusterView(
                        1, [.. states.Select((state, index) => new Member(Node(index), "n", "http://n", "1", state, TimeSpan.FromSeconds(15)))],
                        [.. owners.Select((owner, shard) => new ShardOwner(shard, 1, owner < 0 || owner >= nodes ? null : Node(owner), 0))]);
        return Arb.From(views);
    }
}
