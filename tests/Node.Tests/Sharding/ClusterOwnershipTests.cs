using Backhaul.Node.Journal;
using Backhaul.Node.Sharding;
using Backhaul.Node.Sharding.Membership;
using Xunit;

namespace Backhaul.Node.Tests.Sharding;

public sealed class ClusterOwnershipTests
{
    private static readonly CancellationToken Never = CancellationToken.None;

    [Fact]
    public void One_node_takes_every_shard()
    {
        var world = new ClusterWorld(shards: 64);
        world.Run(async () =>
        {
            await world.StartAllAsync("a");
            Assert.Equal(64, world["a"].Open.Count);
            Assert.InRange(world.Now, TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(6)); // 4, 8, 16, 32 …, one second each
        });
    }

    [Fact]
    public void Nodes_that_start_together_share_the_shards_without_moving_many()
    {
        var world = new ClusterWorld(shards: 60);
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b", "c");
            Assert.All(world.Nodes, node => Assert.Equal(20, node.Open.Count));
            Assert.InRange(world.World.Loggers.Of(3028).Count, 0, 8); // handed over
        });
    }

    [Fact]
    public void Shards_of_a_node_that_is_gone_are_open_elsewhere_within_seventeen_seconds()
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b", "c");
            await world.PassAsync(60);
            var gone = world["b"];
            gone.Way.IsAway = true;
            var since = world.Now;
            await world.UntilBalancedAsync(TimeSpan.FromSeconds(17));
            Assert.True(world.Now - since > TimeSpan.FromSeconds(12));
            Assert.Equal([gone.Id], world.Nodes.SelectMany(node => node.Way.Declared));
            Assert.Empty(gone.Open);
            Assert.All(world.Nodes.Where(node => node != gone), node => Assert.True(node.Node.Ownership.IsReady));

            gone.Way.IsAway = false; // and it comes back: too late
            await world.UntilAsync(() => gone.Exit.Sentences.Count == 1, TimeSpan.FromSeconds(2));
            Assert.Contains("declared dead", gone.Exit.Sentences[0], StringComparison.Ordinal);
            Assert.False(gone.Node.Lease.IsTrusted);
        });
    }

    [Fact]
    public void A_short_outage_suspends_nothing()
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b");
            foreach (var node in world.Nodes)
                node.Way.IsAway = true;
            await world.PassAsync(9);
            Assert.Equal(12, world.Nodes.Sum(node => node.Open.Count));
            foreach (var node in world.Nodes)
                node.Way.IsAway = false;
            await world.PassAsync(60);
            Assert.Equal(0, world.Nodes.Sum(node => node.Node.Lease.Status.Lapses));
            Assert.Empty(world.Nodes.SelectMany(node => node.Way.Declared));
        });
    }

    [Theory]
    [InlineData(14)]
    [InlineData(16)]
    [InlineData(20)]
    [InlineData(600)]
    public void After_an_outage_of_the_store_nobody_is_declared_dead_and_every_node_goes_on_with_its_sessions(int seconds)
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b", "c");
            await world.PassAsync(30);
            var a = world["a"];
            var session = a.SessionIn(a.Open[0]);
            a.Touch(session);
            var before = world.Nodes.ToDictionary(node => node.Name, node => node.Open);
            await world.UntilAsync(() => a.Script.Lines.Count > 0, TimeSpan.FromSeconds(1));

            foreach (var node in world.Nodes)
                node.Way.IsAway = true;
            await world.PassAsync(seconds);
            Assert.All(world.Nodes, node => Assert.Empty(node.Open));
            Assert.All(world.Nodes, node => Assert.Equal(4, node.In(ShardPhase.Suspended).Count));
            foreach (var node in world.Nodes)
            {
                node.Way.IsAway = false;
                await world.PassAsync(0.9); // the first to come back is alone for a while
            }

            await world.UntilBalancedAsync(TimeSpan.FromSeconds(5));
            await world.PassAsync(60);
            Assert.All(world.Nodes, node => Assert.Equal(before[node.Name], node.Open));
            Assert.Empty(world.Nodes.SelectMany(node => node.Way.Declared));
            Assert.Empty(world.Nodes.SelectMany(node => node.Exit.Sentences));
            Assert.Equal([$"load {session.Identifier}"], a.Script.Lines); // kept in memory all the while
        });
    }

    [Fact]
    public void A_node_that_was_cut_off_for_a_moment_resumes_what_is_still_its_own()
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b");
            var a = world["a"];
            var held = a.Open;
            a.Way.IsAway = true;
            await world.UntilAsync(() => a.Open.Count == 0, TimeSpan.FromSeconds(14));
            a.Way.IsAway = false;
            await world.UntilAsync(() => a.Open.SequenceEqual(held), TimeSpan.FromSeconds(2));
            Assert.Equal(1, a.Node.Lease.Status.Lapses);
            await world.PassAsync(40);
            Assert.Equal(held, a.Open);
        });
    }

    [Fact]
    public void A_shard_that_another_took_while_the_node_was_suspended_is_dropped_and_the_rest_resumed()
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b");
            var (a, b) = (world["a"], world["b"]);
            var lost = a.Open[0];
            a.Way.IsAway = true;
            await world.UntilAsync(() => a.Open.Count == 0, TimeSpan.FromSeconds(14));
            // as an operator's repair, or a restored store, would have left it
            var row = (await world.Store.ReadViewAsync(Never)).Shards[lost];
            Assert.True(await world.Store.ReleaseAsync(new(lost, row.Epoch, a.Id), Never));
            Assert.NotNull(await world.Store.ClaimAsync(b.Id, lost, row.Epoch + 1, Never));
            a.Way.IsAway = false;
            await world.UntilAsync(() => a.Open.Count == 5, TimeSpan.FromSeconds(2));
            Assert.DoesNotContain(lost, a.Open);
            Assert.Contains(world.World.Loggers.Of(3016), line => line.Category.StartsWith("a:", StringComparison.Ordinal));
        });
    }

    [Fact]
    public void A_new_node_gets_its_share_after_the_membership_has_settled_two_at_a_time()
    {
        var world = new ClusterWorld(shards: 30);
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b");
            await world.PassAsync(30);
            var closing = 0;
            foreach (var node in world.Nodes)
            {
                node.Way.OnRelease = async _ =>
                {
                    closing = Math.Max(closing, node.In(ShardPhase.Closing).Count);
                    await world.PassAsync(0.2);
                };
            }
            var c = await world.StartAsync("c");
            var joined = world.Now;
            await world.PassAsync(9.5);
            Assert.Empty(c.Open);
            Assert.False(c.Node.Ownership.IsReady);
            await world.UntilBalancedAsync(TimeSpan.FromSeconds(10));
            Assert.Equal(10, c.Open.Count);
            Assert.Equal(2, closing);
            await world.UntilAsync(() => c.Node.Ownership.IsReady, TimeSpan.FromSeconds(1));
            Assert.True(world.Now - joined > world.Options.Settle);
            Assert.Equal(10, world.World.Loggers.Of(3028).Count); // not one move more than needed

            await world.PassAsync(120);
            Assert.Equal(10, world.World.Loggers.Of(3028).Count); // and none without a change
        });
    }

    [Fact]
    public void Without_any_signal_everything_still_happens_by_looking()
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            foreach (var name in new[] { "a", "b", "c" })
            {
                var node = await world.StartAsync(name);
                node.Way.SignalsLost = true;
            }
            await world.UntilBalancedAsync(TimeSpan.FromSeconds(60));
            await world["b"].Node.Ownership.DrainAsync(Never);
            await world.UntilBalancedAsync(TimeSpan.FromSeconds(7));
        });
    }

    [Fact]
    public void A_claim_whose_answer_was_lost_is_found_in_the_next_view()
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            var a = new ClusterMember(world, "unused"); // only to keep the seed's order apart from the other tests
            Assert.NotNull(a);
            var b = await world.StartAsync("b");
            b.Way.ClaimAnswersLost = 3;
            await world.UntilAsync(() => b.Open.Count == 12, TimeSpan.FromSeconds(10));
            var view = await world.Store.ReadViewAsync(Never);
            Assert.Equal(3, view.Shards.Count(shard => shard.Epoch == 2)); // claimed, then raised again before anything ran
            Assert.All(view.Shards, shard => Assert.Equal(shard.Epoch, b.Node.Shards.GrantOf(shard.ShardId)!.Value.Epoch));
        });
    }

    [Fact]
    public void A_drain_hands_everything_over_at_once_and_the_node_has_left()
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b", "c");
            await world.PassAsync(30);
            var a = world["a"];
            var shard = a.Open[0];
            var session = a.SessionIn(shard);
            a.Touch(session);
            a.Script.OnStop = async (_, context) => await Task.Delay(TimeSpan.FromMilliseconds(100), context.Time);
            await world.UntilAsync(() => a.Script.Lines.Count > 0, TimeSpan.FromSeconds(1));
            var began = world.Now;
            await a.Node.Ownership.DrainAsync(Never);
            Assert.InRange(world.Now - began, TimeSpan.Zero, TimeSpan.FromMilliseconds(300));
            Assert.Contains($"stop {session.Identifier} Drain", a.Script.Lines);
            await world.UntilBalancedAsync(TimeSpan.FromMilliseconds(500));
            Assert.Null((await world.Store.ReadViewAsync(Never)).Find(a.Id));
            Assert.Equal(LeasePhase.Left, a.Node.Lease.Status.Phase);
            Assert.Empty(a.Exit.Sentences);
            Assert.All((await world.Store.ReadViewAsync(Never)).Shards, row => Assert.Equal(0, row.Takeovers));
            await world.PassAsync(60);
            Assert.Empty(a.Exit.Sentences);
        });
    }

    [Fact]
    public void A_drain_with_the_store_away_ends_in_time()
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b");
            var a = world["a"];
            a.Way.IsAway = true;
            var began = world.Now;
            await a.Node.Ownership.DrainAsync(Never);
            Assert.InRange(world.Now - began, TimeSpan.Zero, TimeSpan.FromSeconds(5));
            Assert.Empty(a.Open);
            await world.UntilAsync(() => world["b"].Open.Count == 12, TimeSpan.FromSeconds(20));
        });
    }

    [Fact]
    public void A_drain_while_suspended_waits_for_nothing()
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b");
            var a = world["a"];
            a.Way.IsAway = true;
            await world.UntilAsync(() => a.Open.Count == 0, TimeSpan.FromSeconds(14));
            var began = world.Now;
            await a.Node.Ownership.DrainAsync(Never);
            Assert.InRange(world.Now - began, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        });
    }

    [Fact]
    public void A_drain_cuts_off_what_hangs_and_gives_its_shard_back_all_the_same()
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b");
            var a = world["a"];
            foreach (var shard in a.Open)
                a.Touch(a.SessionIn(shard));
            await world.UntilAsync(() => a.Script.Lines.Count == 6, TimeSpan.FromSeconds(1));
            a.Script.OnStop = async (_, _) => await new TaskCompletionSource().Task;
            var began = world.Now;
            await a.Node.Ownership.DrainAsync(Never);
            Assert.InRange(world.Now - began, TimeSpan.FromSeconds(13), world.Options.Drain);
            await world.UntilAsync(() => world["b"].Open.Count == 12, TimeSpan.FromSeconds(1));
        });
    }

    [Fact]
    public void A_shard_that_nodes_die_with_is_left_alone_and_tried_once_after_the_cool_down()
    {
        var world = new ClusterWorld(shards: 2);
        world.Run(async () =>
        {
            var first = await world.StartAsync("n0");
            await world.UntilAsync(() => first.Open.Count == 2, TimeSpan.FromSeconds(5));
            for (var death = 0; death < 5; death++)
            {
                var next = await world.StartAsync($"n{death + 1}");
                await world.PassAsync(2);
                world[$"n{death}"].Way.IsAway = true;
                if (death < 4)
                    await world.UntilAsync(() => next.Open.Count == 2, TimeSpan.FromSeconds(40));
            }
            var last = world["n5"];
            await world.PassAsync(120);
            Assert.Contains(world.World.Loggers.Of(3023), line => line.Category.StartsWith("n5:", StringComparison.Ordinal));
            var alone = world.Options.ShardCount - last.Open.Count;
            Assert.True(alone > 0, "No shard was left alone.");
            Assert.True(last.Node.Ownership.IsReady); // the others must not suffer
            await world.PassAsync(300);
            Assert.Equal(2, last.Open.Count);
            Assert.All((await world.Store.ReadViewAsync(Never)).Shards, row => Assert.InRange(row.Takeovers, 0, 5));
            await world.PassAsync(60);
            Assert.All((await world.Store.ReadViewAsync(Never)).Shards, row => Assert.Equal(0, row.Takeovers)); // held for long enough: forgiven
        });
    }

    [Fact]
    public void A_store_that_is_away_at_the_start_is_waited_for()
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            var node = new ClusterMember(world, "a");
            node.Way.IsAway = true;
            var start = node.Node.Ownership.StartAsync(Never);
            await world.PassAsync(60);
            Assert.False(start.IsCompleted);
            node.Way.IsAway = false;
            await start;
            await world.UntilAsync(() => node.Open.Count == 12, TimeSpan.FromSeconds(10));
        });
    }

    [Fact]
    public void A_shard_that_an_operator_gives_to_another_node_is_opened_there_at_once_and_the_balance_stays()
    {
        var world = new ClusterWorld(shards: 8);
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b", "c"); // 3, 3 and 2 shards
            var from = world.Nodes.MaxBy(member => member.Node.Shards.Grants.Count)!;
            var to = world.Nodes.MinBy(member => member.Node.Shards.Grants.Count)!;
            var shard = from.Node.Shards.Grants[0].ShardId;
            var began = world.Now;

            Assert.True(await from.Node.Ownership.GiveAsync(shard, to.Id, Never));
            await world.UntilAsync(() => to.Node.Shards.PhaseOf(shard) == ShardPhase.Open, TimeSpan.FromSeconds(5));
            Assert.NotEqual(ShardPhase.Open, from.Node.Shards.PhaseOf(shard));
            Assert.True(world.Now - began < TimeSpan.FromSeconds(5));
            await world.PassAsync(120);
            Assert.Equal(ShardPhase.Open, to.Node.Shards.PhaseOf(shard));

            // What is not held here, and who is not there: nothing happens that the plan does not mend.
            Assert.False(await from.Node.Ownership.GiveAsync(shard, to.Id, Never));
            var other = from.Node.Shards.Grants[0].ShardId;
            Assert.False(await from.Node.Ownership.GiveAsync(other, new NodeId(world.World.Random.Next()), Never));
            await world.UntilBalancedAsync(TimeSpan.FromMinutes(1));
        });
    }

    [Fact]
    public void The_same_seed_gives_the_same_steps()
    {
        Assert.Equal(Steps(), Steps());

        static long Steps()
        {
            var world = new ClusterWorld(seed: 11);
            world.Run(async () =>
            {
                await world.StartAllAsync("a", "b", "c");
                world["b"].Way.IsAway = true;
                await world.UntilBalancedAsync(TimeSpan.FromSeconds(30));
            });
            return world.World.Scheduler.Steps;
        }
    }
}
