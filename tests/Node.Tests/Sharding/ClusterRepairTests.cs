using Backhaul.Node.Actors;
using Backhaul.Node.Sharding;
using Xunit;

namespace Backhaul.Node.Tests.Sharding;

/// <summary>What a node mends by itself, and what must not make it unready.</summary>
public sealed class ClusterRepairTests
{
    private static readonly CancellationToken Never = CancellationToken.None;

    [Fact]
    public void The_slow_drain_of_one_node_leaves_the_others_ready()
    {
        var world = new ClusterWorld(options: new ShardingOptions { DrainHandOffsMax = 1 });
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b", "c");
            await world.PassAsync(30);
            var c = world["c"];
            foreach (var shard in c.Open)
                c.Touch(c.SessionIn(shard));
            await world.UntilAsync(() => c.Script.Lines.Count == 4, TimeSpan.FromSeconds(1));
            c.Script.OnStop = async (_, context) => await Task.Delay(TimeSpan.FromSeconds(7), context.Time);
            var began = world.Now;
            var drain = c.Node.Ownership.DrainAsync(Never);
            while (!drain.IsCompleted)
            {
                Assert.True(world["a"].Node.Ownership.IsReady, $"a is not ready {world.Now - began} after the drain of c began.");
                Assert.True(world["b"].Node.Ownership.IsReady, $"b is not ready {world.Now - began} after the drain of c began.");
                await world.PassAsync(0.1);
            }
            Assert.True(world.Now - began > ClusterWorld.Lease);
            await world.UntilBalancedAsync(TimeSpan.FromSeconds(2));
        });
    }

    [Fact]
    public void A_shard_whose_host_has_ended_is_opened_anew_under_a_higher_epoch()
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            await world.StartAllAsync("a");
            var a = world["a"];
            var host = a.Node.Shards.HostOf(a.SessionIn(0));
            var epoch = a.Node.Shards.GrantOf(0)!.Value.Epoch;
            host.Actor!.Stop(StopReason.Requested);
            await world.UntilAsync(() => a.Node.Shards.GrantOf(0)?.Epoch == epoch + 1, TimeSpan.FromSeconds(10));
            Assert.Equal(12, a.Open.Count);
            Assert.NotSame(host.Tenure, a.Node.Shards.HostOf(a.SessionIn(0)).Tenure);
            Assert.Single(world.World.Loggers.Of(3035));
        });
    }

    [Fact]
    public void A_shard_with_an_append_that_may_still_arrive_is_opened_anew_under_a_higher_epoch()
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            await world.StartAllAsync("a");
            var a = world["a"];
            var session = a.SessionIn(0);
            a.Touch(session);
            await world.UntilAsync(() => a.Script.Lines.Count > 0, TimeSpan.FromSeconds(1));
            var grant = a.Node.Shards.GrantOf(0)!.Value;
            a.Node.Shards.HostOf(session).Tenure.OnDoubtful(grant);
            Assert.Equal(ShardPhase.Closed, a.Node.Shards.PhaseOf(0));
            await world.UntilAsync(() => a.Node.Shards.GrantOf(0)?.Epoch == grant.Epoch + 1, TimeSpan.FromSeconds(2));
            Assert.Equal([$"load {session.Identifier}", $"stop {session.Identifier} Fenced"], a.Script.Lines);
            Assert.Empty(a.Exit.Sentences);
        });
    }

    [Fact]
    public void A_lease_that_no_node_could_live_with_founds_no_cluster()
    {
        var world = new ClusterWorld { Ladder = new TimeLadder { AppendStatement = ClusterWorld.Lease } };
        world.Run(async () =>
        {
            await Assert.ThrowsAsync<LadderException>(() => world.StartAsync("a"));
            Assert.Null(world.Journal.Tables.Facts);
        });
    }
}
