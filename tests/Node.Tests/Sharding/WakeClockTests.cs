using Backhaul.Node.Actors;
using Backhaul.Node.Sharding;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sharding;

public sealed class WakeClockTests
{
    [Fact]
    public void Sessions_with_work_start_with_the_node_and_the_others_sleep_on()
    {
        var world = new ShardWorld();
        world.Run(async () =>
        {
            await world.WriteHeadsAsync([(Key(1), DateTimeOffset.UnixEpoch), (Key(2), null), (Key(3), world.World.Time.GetUtcNow().AddHours(1))]);
            await world.Ownership.StartAsync(CancellationToken.None);
            await world.UntilAsync(() => world.Script.Lines.Count > 0);
            await Task.Delay(TimeSpan.FromMinutes(5), world.World.Time);
            Assert.Equal(["load s1"], world.Script.Lines);
        });
    }

    [Fact]
    public void A_session_starts_at_its_due_time_exactly()
    {
        var world = new ShardWorld();
        world.Run(async () =>
        {
            var due = world.World.Time.GetUtcNow().AddSeconds(612.345);
            await world.WriteHeadsAsync([(Key(1), due)]);
            await world.Ownership.StartAsync(CancellationToken.None);
            await world.UntilAsync(() => world.Script.Lines.Count > 0);
            Assert.InRange(world.World.Time.GetUtcNow(), due, due.AddMilliseconds(20));
        });
    }

    [Fact]
    public void Recovery_is_bounded_and_reaches_every_due_session()
    {
        var world = new ShardWorld(new ShardingOptions { ShardCount = 4, LoadsMax = 10, WakesInFlightMax = 30 });
        var startingMax = 0;
        world.Script.OnLoad = async (_, context) =>
        {
            startingMax = Math.Max(startingMax, world.Shards.Residents.Starting);
            await Task.Delay(TimeSpan.FromMilliseconds(50), context.Time);
        };
        world.Run(async () =>
        {
            await world.WriteHeadsAsync(Enumerable.Range(0, 1500).Select(i => (Key(i), (DateTimeOffset?)DateTimeOffset.UnixEpoch)));
            await world.Ownership.StartAsync(CancellationToken.None);
            await world.UntilAsync(() => world.Script.Lines.Count == 1500);
            Assert.Equal(1500, world.Script.Lines.Distinct().Count());
            Assert.InRange(world.Script.LoadingMax, 5, 10);
            Assert.InRange(startingMax, 10, 30);
        });
    }

    [Fact]
    public void A_client_is_served_while_many_sessions_recover()
    {
        var world = new ShardWorld(new ShardingOptions { ShardCount = 4, LoadsMax = 5, WakesInFlightMax = 100 });
        world.Script.OnLoad = async (_, context) => await Task.Delay(TimeSpan.FromMilliseconds(100), context.Time);
        world.Run(async () =>
        {
            await world.WriteHeadsAsync(Enumerable.Range(0, 1000).Select(i => (Key(i), (DateTimeOffset?)DateTimeOffset.UnixEpoch)));
            await world.Ownership.StartAsync(CancellationToken.None);
            await Task.Delay(TimeSpan.FromMilliseconds(50), world.World.Time);
            var began = world.World.Time.Elapsed;
            await world.AskAsync(ShardWorld.Orders);
            Assert.InRange(world.World.Time.Elapsed - began, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        });
    }

    [Fact]
    public void A_session_that_leaves_with_work_is_woken_again_but_not_in_a_hot_loop()
    {
        var world = new ShardWorld();
        world.Script.OnLoad = (_, context) =>
        {
            context.StopSelf(StopReason.Passivate);
            return default;
        };
        world.Run(async () =>
        {
            await world.WriteHeadsAsync([(Key(1), DateTimeOffset.UnixEpoch)]);
            await world.Ownership.StartAsync(CancellationToken.None);
            await Task.Delay(TimeSpan.FromMinutes(1), world.World.Time);
            Assert.InRange(world.Script.Lines.Count(line => line == "load s1"), 3, 7);
        });
    }

    [Fact]
    public void A_quarantined_session_is_left_alone()
    {
        var world = new ShardWorld();
        world.Script.OnLoad = (_, _) => throw new InvalidOperationException("damaged");
        world.Run(async () =>
        {
            await world.WriteHeadsAsync([(Key(1), DateTimeOffset.UnixEpoch)]);
            await world.Ownership.StartAsync(CancellationToken.None);
            await Task.Delay(TimeSpan.FromMinutes(10), world.World.Time);
            Assert.Equal(3, world.Script.Lines.Count(line => line == "load s1"));
        });
    }

    private static SessionKey Key(int i) => SessionKey.Parse($"acme/s{i}");
}
