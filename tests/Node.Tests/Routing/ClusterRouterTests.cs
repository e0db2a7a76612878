using Backhaul.Node.Journal;
using Backhaul.Node.Routing;
using Backhaul.Node.Sessions;
using Backhaul.Node.Sharding;
using Backhaul.Node.Tests.Sharding;
using Backhaul.Protocol;
using Microsoft.Extensions.Logging;
using Xunit;
using static Backhaul.Node.Tests.Sharding.ShardWorld;

namespace Backhaul.Node.Tests.Routing;

/// <summary>The router of a node among others, in virtual time, with peers that do what a test tells them.</summary>
public sealed class ClusterRouterTests
{
    private static readonly NodeId A = new(new Guid(1, 0, 0, new byte[8]));
    private static readonly NodeId B = new(new Guid(2, 0, 0, new byte[8]));
    private static readonly NodeId Self = new(new Guid(9, 0, 0, new byte[8]));
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);
    private static readonly CommandKey Key = new(new CommandId(new Guid(7, 0, 0, new byte[8])), 1);
    private static readonly SessionCommand AddWithoutId = ScriptedSession.CommandOf("x");

    private readonly ShardWorld _world = new(new ShardingOptions { ShardCount = 1 });
    private readonly FakeViews _views = new();
    private readonly FakePeers _peers;
    private readonly OwnerDirectory _owners;

    public ClusterRouterTests()
    {
        _peers = new FakePeers(_world.World.Time);
        _views.Node(A, "http://a:1").Node(B, "http://b:1").Shard(0, 5, A).Publish();
        _owners = new OwnerDirectory(_views, new RoutingOptions(), _world.World.Time, _world.World.Loggers.CreateLogger<OwnerDirectory>());
    }

    [Fact]
    public void A_command_takes_one_hop_to_the_owner_and_its_answer_comes_back_unchanged()
    {
        var body = "{\"a\":1}"u8.ToArray();
        _peers.Answer = (_, _) => new PeerAnswer.Replied(new CommandReply.Done(201, body));
        Run(async router =>
        {
            var done = Assert.IsType<CommandReply.Done>(await AskAsync(router));
            Assert.Equal(201, done.Status);
            Assert.True(done.Json.Span.SequenceEqual(body));
            Assert.Equal(["http://a:1"], Addresses);
        });
    }

    [Fact]
    public void What_was_decided_and_refused_is_not_repeated()
    {
        _peers.Answer = (_, _) => new PeerAnswer.Replied(CommandReply.Refuse(422, ProblemCodes.IdempotencyKeyReused, "no"));
        Run(async router =>
        {
            Assert.IsType<CommandReply.Refused>(await AskAsync(router));
            Assert.Single(_peers.Calls);
        });
    }

    [Fact]
    public void A_shard_that_is_here_is_never_asked_of_another_node()
    {
        _world.RunStarted(async () =>
        {
            Assert.StartsWith("hello", TextOf(await NewRouter().ExecuteAsync(Orders, ScriptedSession.CommandOf("hello"), Key, Deadline, CancellationToken.None)), StringComparison.Ordinal);
            Assert.Empty(_peers.Calls);
        });
    }

    [Fact]
    public void A_suspended_shard_answers_neither_commands_nor_queries_until_the_lease_is_trusted_again()
    {
        _world.RunStarted(async () =>
        {
            var router = NewRouter();
            _world.Shards.Suspend();
            var began = Now;
            var read = await router.ExecuteAsync(Orders, new SessionCommand.Describe(), null, TimeSpan.FromSeconds(3), CancellationToken.None);
            Assert.Equal(UnavailableReason.Suspended, ReasonOf(read));
            Assert.InRange(Now - began, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(3));
            var waits = router.ExecuteAsync(Orders, ScriptedSession.CommandOf("later"), Key, Deadline, CancellationToken.None);
            await Task.Delay(TimeSpan.FromSeconds(2), _world.World.Time);
            _world.Shards.Resume();
            Assert.IsType<CommandReply.Done>(await waits);
            Assert.Empty(_peers.Calls);
        });
    }

    [Fact]
    public void A_redirection_is_followed_at_once_and_remembered()
    {
        _peers.Answer = (owner, _) => owner.Node == A ? new PeerAnswer.NotOwner(new Owner(0, 7, B, "http://b:1")) : FakePeers.Done();
        Run(async router =>
        {
            var began = Now;
            Assert.IsType<CommandReply.Done>(await AskAsync(router));
            Assert.True(Now - began < TimeSpan.FromMilliseconds(20));
            Assert.IsType<CommandReply.Done>(await AskAsync(router));
            Assert.Equal(["http://a:1", "http://b:1", "http://b:1"], Addresses);
            Assert.Equal(0, _views.Refreshes);
        });
    }

    [Fact]
    public void Two_nodes_that_name_each_other_do_not_send_a_command_round_and_round()
    {
        // each knows the other as the owner, at the epoch that it last saw
        _peers.Answer = (owner, _) => new PeerAnswer.NotOwner(owner.Node == A ? new Owner(0, 6, B, "http://b:1") : new Owner(0, 5, A, "http://a:1"));
        Run(async router =>
        {
            Assert.Equal(UnavailableReason.Acquiring, ReasonOf(await AskAsync(router)));
            Assert.InRange(_peers.Calls.Count, 3, 20); // 10 s of back-off, not thousands
            Assert.InRange(_views.Refreshes, 1, 20);
        });
    }

    [Theory]
    [InlineData(UnavailableReason.Acquiring), InlineData(UnavailableReason.Moving), InlineData(UnavailableReason.Suspended), InlineData(UnavailableReason.Full)]
    internal void An_owner_that_is_not_ready_is_waited_for(UnavailableReason reason)
    {
        _peers.Answer = (_, number) => number < 4 ? FakePeers.NotNow(reason, 0.2) : FakePeers.Done();
        Run(async router =>
        {
            var began = Now;
            Assert.IsType<CommandReply.Done>(await AskAsync(router));
            Assert.Equal(4, _peers.Calls.Count);
            Assert.True(Now - began >= TimeSpan.FromSeconds(0.6));
        });
    }

    [Theory]
    [InlineData(UnavailableReason.Storage), InlineData(UnavailableReason.Deadline)]
    internal void An_answer_that_no_repetition_helps_goes_to_the_caller(UnavailableReason reason)
    {
        _peers.Answer = (_, _) => FakePeers.NotNow(reason);
        Run(async router =>
        {
            Assert.Equal(reason, ReasonOf(await AskAsync(router)));
            Assert.Single(_peers.Calls);
        });
    }

    [Fact]
    public void A_node_that_is_not_reached_is_forgotten_and_the_next_owner_gets_the_command()
    {
        _peers.Answer = (owner, _) => owner.Node == A ? FakePeers.Failed(PeerFailure.NotSent) : FakePeers.Done();
        _views.OnRefresh = _ =>
        {
            if (Now > TimeSpan.FromSeconds(3))
                _views.Shard(0, 7, B).Publish();
            return Task.CompletedTask;
        };
        Run(async router =>
        {
            // certainly not executed: also a command without a key goes again
            Assert.IsType<CommandReply.Done>(await router.ExecuteAsync(Orders, AddWithoutId, null, Deadline, CancellationToken.None));
            Assert.Equal("http://b:1", Addresses[^1]);
            Assert.Single(Addresses, "http://b:1");
        });
    }

    [Fact]
    public void A_callers_short_deadline_does_not_cut_this_node_off_from_a_healthy_peer()
    {
        _peers.Answer = (_, number) => number == 1 ? FakePeers.Failed(PeerFailure.TooLate) : FakePeers.Done();
        Run(async router =>
        {
            Assert.Equal(UnavailableReason.Deadline, ReasonOf(await AskAsync(router)));
            Assert.Equal(A, _owners.Find(0)?.Node);
            Assert.Equal(0, _views.Refreshes);
            Assert.IsType<CommandReply.Done>(await AskAsync(router));
            Assert.Equal(2, _peers.Calls.Count);
        });
    }

    [Fact]
    public void A_connection_that_ends_before_the_command_was_read_is_tried_again_and_the_address_kept()
    {
        _peers.Answer = (_, number) => number == 1 ? FakePeers.Failed(PeerFailure.Refused) : FakePeers.Done();
        Run(async router =>
        {
            Assert.IsType<CommandReply.Done>(await router.ExecuteAsync(Orders, AddWithoutId, null, Deadline, CancellationToken.None));
            Assert.Equal(2, _peers.Calls.Count);
            Assert.Empty(_world.World.Loggers.Of(3505)); // nobody dropped it
        });
    }

    [Fact]
    public void What_was_perhaps_executed_goes_again_only_when_a_repetition_is_recognised()
    {
        _peers.Answer = (_, number) => number == 1 ? FakePeers.Failed(PeerFailure.Unknown) : FakePeers.Done();
        Run(async router =>
        {
            Assert.IsType<CommandReply.Done>(await router.ExecuteAsync(Orders, AddWithoutId, Key, Deadline, CancellationToken.None));
            Assert.Equal(2, _peers.Calls.Count);
            _peers.Calls.Clear();
            // a client's command without a key has one of this call, so the session knows it again
            _peers.Commands.Clear();
            Assert.IsType<CommandReply.Done>(await router.ExecuteAsync(Orders, AddWithoutId, null, Deadline, CancellationToken.None));
            Assert.Equal(2, _peers.Calls.Count);
            Assert.NotNull(_peers.Commands[0].Key);
            Assert.Equal(_peers.Commands[0].Key, _peers.Commands[1].Key);
            Assert.IsType<CommandReply.Done>(await router.ExecuteAsync(Orders, AddWithoutId, null, Deadline, CancellationToken.None));
            Assert.NotEqual(_peers.Commands[0].Key, _peers.Commands[^1].Key); // another call is another intent
            _peers.Calls.Clear();
            Assert.IsType<CommandReply.Done>(await router.ExecuteAsync(Orders, new SessionCommand.Describe(), null, Deadline, CancellationToken.None));
            Assert.Equal(2, _peers.Calls.Count);
        });
    }

    [Fact]
    public void A_command_for_a_shard_that_nobody_owns_waits_for_its_next_owner()
    {
        _views.Shard(0, 6, null).Publish();
        Run(async router =>
        {
            var waits = AskAsync(router);
            await Task.Delay(TimeSpan.FromSeconds(4), _world.World.Time);
            Assert.Empty(_peers.Calls);
            _views.Shard(0, 7, B).Publish();
            Assert.IsType<CommandReply.Done>(await waits);
            Assert.True(Now < TimeSpan.FromSeconds(7));
            Assert.Equal(["http://b:1"], Addresses);
        });
    }

    [Fact]
    public void Nobody_owns_it_until_the_deadline_and_the_caller_is_told_before_it()
    {
        _views.Shard(0, 6, null).Publish();
        Run(async router =>
        {
            var reply = await AskAsync(router);
            Assert.Equal(UnavailableReason.Acquiring, ReasonOf(reply));
            Assert.InRange(Now, TimeSpan.FromSeconds(5), Deadline);
        });
    }

    [Fact]
    public void More_commands_than_may_wait_are_told_at_once()
    {
        _views.Shard(0, 6, null).Publish();
        Run(async router =>
        {
            var waiting = Enumerable.Range(0, 50).Select(_ => AskAsync(router).AsTask()).ToList();
            await Task.Delay(TimeSpan.FromMilliseconds(1), _world.World.Time);
            Assert.Equal(40, waiting.Count(ask => ask.IsCompleted));
            foreach (var ask in waiting)
                Assert.Equal(UnavailableReason.Acquiring, ReasonOf(await ask));
        }, new RoutingOptions { RetriesInFlightMax = 10 });
    }

    [Fact]
    public void An_outage_is_not_made_worse_by_repetitions()
    {
        _peers.Answer = (_, _) => FakePeers.NotNow(UnavailableReason.Moving);
        Run(async router =>
        {
            var asks = new List<Task>();
            for (var i = 0; i < 1000; i++)
            {
                asks.Add(AskAsync(router).AsTask());
                await Task.Delay(TimeSpan.FromMilliseconds(10), _world.World.Time);
            }
            foreach (var ask in asks)
                await ask;
            // the commands, a tenth of them, what was saved up, and one for each second
            Assert.InRange(_peers.Calls.Count, 1000, 1000 + 100 + 100 + 25);
        });
    }

    [Theory]
    [InlineData(UnavailableReason.Suspended), InlineData(UnavailableReason.Acquiring), InlineData(UnavailableReason.Full)]
    internal void Without_a_budget_nobody_waits_blind_until_the_deadline(UnavailableReason reason)
    {
        _peers.Answer = (_, _) => FakePeers.NotNow(reason, 0.2);
        Run(async router =>
        {
            var took = await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
            {
                Assert.Equal(reason, ReasonOf(await router.ExecuteAsync(Orders, AddWithoutId, Key, TimeSpan.FromSeconds(20), CancellationToken.None)));
                return Now;
            }));
            Assert.InRange(took.Count(time => time > TimeSpan.FromSeconds(6)), 0, 3); // those that had the one repetition of a second
            Assert.InRange(_peers.Calls.Count, 50, 50 + 25);
        }, new RoutingOptions { RetryShare = 0, RetryBurst = 1 });
    }

    [Fact]
    public void Owners_that_said_when_to_come_back_are_asked_before_what_else_failed()
    {
        var budget = new RetryBudget(0, 10, 0);
        for (var i = 0; i < 5; i++)
            Assert.True(budget.TrySpend(TimeSpan.Zero, keep: 5));
        Assert.False(budget.TrySpend(TimeSpan.Zero, keep: 5));
        for (var i = 0; i < 5; i++)
            Assert.True(budget.TrySpend(TimeSpan.Zero));
        Assert.False(budget.TrySpend(TimeSpan.Zero));
    }

    [Fact]
    public void Commands_that_wait_are_bounded_by_what_they_hold()
    {
        _peers.Answer = (_, _) => FakePeers.NotNow(UnavailableReason.Moving, 1);
        Run(async router =>
        {
            var large = ScriptedSession.CommandOf(new string('x', 1024 * 1024)); // 2 MiB in memory
            var asks = Enumerable.Range(0, 10).Select(_ => router.ExecuteAsync(Orders, large, Key, TimeSpan.FromSeconds(5), CancellationToken.None).AsTask()).ToList();
            await Task.Delay(TimeSpan.FromMilliseconds(10), _world.World.Time);
            Assert.Equal(7, asks.Count(ask => ask.IsCompleted)); // 8 MiB take three, and their frames
            foreach (var ask in asks.Where(ask => ask.IsCompleted))
                Assert.Equal(UnavailableReason.Full, ReasonOf(await ask));
            Assert.Equal(3, _peers.Calls.Count);
            await Task.WhenAll(asks);
            _peers.Answer = (_, _) => FakePeers.Done();
            Assert.IsType<CommandReply.Done>(await router.ExecuteAsync(Orders, large, Key, Deadline, CancellationToken.None)); // all was given back
        }, new RoutingOptions { HeldBytesMax = 8 * 1024 * 1024 });
    }

    [Fact]
    public void A_caller_without_a_key_is_not_told_to_repeat_it()
    {
        _peers.Takes = TimeSpan.FromHours(1);
        Run(async router =>
        {
            var without = Assert.IsType<CommandReply.Unavailable>(await router.ExecuteAsync(Orders, AddWithoutId, null, Deadline, CancellationToken.None));
            Assert.DoesNotContain("same Idempotency-Key", without.Detail, StringComparison.Ordinal);
            Assert.Contains("look whether it was", without.Detail, StringComparison.Ordinal);
            var with = Assert.IsType<CommandReply.Unavailable>(await AskAsync(router));
            Assert.Contains("same Idempotency-Key", with.Detail, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Without_a_budget_a_command_still_goes_to_another_owner()
    {
        _peers.Answer = (owner, _) => owner.Node == A ? FakePeers.NotNow(UnavailableReason.Moving) : FakePeers.Done();
        Run(async router =>
        {
            var asks = Enumerable.Range(0, 200).Select(_ => AskAsync(router).AsTask()).ToList();
            await Task.Delay(TimeSpan.FromSeconds(3), _world.World.Time);
            _views.Shard(0, 6, B).Publish();
            foreach (var ask in asks)
                Assert.IsType<CommandReply.Done>(await ask);
            Assert.Equal(200, Addresses.Count(address => address == "http://b:1"));
        }, new RoutingOptions { RetryShare = 0, RetryBurst = 1 });
    }

    [Fact]
    public void A_peer_that_never_answers_costs_the_deadline_and_no_more()
    {
        _peers.Takes = TimeSpan.FromHours(1);
        Run(async router =>
        {
            Assert.Equal(UnavailableReason.Deadline, ReasonOf(await AskAsync(router)));
            Assert.InRange(Now, Deadline, Deadline + TimeSpan.FromMilliseconds(2));
        });
    }

    [Theory]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(6)]
    public void Every_command_has_one_answer_before_its_deadline_whatever_peers_and_views_do(int seed)
    {
        var random = new Random(seed);
        _peers.Answer = (owner, _) => random.Next(9) switch
        {
            0 => FakePeers.NotNow((UnavailableReason)random.Next(1, 9), random.NextDouble()),
            1 => FakePeers.Failed((PeerFailure)random.Next(1, 6)),
            2 => new PeerAnswer.NotOwner(null),
            3 => new PeerAnswer.NotOwner(new Owner(0, owner.Epoch + random.Next(-1, 3), random.Next(2) == 0 ? A : B, random.Next(2) == 0 ? "http://a:1" : "http://b:1")),
            _ => FakePeers.Done(),
        };
        Run(async router =>
        {
            var asks = new List<Task>();
            for (var i = 0; i < 300; i++)
            {
                if (random.Next(10) == 0)
                    _views.Shard(0, 5 + i, random.Next(3) switch { 0 => A, 1 => B, _ => null }).Publish();
                _peers.Takes = TimeSpan.FromMilliseconds(random.Next(1, 400));
                asks.Add(OneAsync(router, TimeSpan.FromMilliseconds(random.Next(1, 6000))));
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(40)), _world.World.Time);
            }
            foreach (var ask in asks)
                await ask;
        });

        async Task OneAsync(CommandRouter router, TimeSpan deadline)
        {
            var began = Now;
            Assert.NotNull(await router.ExecuteAsync(Orders, AddWithoutId, Key, deadline, CancellationToken.None));
            Assert.InRange(Now - began, TimeSpan.Zero, deadline + TimeSpan.FromMilliseconds(2));
        }
    }

    [Fact]
    public void A_forwarded_command_is_executed_here_or_answered_with_who_owns_it_and_never_sent_on()
    {
        _world.Run(async () =>
        {
            var incoming = new IncomingCommands(new LocalCommands(_world.Shards, _world.World.Time), _owners, Self);
            var elsewhere = await incoming.ExecuteAsync(new PeerCommand(Orders, new SessionCommand.Describe(), null), Deadline, CancellationToken.None);
            Assert.Equal(new PeerAnswer.NotOwner(new Owner(0, 5, A, "http://a:1")), elsewhere);
            _views.Node(Self, "http://self:1").Shard(0, 6, Self).Publish();
            Assert.Equal(
                new PeerAnswer.NotOwner(null),
                await incoming.ExecuteAsync(new PeerCommand(Orders, new SessionCommand.Describe(), null), Deadline, CancellationToken.None));
            await _world.Ownership.StartAsync(CancellationToken.None);
            var here = await incoming.ExecuteAsync(new PeerCommand(Orders, ScriptedSession.CommandOf("hello"), Key), Deadline, CancellationToken.None);
            Assert.StartsWith("hello", TextOf(Assert.IsType<PeerAnswer.Replied>(here).Reply), StringComparison.Ordinal);
            Assert.Empty(_peers.Calls);
        });
    }

    private TimeSpan Now => _world.World.Time.Elapsed;

    private List<string> Addresses => [.. _peers.Calls.Select(call => call.Address)];

    private void Run(Func<CommandRouter, Task> body, RoutingOptions? options = null) => _world.Run(() => body(NewRouter(options)));

    private CommandRouter NewRouter(RoutingOptions? options = null) => new(
        new LocalCommands(_world.Shards, _world.World.Time), options ?? new RoutingOptions(), _world.World.Time, _world.World.Random,
        _world.World.Loggers.CreateLogger<CommandRouter>(), new PeerRoutes(Self, _owners, _peers, _world.World.Random));

    private static ValueTask<CommandReply> AskAsync(CommandRouter router) =>
        router.ExecuteAsync(Orders, ScriptedSession.CommandOf("x"), Key, Deadline, CancellationToken.None);
}
