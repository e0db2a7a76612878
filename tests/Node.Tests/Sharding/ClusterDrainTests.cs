using Backhaul.Node.Sharding;
using Backhaul.Node.Sharding.Membership;
using Xunit;

namespace Backhaul.Node.Tests.Sharding;

/// <summary>Drains that meet something else: a renewal in flight, another hand-off, a store that does not answer.</summary>
public sealed class ClusterDrainTests
{
    private static readonly CancellationToken Never = CancellationToken.None;

    [Fact]
    public void A_renewal_in_flight_at_the_end_of_a_drain_does_not_take_the_node_for_dead()
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b");
            var a = world["a"];
            var renewing = false;
            a.Way.OnRenew = async () =>
            {
                renewing = true;
                await world.PassAsync(1);
            };
            await world.UntilAsync(() => renewing, TimeSpan.FromSeconds(5));
            await a.Node.Ownership.DrainAsync(Never);
            await world.PassAsync(30);
            Assert.Empty(a.Exit.Sentences);
            Assert.Equal(LeasePhase.Left, a.Node.Lease.Status.Phase);
        });
    }

    [Fact]
    public void A_drain_leaves_a_hand_off_that_is_under_way_alone_and_waits_for_it()
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b");
            var (a, b) = (world["a"], world["b"]);
            var shard = a.Open[0];
            a.Touch(a.SessionIn(shard));
            await world.UntilAsync(() => a.Script.Lines.Count > 0, TimeSpan.FromSeconds(1));
            var couldWrite = false;
            a.Script.OnStop = async (_, context) =>
            {
                await Task.Delay(TimeSpan.FromSeconds(5), context.Time);
                couldWrite = a.Node.Shards.Grants.Any(grant => grant.ShardId == shard);
            };
            var given = a.Node.Ownership.GiveAsync(shard, b.Id, Never);
            await world.UntilAsync(() => a.Node.Shards.PhaseOf(shard) == ShardPhase.Closing, TimeSpan.FromSeconds(1));

            await a.Node.Ownership.DrainAsync(Never);
            Assert.True(couldWrite, "The shard was torn away from the session that still stopped.");
            Assert.True(await given);
            await world.UntilAsync(() => b.Open.Count == 12, TimeSpan.FromSeconds(1));
            Assert.All((await world.Store.ReadViewAsync(Never)).Shards, row => Assert.Equal(0, row.Takeovers)); // nothing was left to be taken over
            Assert.Contains(world.World.Loggers.Of(3004), IsOf("a"));
        });
    }

    [Fact]
    public void A_drain_gives_a_store_that_does_not_answer_up_for_all_shards_at_once()
    {
        var world = new ClusterWorld(shards: 60);
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b");
            var (a, b) = (world["a"], world["b"]);
            var asked = 0;
            a.Way.OnRelease = async _ =>
            {
                asked++;
                await new TaskCompletionSource().Task;
            };
            var began = world.Now;
            await a.Node.Ownership.DrainAsync(Never);
            Assert.InRange(world.Now - began, TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(6));
            Assert.Equal(world.Options.DrainHandOffsMax, asked);
            Assert.DoesNotContain(world.World.Loggers.Of(3004), IsOf("a"));
            Assert.Contains("30 shards", Assert.Single(world.World.Loggers.Of(3034), IsOf("a")).Text, StringComparison.Ordinal);
            await world.UntilAsync(() => b.Open.Count == 60, TimeSpan.FromSeconds(15)); // freed by the leaving
            Assert.Empty(b.Way.Declared);
        });
    }

    [Fact]
    public void A_drain_with_the_store_away_stops_all_shards_at_once_and_does_not_say_that_it_gave_them_back()
    {
        var world = new ClusterWorld(shards: 60);
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b");
            var a = world["a"];
            foreach (var shard in a.Open)
                a.Touch(a.SessionIn(shard));
            await world.UntilAsync(() => a.Script.Lines.Count == 30, TimeSpan.FromSeconds(1));
            a.Script.OnStop = async (_, context) => await Task.Delay(TimeSpan.FromSeconds(4), context.Time);
            a.Way.IsAway = true;
            var began = world.Now;
            await a.Node.Ownership.DrainAsync(Never);
            Assert.InRange(world.Now - began, TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(8));
            Assert.DoesNotContain(world.World.Loggers.Of(3004), IsOf("a"));
            Assert.Single(world.World.Loggers.Of(3034), IsOf("a"));
        });
    }

    [Fact]
    public void A_node_whose_start_came_to_nothing_after_it_had_joined_leaves()
    {
        var world = new ClusterWorld();
        world.Run(async () =>
        {
            await world.StartAllAsync("a", "b");
            var c = await world.StartAsync("c");
            await c.Node.Ownership.DisposeAsync(); // and no drain before
            Assert.Null((await world.Store.ReadViewAsync(Never)).Find(c.Id));
            await c.Node.Ownership.DisposeAsync();
            await world["a"].Node.Ownership.DrainAsync(Never);
            await world["a"].Node.Ownership.DisposeAsync();
            await world.UntilAsync(() => world["b"].Open.Count == 12, TimeSpan.FromSeconds(1));
            Assert.Empty(world.Nodes.SelectMany(node => node.Exit.Sentences));
        });
    }

    private static Predicate<Backhaul.World.RecordingLoggers.Line> IsOf(string name) => line => line.Category.StartsWith($"{name}:", StringComparison.Ordinal);
}
