using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Node.Sharding;
using Backhaul.Protocol;
using Xunit;
using static Backhaul.Node.Tests.Sharding.ShardWorld;

namespace Backhaul.Node.Tests.Sharding;

public sealed class ShardHostTests
{
    [Fact]
    public void A_command_starts_its_session_and_is_answered()
    {
        var world = new ShardWorld();
        world.RunStarted(async () =>
        {
            Assert.Equal("hello in epoch 1", TextOf(await world.AskAsync(Orders)));
            Assert.Equal("again in epoch 1", TextOf(await world.AskAsync(Orders, "again")));
            Assert.Equal(["load orders", "orders hello", "orders again"], world.Script.Lines);
            Assert.True(world.Shards.Residents.Contains(Orders));
            Assert.Equal(0, world.Shards.Residents.Starting);
        });
    }

    [Fact]
    public void Commands_wait_for_the_load_in_their_order_and_the_sixty_fifth_is_refused()
    {
        var world = new ShardWorld();
        world.Script.OnLoad = async (_, context) => await Task.Delay(TimeSpan.FromSeconds(1), context.Time);
        world.RunStarted(async () =>
        {
            var replies = Enumerable.Range(0, 65).Select(i => world.Post(Orders, $"{i}")).ToList();
            Assert.Equal(UnavailableReason.Acquiring, ReasonOf(await replies[64]));
            Assert.False(replies[0].IsCompleted);
            await Task.WhenAll(replies);
            Assert.Equal(["load orders", .. Enumerable.Range(0, 64).Select(i => $"orders {i}")], world.Script.Lines);
        });
    }

    [Fact]
    public void A_session_that_leaves_memory_loses_no_message()
    {
        var world = new ShardWorld();
        world.Script.OnExecute = (_, text, context) =>
        {
            if (text == "leave")
                context.StopSelf(StopReason.Passivate);
            return default;
        };
        world.Script.OnStop = async (_, context) => await Task.Delay(TimeSpan.FromSeconds(1), context.Time);
        world.RunStarted(async () =>
        {
            var leaving = world.AskAsync(Orders, "leave").AsTask();
            var behind = world.AskAsync(Orders, "behind").AsTask();
            await leaving;
            var caught = world.AskAsync(Orders, "caught").AsTask();
            Assert.StartsWith("behind", TextOf(await behind), StringComparison.Ordinal);
            Assert.StartsWith("caught", TextOf(await caught), StringComparison.Ordinal);
            Assert.Equal(2, world.Script.Lines.Count(line => line == "load orders"));
            Assert.Single(world.Script.Lines, line => line == "orders caught");
        });
    }

    [Fact]
    public void A_passivated_session_is_absent_and_its_slot_is_freed()
    {
        var world = new ShardWorld();
        world.Script.OnExecute = (_, _, context) =>
        {
            context.StopSelf(StopReason.Passivate);
            return default;
        };
        world.RunStarted(async () =>
        {
            await world.AskAsync(Orders);
            await world.UntilAsync(() => !world.Shards.Residents.Contains(Orders));
            Assert.Equal(0, world.Shards.Residents.Count);
        });
    }

    [Fact]
    public void A_session_that_throws_is_loaded_again_with_what_waited()
    {
        var world = new ShardWorld();
        world.Script.OnExecute = (_, text, _) => text == "bad" ? throw new InvalidOperationException("bug") : default;
        world.RunStarted(async () =>
        {
            var bad = world.Post(Orders, "bad");
            var good = world.Post(Orders, "good");
            Assert.Equal(UnavailableReason.Crashed, ReasonOf(await bad));
            Assert.StartsWith("good", TextOf(await good), StringComparison.Ordinal);
            Assert.Equal(["load orders", "stop orders Failed", "load orders", "orders good"], world.Script.Lines);
        });
    }

