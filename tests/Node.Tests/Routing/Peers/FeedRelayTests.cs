using System.IO.Pipelines;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Backhaul.Node.Delivery;
using Backhaul.Node.Journal;
using Backhaul.Node.Routing.Peers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Routing.Peers;

/// <summary>Clients listen on one node, their session is on another: over real sockets, with owners that change.</summary>
public sealed partial class FeedRelayTests
{
    private static readonly SessionKey Orders = SessionKey.Parse("acme/orders");
    private static readonly PeerOptions Quick = new() { FeedPoll = TimeSpan.FromMilliseconds(200), FeedBeat = TimeSpan.FromMilliseconds(200) };

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task News_progress_and_attachment_go_between_the_owner_and_the_listeners()
    {
        await using var owner = await PeerNode.StartAsync();
        await using var edge = await PeerNode.StartAsync(owns: false);
        OwnedBy(owner, 1, owner, edge);
        using var listener = edge.Feed.Subscribe(Orders)!;
        await UntilAsync(listener.TakeNews); // the relay stands
        Assert.False(owner.Feed.IsAttached(Orders));
        listener.Attach();
        await UntilAsync(() => owner.Feed.IsAttached(Orders));
        await UntilAsync(listener.TakeNews); // the relay stands again
        while (listener.TakeNews())
            await Task.Yield();
        await UntilAsync(() =>
        {
            owner.Feed.Published(Orders, 7);
            return listener.TakeNews();
        });
        owner.Feed.Progress(Orders, new ProgressView { Task = "t1", Progress = new TaskProgress { BytesReceived = 12, BytesSent = 0, Generation = 1 } });
        await UntilAsync(() => listener.HasProgress);
        List<ProgressView> moved = [];
        listener.TakeProgress(moved);
        Assert.Equal((12, "t1"), (moved.Single().Progress.BytesReceived, moved.Single().Task));
        listener.Dispose();
        await UntilAsync(() => !owner.Feed.IsAttached(Orders));
        Assert.Equal(0, edge.Relays.Count);
    }

    [Fact]
    public async Task Many_listeners_of_a_session_share_one_relay_and_the_owners_own_have_none_to_another_node()
    {
        await using var owner = await PeerNode.StartAsync();
        await using var edge = await PeerNode.StartAsync(owns: false);
        OwnedBy(owner, 1, owner, edge);
        List<FeedSubscription> listeners = [.. Enumerable.Range(0, 20).Select(_ => edge.Feed.Subscribe(Orders)!)];
        foreach (var listener in listeners)
            await UntilAsync(listener.TakeNews);
        Assert.Equal(1, edge.Relays.Count);
        Assert.Equal(0, owner.Relays.Count); // a peer's subscription looks for nobody
        listeners.ForEach(listener => listener.Dispose());
        Assert.Equal(0, edge.Relays.Count);
    }

    [Fact]
    public async Task While_no_relay_stands_listeners_are_told_to_look_by_themselves()
    {
        await using var edge = await PeerNode.StartAsync(Quick, owns: false);
        edge.Views.Shard(0, 4, null).Publish();
        using var listener = edge.Feed.Subscribe(Orders)!;
        for (var i = 0; i < 5; i++)
            await UntilAsync(listener.TakeNews);
    }

    [Fact]
    public async Task An_owner_that_falls_silent_is_given_up_and_the_next_one_is_followed()
    {
        await using var first = await PeerNode.StartAsync(new PeerOptions { FeedBeat = TimeSpan.FromMinutes(1) }); // never says that it is there
        await using var second = await PeerNode.StartAsync(Quick);
        await using var edge = await PeerNode.StartAsync(Quick, owns: false);
        OwnedBy(first, 1, first, second, edge);
        using var listener = edge.Feed.Subscribe(Orders)!;
        await UntilAsync(listener.TakeNews);
        OwnedBy(second, 2, first, second, edge);
        await UntilAsync(() => PeersOf(second) > 0);

        int PeersOf(PeerNode node)
        {
            node.Feed.Published(Orders, 1);
            return listener.TakeNews() ? 1 : 0;
        }
    }

