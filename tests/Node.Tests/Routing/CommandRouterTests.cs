using Backhaul.Node.Actors;
using Backhaul.Node.Sessions;
using Backhaul.Node.Sharding;
using Backhaul.Node.Tests.Sharding;
using Backhaul.Protocol;
using Xunit;
using static Backhaul.Node.Tests.Sharding.ShardWorld;

namespace Backhaul.Node.Tests.Routing;

public sealed class CommandRouterTests
{
    [Fact]
    public void A_session_that_does_not_answer_is_answered_for_at_the_deadline()
    {
        var world = new ShardWorld();
        world.Script.OnExecute = async (_, _, context) => await Task.Delay(TimeSpan.FromMinutes(5), context.Time);
        world.RunStarted(async () =>
        {
            var began = world.World.Time.Elapsed;
            Assert.Equal(UnavailableReason.Deadline, ReasonOf(await world.AskAsync(Orders, withinSeconds: 7)));
            Assert.Equal(TimeSpan.FromSeconds(7), world.World.Time.Elapsed - began);
        });
    }

    [Fact]
    public void A_command_whose_deadline_passed_while_it_waited_is_not_executed()
    {
        var world = new ShardWorld();
        world.Script.OnLoad = async (_, context) => await Task.Delay(TimeSpan.FromSeconds(10), context.Time);
        world.RunStarted(async () =>
        {
            Assert.Equal(UnavailableReason.Deadline, ReasonOf(await world.AskAsync(Orders, "gone", withinSeconds: 2)));
            await world.AskAsync(Orders, "stays");
            Assert.Equal(["load orders", "orders stays"], world.Script.Lines);
        });
    }

    [Fact]
    public void A_crowd_waits_for_a_loading_session_inside_the_node()
    {
        var world = new ShardWorld();
        world.Script.OnLoad = async (_, context) => await Task.Delay(TimeSpan.FromSeconds(2), context.Time);
        world.RunStarted(async () =>
        {
            var replies = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => world.AskAsync(Orders, $"{i}").AsTask()));
            Assert.All(replies, reply => Assert.IsType<CommandReply.Done>(reply));
            Assert.Equal(500, world.Script.Lines.Count(line => line.StartsWith("orders", StringComparison.Ordinal)));
        });
    }

    [Fact]
    public void A_crash_is_waited_out_when_a_repetition_is_recognised_and_told_when_not()
    {
        var world = new ShardWorld();
        var tries = 0;
        world.Script.OnExecute = (_, _, _) => ++tries % 2 == 1 ? throw new InvalidOperationException("bug") : default;
        world.RunStarted(async () =>
        {
            Assert.StartsWith("hello", TextOf(await world.AskAsync(Orders)), StringComparison.Ordinal);
            Assert.Equal(2, tries);
            Assert.Equal(UnavailableReason.Crashed, ReasonOf(await world.AskAsync(Orders, withKey: false)));
            Assert.Equal(3, tries);
        });
    }

    [Fact]
    public void A_full_session_is_told_at_once()
    {
        var world = new ShardWorld(new ShardingOptions { ShardCount = 1, SessionInboxMax = 3 });
        world.RunStarted(async () =>
        {
            await world.AskAsync(Orders);
            world.Script.OnExecute = async (_, _, context) => await Task.Delay(TimeSpan.FromSeconds(1), context.Time);
            var replies = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => world.AskAsync(Orders, $"{i}").AsTask()));
            Assert.All(replies.OfType<CommandReply.Unavailable>(), reply => Assert.Equal(UnavailableReason.Full, reply.Reason));
            Assert.InRange(replies.OfType<CommandReply.Done>().Count(), 3, 4);
        });
    }

    [Fact]
    public void A_caller_who_leaves_is_let_go_and_the_command_is_dropped()
    {
        var world = new ShardWorld();
        world.Script.OnLoad = async (_, context) => await Task.Delay(TimeSpan.FromSeconds(3), context.Time);
        world.RunStarted(async () =>
        {
            using var leave = new CancellationTokenSource(TimeSpan.FromSeconds(1), world.World.Time);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await world.Router.ExecuteAsync(
                Orders, ScriptedSession.CommandOf("left"), null, TimeSpan.FromSeconds(30), leave.Token));
            await world.AskAsync(Orders, "stays");
            Assert.DoesNotContain("orders left", world.Script.Lines);
        });
    }

    /// <summary>Sessions that crash, hang, leave, load slowly or not at all: whatever they do, each command has one answer in time.</summary>
    [Theory]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6), InlineData(7), InlineData(8)]
    public void Every_command_is_answered_before_its_deadline_whatever_sessions_do(int seed)
    {
        var world = new ShardWorld(new ShardingOptions { ShardCount = 3, LoadsMax = 3, SessionInboxMax = 8, ParkedMax = 8 }, seed: seed);
        var random = new Random(seed);
        world.Script.OnLoad = async (_, context) =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1500)), context.Time, context.Stopping);
            if (random.Next(6) == 0)
                throw new InvalidOperationException("damaged");
        };
        world.Script.OnExecute = async (_, _, context) =>
        {
            switch (random.Next(12))
            {
                case 0:
                    throw new InvalidOperationException("bug");
                case 1:
                    context.StopSelf(StopReason.Passivate);
                    break;
                case 2:
                    await Task.Delay(TimeSpan.FromSeconds(random.Next(10)), context.Time);
                    break;
                default:
                    await Task.Delay(TimeSpan.FromMilliseconds(random.Next(200)), context.Time);
                    break;
            }
        };
        world.RunStarted(async () =>
        {
            var asks = new List<Task>();
            for (var i = 0; i < 400; i++)
            {
                asks.Add(AskAsync(SessionKey.Parse($"acme/s{random.Next(12)}"), TimeSpan.FromMilliseconds(random.Next(1, 8000))));
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(60)), world.World.Time);
            }
            await Task.WhenAll(asks);
            await world.Ownership.DrainAsync(CancellationToken.None);
            Assert.All(world.Script.Instances.Values, count => Assert.Equal(0, count));
        });

        async Task AskAsync(SessionKey session, TimeSpan deadline)
        {
            var began = world.World.Time.Elapsed;
            var reply = await world.Router.ExecuteAsync(session, ScriptedSession.CommandOf("x"), null, deadline, CancellationToken.None);
            Assert.NotNull(reply);
            Assert.InRange(world.World.Time.Elapsed - began, TimeSpan.Zero, deadline + TimeSpan.FromMilliseconds(2));
        }
    }
}