    [Fact]
    public void Three_failed_loads_quarantine_the_session_and_its_neighbours_live_on()
    {
        var world = new ShardWorld(new ShardingOptions { ShardCount = 1 });
        var broken = true;
        world.Script.OnLoad = (session, _) => session == Orders && broken ? throw new InvalidOperationException("row 7 is damaged") : default;
        world.RunStarted(async () =>
        {
            var waiting = world.AskAsync(Orders).AsTask();
            Assert.StartsWith("hello", TextOf(await world.AskAsync(Reports)), StringComparison.Ordinal);
            var refused = Assert.IsType<CommandReply.Refused>(await waiting);
            Assert.Equal((409, ProblemCodes.SessionQuarantined), (refused.Problem.Status, refused.Problem.Code));
            var view = Assert.IsType<CommandReply.Refused>(await world.Router.ExecuteAsync(
                Orders, new SessionCommand.Describe(), null, TimeSpan.FromSeconds(1), CancellationToken.None));
            Assert.Equal(ProblemCodes.SessionQuarantined, view.Problem.Code);
            Assert.Equal(3, world.Script.Lines.Count(line => line == "load orders"));
            Assert.Equal("row 7 is damaged", Assert.Single(world.Shards.Residents.Quarantined).Reason);
            Assert.Empty(world.Store.Received); // nothing was written about it
            Assert.StartsWith("hello", TextOf(await world.AskAsync(Reports)), StringComparison.Ordinal);

            Assert.False(await world.Shards.ReleaseQuarantineAsync(Reports, CancellationToken.None));
            broken = false;
            await world.UntilAsync(() => world.System.Describe($"/shard-0/{Orders}", 0) is null);
            Assert.True(await world.Shards.ReleaseQuarantineAsync(Orders, CancellationToken.None));
            Assert.StartsWith("hello", TextOf(await world.AskAsync(Orders)), StringComparison.Ordinal);
            Assert.Empty(world.Shards.Residents.Quarantined);
        });
    }

    [Fact]
    public void A_store_that_is_away_quarantines_nothing()
    {
        var world = new ShardWorld();
        var tries = 0;
        world.Script.OnLoad = (_, _) => ++tries < 8 ? throw new JournalStoreException(StoreFailure.Transient, "disk full") : default;
        world.RunStarted(async () =>
        {
            Assert.StartsWith("hello", TextOf(await world.AskAsync(Orders, withinSeconds: 120)), StringComparison.Ordinal);
            Assert.Equal(8, tries);
            Assert.Empty(world.Shards.Residents.Quarantined);
        });
    }

    [Fact]
    public void No_more_than_the_permitted_sessions_load_at_once_also_after_a_common_failure()
    {
        var world = new ShardWorld(new ShardingOptions { ShardCount = 4, LoadsMax = 5 });
        world.Script.OnLoad = async (_, context) => await Task.Delay(TimeSpan.FromMilliseconds(300), context.Time);
        world.Script.OnExecute = (_, text, _) => text == "bad" ? throw new InvalidOperationException("bug") : default;
        world.RunStarted(async () =>
        {
            var sessions = Enumerable.Range(0, 40).Select(i => SessionKey.Parse($"acme/s{i}")).ToList();
            await Task.WhenAll(sessions.Select(session => world.AskAsync(session).AsTask()));
            await Task.WhenAll(sessions.Select(session => world.AskAsync(session, "bad", withinSeconds: 0.1).AsTask()));
            await Task.WhenAll(sessions.Select(session => world.AskAsync(session).AsTask()));
            Assert.Equal(80, world.Script.Lines.Count(line => line.StartsWith("load", StringComparison.Ordinal)));
            Assert.Equal(5, world.Script.LoadingMax);
        });
    }