    [Fact]
    public async Task An_owner_that_is_cut_off_from_the_store_and_goes_on_beating_is_left_for_the_one_that_took_over()
    {
        await using var first = await PeerNode.StartAsync(Quick);
        await using var second = await PeerNode.StartAsync(Quick);
        await using var edge = await PeerNode.StartAsync(Quick, owns: false);
        OwnedBy(first, 1, first, second, edge);
        using var listener = edge.Feed.Subscribe(Orders)!;
        listener.Attach();
        await UntilAsync(() => first.Feed.IsAttached(Orders));
        first.Shards.Suspend(); // and it never hears of what follows
        OwnedBy(second, 2, second, edge);
        await UntilAsync(() => second.Feed.IsAttached(Orders));
    }

    [Fact]
    public async Task A_relay_that_fails_begins_anew_and_has_nothing_of_its_first_client()
    {
        await using var owner = await PeerNode.StartAsync(Quick);
        await using var edge = await PeerNode.StartAsync(Quick, owns: false);
        OwnedBy(owner, 1, owner, edge);
        var trace = new AsyncLocal<string?> { Value = "client" };
        var (failed, seen) = (0, "");
        edge.OnSecret = () =>
        {
            seen += trace.Value;
            return Interlocked.Increment(ref failed) == 1 ? throw new InvalidOperationException("a bug") : null;
        };
        using var listener = edge.Feed.Subscribe(Orders)!;
        listener.Attach();
        await UntilAsync(() => owner.Feed.IsAttached(Orders));
        Assert.True(failed > 1);
        Assert.Equal("", seen);
    }

