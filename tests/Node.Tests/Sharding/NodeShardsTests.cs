using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Node.Sharding;
using Xunit;
using static Backhaul.Node.Tests.Sharding.ShardWorld;

namespace Backhaul.Node.Tests.Sharding;

public sealed class NodeShardsTests
{
    private static readonly CancellationToken Never = CancellationToken.None;

    [Fact]
    public void A_shard_that_was_handed_over_and_claimed_again_has_a_new_tenure_and_a_new_host()
    {
        var world = new ShardWorld(new ShardingOptions { ShardCount = 1 });
        world.RunStarted(async () =>
        {
            Assert.StartsWith("hello", TextOf(await world.AskAsync(Orders)), StringComparison.Ordinal);
            var first = world.Shards.HostOf(Orders);
            var grant = await world.Shards.CloseAsync(0, Never);
            Assert.Equal(1, grant!.Value.Epoch);
            Assert.Contains("stop orders Drain", world.Script.Lines);
            world.Shards.Released(0);
            Assert.Null(first.Tenure.Held);
            Assert.Equal(UnavailableReason.NotOwned, ReasonOf(await world.AskAsync(Orders)));

            Assert.True(world.Shards.TryBeginClaim(0));
            Assert.False(world.Shards.TryBeginClaim(0));
            world.Shards.Opened(grant.Value with { Epoch = 3 });
            Assert.NotSame(first.Tenure, world.Shards.HostOf(Orders).Tenure);
            Assert.Equal("back in epoch 3", TextOf(await world.AskAsync(Orders, "back")));
            first.Tenure.OnFenced(grant.Value); // a late refusal of the old tenure
            Assert.Equal(ShardPhase.Open, world.Shards.PhaseOf(0));
        });
    }

    [Fact]
    public void A_shard_is_not_claimed_again_while_its_last_host_still_ends()
    {
        var world = new ShardWorld(new ShardingOptions { ShardCount = 1 });
        world.Script.OnStop = async (_, context) => await Task.Delay(TimeSpan.FromSeconds(5), context.Time);
        world.RunStarted(async () =>
        {
            await world.AskAsync(Orders);
            world.Shards.Drop(0);
            Assert.Equal(ShardPhase.Closed, world.Shards.PhaseOf(0));
            Assert.False(world.Shards.TryBeginClaim(0));
            await Task.Delay(TimeSpan.FromSeconds(6), world.World.Time);
            Assert.True(world.Shards.TryBeginClaim(0));
        });
    }

    [Fact]
    public void A_claim_that_fails_answers_those_who_waited_and_may_be_repeated()
    {
        var world = new ShardWorld(new ShardingOptions { ShardCount = 1 });
        world.Run(async () =>
        {
            Assert.True(world.Shards.TryBeginClaim(0));
            var waiting = world.AskAsync(Orders).AsTask();
            await Task.Yield();
            world.Shards.ClaimFailed(0);
            Assert.Equal(UnavailableReason.NotOwned, ReasonOf(await waiting));
            Assert.True(world.Shards.TryBeginClaim(0));
            await world.Ownership.StartAsync(Never);
            Assert.StartsWith("hello", TextOf(await world.AskAsync(Orders)), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void What_is_opened_while_the_node_is_suspended_waits_for_the_trust()
    {
        var world = new ShardWorld(new ShardingOptions { ShardCount = 1 });
        world.Run(async () =>
        {
            world.Shards.Suspend();
            await world.Ownership.StartAsync(Never);
            Assert.Equal(UnavailableReason.Suspended, ReasonOf(await world.AskAsync(Orders)));
            world.Shards.Resume();
            Assert.StartsWith("hello", TextOf(await world.AskAsync(Orders)), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_session_that_ended_while_the_shard_was_suspended_starts_for_those_who_wait()
    {
        var world = new ShardWorld(new ShardingOptions { ShardCount = 1 });
        world.Script.OnExecute = (_, text, context) =>
        {
            if (text == "leave")
                context.StopSelf(StopReason.Passivate);
            return default;
        };
        world.Script.OnStop = async (_, context) => await Task.Delay(TimeSpan.FromSeconds(1), context.Time);
        world.RunStarted(async () =>
        {
            await world.AskAsync(Orders, "leave");
            var caught = world.Post(Orders, "caught"); // parked: its session is leaving
            await Task.Yield();
            world.Shards.Suspend();
            await Task.Delay(TimeSpan.FromSeconds(5), world.World.Time);
            Assert.False(caught.IsCompleted);
            world.Shards.Resume();
            Assert.StartsWith("caught", TextOf(await caught), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_full_mailbox_does_not_keep_a_shard_from_following_its_phase()
    {
        var world = new ShardWorld(new ShardingOptions { ShardCount = 1, ShardInboxMax = 1 });
        world.Run(async () =>
        {
            Assert.True(world.Shards.TryBeginClaim(0));
            var waiting = world.Post(Orders, "early"); // fills the mailbox: the phase's own message finds no room
            world.Shards.Opened(new ShardGrant(0, 1, world.Shards.Node));
            Assert.StartsWith("early", TextOf(await waiting), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_suspended_shard_can_be_closed_and_its_grant_is_still_known()
    {
        var world = new ShardWorld(new ShardingOptions { ShardCount = 1 });
        world.RunStarted(async () =>
        {
            await world.AskAsync(Orders);
            world.Shards.Suspend();
            Assert.Equal(1, (await world.Shards.CloseAsync(0, Never))!.Value.Epoch);
            world.Shards.Released(0);
            Assert.Equal(ShardPhase.Closed, world.Shards.PhaseOf(0));
        });
    }

    [Fact]
    public void Due_sessions_of_a_shard_start_as_soon_as_it_is_opened()
    {
        var world = new ShardWorld(new ShardingOptions { ShardCount = 1 });
        world.RunStarted(async () =>
        {
            var grant = await world.Shards.CloseAsync(0, Never);
            world.Shards.Released(0);
            await world.WriteHeadsAsync([(Orders, DateTimeOffset.UnixEpoch)]);
            var taken = await world.Store.TakeAllAsync(world.Shards.Node, 1, Never);
            await Task.Delay(TimeSpan.FromSeconds(1), world.World.Time);
            Assert.True(world.Shards.TryBeginClaim(0));
            var opened = world.World.Time.Elapsed;
            world.Shards.Opened(taken[0]);
            await world.UntilAsync(() => world.Script.Lines.Contains("load orders"));
            Assert.InRange(world.World.Time.Elapsed - opened, TimeSpan.Zero, TimeSpan.FromMilliseconds(50));
            Assert.True(taken[0].Epoch > grant!.Value.Epoch);
        });
    }
}