    [Fact]
    public void A_lost_shard_stops_its_sessions_and_answers_that_it_is_not_the_owner()
    {
        var world = new ShardWorld(new ShardingOptions { ShardCount = 1 });
        world.RunStarted(async () =>
        {
            await world.AskAsync(Orders);
            var tenure = world.Shards.HostOf(Orders).Tenure;
            var refused = tenure.Current!.Value;
            tenure.OnFenced(refused);
            Assert.Null(tenure.Current);
            Assert.Equal(UnavailableReason.NotOwned, ReasonOf(await world.AskAsync(Orders)));
            await world.UntilAsync(() => world.Script.Lines.Contains("stop orders Fenced"));
            Assert.False(world.Ownership.IsReady);
            Assert.Contains("another process has opened the journal", Assert.Single(world.Exit.Sentences), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_suspended_shard_answers_nothing_keeps_its_sessions_and_goes_on_afterwards()
    {
        var world = new ShardWorld();
        world.RunStarted(async () =>
        {
            await world.AskAsync(Orders);
            world.Shards.Suspend();
            Assert.Equal(UnavailableReason.Suspended, ReasonOf(await world.AskAsync(Orders)));
            Assert.False(world.Shards.HostOf(Orders).Tenure.MayAct);
            await Task.Delay(TimeSpan.FromMinutes(1), world.World.Time);
            world.Shards.Resume();
            Assert.StartsWith("back", TextOf(await world.AskAsync(Orders, "back")), StringComparison.Ordinal);
            Assert.Single(world.Script.Lines, line => line == "load orders");
        });
    }

    [Fact]
    public void Commands_before_the_grant_wait_for_it()
    {
        var world = new ShardWorld();
        world.Run(async () =>
        {
            Assert.Equal(UnavailableReason.NotOwned, ReasonOf(await world.AskAsync(Orders)));
            for (var shard = 0; shard < 4; shard++)
                Assert.True(world.Shards.TryBeginClaim(shard));
            var early = world.AskAsync(Orders).AsTask();
            await Task.Delay(TimeSpan.FromMilliseconds(500), world.World.Time);
            Assert.False(early.IsCompleted);
            await world.Ownership.StartAsync(CancellationToken.None);
            Assert.StartsWith("hello", TextOf(await early), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_drain_lets_sessions_save_gives_the_shards_back_and_answers_at_once()
    {
        var world = new ShardWorld();
        world.Script.OnStop = async (_, context) => await Task.Delay(TimeSpan.FromSeconds(3), context.Time);
        world.RunStarted(async () =>
        {
            await world.AskAsync(Orders);
            await world.AskAsync(Reports);
            var began = world.World.Time.Elapsed;
            var drain = world.Ownership.DrainAsync(CancellationToken.None);
            Assert.True(world.Shards.IsDraining);
            Assert.Equal(UnavailableReason.Moving, ReasonOf(await world.AskAsync(Orders)));
            Assert.Equal(began, world.World.Time.Elapsed);
            await drain;
            Assert.Equal(TimeSpan.FromSeconds(3), world.World.Time.Elapsed - began);
            Assert.Contains("stop orders Drain", world.Script.Lines);
            Assert.Contains("stop reports Drain", world.Script.Lines);
            Assert.All(world.Shards.Shards, shard => Assert.Equal(ShardPhase.Closed, shard.Phase));
            Assert.Equal(UnavailableReason.NotOwned, ReasonOf(await world.AskAsync(Orders)));
            await world.Ownership.DrainAsync(CancellationToken.None); // once more changes nothing
        });
    }

    [Fact]
    public void A_drain_ends_in_time_whatever_hangs()
    {
        var world = new ShardWorld();
        world.Script.OnStop = async (_, _) => await new TaskCompletionSource().Task;
        world.RunStarted(async () =>
        {
            await world.AskAsync(Orders);
            var began = world.World.Time.Elapsed;
            await world.Ownership.DrainAsync(CancellationToken.None);
            Assert.InRange(world.World.Time.Elapsed - began, TimeSpan.FromSeconds(13), world.Options.HandOff);
            Assert.NotEmpty(world.World.Loggers.Of(3010));
        });
    }

    [Fact]
    public void A_broken_host_starts_anew_and_its_sessions_with_it()
    {
        var world = new ShardWorld(new ShardingOptions { ShardCount = 1 });
        world.RunStarted(async () =>
        {
            await world.AskAsync(Orders);
            world.Shards.HostOf(Orders).Actor!.TryPost(new ShardMessage.Wake(default)); // no session has this key
            await world.UntilAsync(() => world.World.Loggers.Of(1000).Any(line => line.Text.StartsWith("/shard-0 ", StringComparison.Ordinal)));
            Assert.StartsWith("hello", TextOf(await world.AskAsync(Orders)), StringComparison.Ordinal);
            Assert.Equal(2, world.Script.Lines.Count(line => line == "load orders"));
            Assert.Contains("stop orders ParentStopped", world.Script.Lines);
            Assert.Equal([Orders], world.Shards.Residents.Sessions);
        });
    }
}