    [Theory]
    [InlineData(1, 0), InlineData(11, 10), InlineData(1001, 1000), InlineData(10_000, 3000)]
    public void Many_relays_that_end_together_spread_their_reads_and_a_few_do_not_wait(int relays, int milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), FeedRelays.SpreadOf(relays, TimeSpan.FromSeconds(3)));

    [Fact]
    public async Task Listeners_of_a_suspended_node_ask_by_themselves()
    {
        await using var node = await PeerNode.StartAsync(Quick);
        using var listener = node.Feed.Subscribe(Orders)!;
        await UntilAsync(() => node.Relays.Count == 1);
        Assert.False(listener.TakeNews());
        node.Shards.Suspend(); // its actors say nothing from now on, and another node may own what they stand for
        for (var i = 0; i < 3; i++)
            await UntilAsync(listener.TakeNews);
    }

    [Theory]
    [InlineData("acme/a:b~c"), InlineData("acme/a._~:-Z9")]
    public async Task Every_character_of_an_identifier_comes_through_the_path_as_it_was_signed(string name)
    {
        var session = SessionKey.Parse(name);
        await using var owner = await PeerNode.StartAsync();
        await using var edge = await PeerNode.StartAsync(Quick, owns: false);
        OwnedBy(owner, 1, owner, edge);
        using var listener = edge.Feed.Subscribe(session)!;
        listener.Attach();
        await UntilAsync(() => owner.Feed.IsAttached(session));
    }

    [Fact]
    public async Task A_client_stream_survives_the_move_of_its_session_without_a_gap_or_a_double()
    {
        var events = new SharedEvents();
        await using var first = await PeerNode.StartAsync(Quick);
        await using var second = await PeerNode.StartAsync(Quick, owns: false);
        await using var edge = await PeerNode.StartAsync(Quick, owns: false);
        OwnedBy(first, 1, first, second, edge);
        var pipe = new Pipe();
        using var listener = edge.Feed.Subscribe(Orders)!;
        listener.Attach();
        using var stream = new EventStream(events, listener, pipe.Writer, TimeProvider.System, () => 0.5, new DeliveryOptions());
        using var gone = new CancellationTokenSource();
        var running = stream.RunAsync(new EventPage { Events = [], Last = 0, Acknowledged = 0 }, 0, CancellationToken.None, gone.Token);
        var numbers = new List<long>();
        var reading = ReadNumbersAsync(pipe.Reader, numbers);

        events.Add(first.Feed, Orders, 20);
        await UntilAsync(() => CountOf(numbers) == 20);
        // the hand-over: nobody owns it for a while, and what is published meanwhile is told to nobody
        OwnedBy(null, 2, first, second, edge);
        await first.Ownership.DrainAsync(Stop);
        events.Add(null, Orders, 10);
        await second.Ownership.StartAsync(Stop);
        OwnedBy(second, 3, first, second, edge);
        await UntilAsync(() => CountOf(numbers) == 30);
        // and the new owner's news come by its relay
        await UntilAsync(() => second.Feed.IsAttached(Orders));
        for (var i = 0; i < 10; i++)
            events.Add(second.Feed, Orders, 3);
        await UntilAsync(() => CountOf(numbers) == 60);
        Assert.False(running.IsCompleted);
        await gone.CancelAsync();
        Assert.Equal(StreamEnd.Gone, await running);
        await pipe.Writer.CompleteAsync();
        await reading;
        Assert.Equal(Enumerable.Range(1, 60).Select(number => (long)number), numbers);

        static int CountOf(List<long> numbers)
        {
            lock (numbers)
                return numbers.Count;
        }
    }

    [Theory]
    [InlineData("signature", 401), InlineData("target", 409), InlineData("session", 400), InlineData("owner", 421)]
    public async Task A_feed_is_given_to_nodes_of_the_cluster_by_the_owner_only(string wrong, int status)
    {
        await using var node = await PeerNode.StartAsync(owns: wrong != "owner");
        using var client = new HttpClient();
        var path = PeerHeaders.FeedPath + (wrong == "session" ? "acme/..%20" : "acme/orders");
        var target = wrong == "target" ? new NodeId(Guid.NewGuid()) : node.Identity.Self;
        var secret = wrong == "signature" ? [1] : PeerNode.ClusterSecret;
        using var request = PeerHeaders.NewRequest(HttpMethod.Get, new Uri(node.Address), path, target, TimeSpan.FromSeconds(5), secret, default);
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(HttpVersion.Version20, response.Version);
    }

    [Fact]
    public async Task More_relays_than_a_node_takes_are_refused_and_it_goes_on()
    {
        await using var owner = await PeerNode.StartAsync(new PeerOptions { FeedsMax = 1 });
        await using var one = await PeerNode.StartAsync(Quick, owns: false);
        await using var two = await PeerNode.StartAsync(Quick, owns: false);
        OwnedBy(owner, 1, owner, one, two);
        using var first = one.Feed.Subscribe(Orders)!;
        await UntilAsync(first.TakeNews);
        using var second = two.Feed.Subscribe(Orders)!;
        for (var i = 0; i < 3; i++)
            await UntilAsync(second.TakeNews); // it polls
        first.Dispose();
        second.Attach();
        await UntilAsync(() => owner.Feed.IsAttached(Orders));
    }

    private static void OwnedBy(PeerNode? owner, long epoch, params PeerNode[] nodes)
    {
        foreach (var node in nodes)
        {
            foreach (var member in nodes)
                node.Views.Node(member.Identity.Self, member.Address);
            node.Views.Shard(0, epoch, owner?.Identity.Self).Publish();
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(30), "The condition did not come true.");
            await Task.Delay(10, Stop);
        }
    }

    private static async Task ReadNumbersAsync(PipeReader reader, List<long> numbers)
    {
        using var lines = new StreamReader(reader.AsStream());
        while (await lines.ReadLineAsync(Stop) is { } line)
        {
            if (IdLine().Match(line) is { Success: true } match)
            {
                lock (numbers)
                    numbers.Add(long.Parse(match.Groups[1].Value));
            }
        }
    }

    [GeneratedRegex("^id: ([0-9]+)$")]
    private static partial Regex IdLine();

    /// <summary>The journal that all nodes read: gap-free numbers, whoever is asked.</summary>
    private sealed class SharedEvents : IEventSource
    {
        private readonly List<EventView> _events = [];

        public void Add(ISessionFeed? tell, SessionKey session, int count)
        {
            for (var i = 0; i < count; i++)
            {
                lock (_events)
                    _events.Add(new EventView { Number = _events.Count + 1, Type = "taskWaiting", At = DateTimeOffset.UnixEpoch, Data = JsonElement.Parse("{}") });
                tell?.Published(session, _events.Count);
            }
        }

        public ValueTask<EventReading> ReadAsync(SessionKey session, long after, int limit, CancellationToken stop)
        {
            lock (_events)
            {
                var page = new EventPage { Events = [.. _events.Skip((int)after).Take(limit)], Last = _events.Count, Acknowledged = 0 };
                return ValueTask.FromResult<EventReading>(new EventReading.Page(page, default));
            }
        }
    }
}
