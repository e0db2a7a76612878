using Backhaul.Node.Delivery;
using Backhaul.Protocol;
using Backhaul.World;
using Xunit;

namespace Backhaul.Node.Tests.Delivery;

public sealed class SessionFeedTests
{
    private static readonly SessionKey Session = SessionKey.Parse("default/nightly");
    private readonly SessionFeed _feed = new(new DeliveryOptions { ProgressTasksMax = 2, SubscriptionsMax = 3, SubscriptionsPerTenantMax = 3 });

    [Fact]
    public async Task News_before_the_wait_complete_it_at_once()
    {
        using var feed = _feed.Subscribe(Session)!;
        _feed.Published(Session, 1);
        _feed.Published(Session, 2);
        Assert.True(feed.WaitAsync(wantsProgress: false).IsCompleted);
        Assert.True(feed.TakeNews());
        Assert.False(feed.TakeNews());

        var waiting = feed.WaitAsync(wantsProgress: false);
        Assert.False(waiting.IsCompleted);
        _feed.Published(SessionKey.Parse("default/other"), 1);
        Assert.False(waiting.IsCompleted);
        _feed.Published(Session, 3);
        await waiting;
    }

    [Fact]
    public void Progress_wakes_only_who_wants_it_and_is_kept_for_a_bounded_number_of_tasks()
    {
        using var feed = _feed.Subscribe(Session)!;
        var waiting = feed.WaitAsync(wantsProgress: false);
        for (var task = 1; task <= 5; task++)
            _feed.Progress(Session, Progress($"t{task}", task));
        _feed.Progress(Session, Progress("t1", 10));
        Assert.False(waiting.IsCompleted);
        Assert.True(feed.WaitAsync(wantsProgress: true).IsCompleted);
        var moved = new List<ProgressView>();
        feed.TakeProgress(moved);
        Assert.Equal([("t1", 10L), ("t2", 2L)], moved.Select(progress => (progress.Task, progress.Progress.BytesReceived)));
        Assert.False(feed.HasProgress);
    }

    [Fact]
    public void A_node_takes_no_more_readers_than_its_limit()
    {
        var subscriptions = Enumerable.Range(0, 3).Select(index => _feed.Subscribe(SessionKey.Parse($"default/s{index}"))!).ToList();
        Assert.Null(_feed.Subscribe(Session));
        subscriptions[0].Dispose();
        subscriptions[0].Dispose();
        using var next = _feed.Subscribe(Session);
        Assert.NotNull(next);
        Assert.Null(_feed.Subscribe(Session));
        subscriptions.ForEach(subscription => subscription.Dispose());
    }

    [Fact]
    public void A_tenant_leaves_places_for_the_readers_of_others()
    {
        var feed = new SessionFeed(new DeliveryOptions { SubscriptionsMax = 3, SubscriptionsPerTenantMax = 2 });
        using var first = feed.Subscribe(SessionKey.Parse("greedy/a"))!;
        using var second = feed.Subscribe(SessionKey.Parse("greedy/b"))!;
        Assert.Null(feed.Subscribe(SessionKey.Parse("greedy/c")));
        using var other = feed.Subscribe(SessionKey.Parse("acme/a"));
        Assert.NotNull(other);
        Assert.Null(feed.Subscribe(SessionKey.Parse("acme/b"))); // the node is full
        first.Dispose();
        using var again = feed.Subscribe(SessionKey.Parse("greedy/c"));
        Assert.NotNull(again);
    }

    [Theory]
    [InlineData(1_000, null, 800)]
    [InlineData(10_000, null, 8_000)]
    [InlineData(1, null, 1)]
    [InlineData(int.MaxValue, null, 1_717_986_917)]
    [InlineData(1_000, 10, 10)]
    public void A_tenant_has_eight_tenths_of_the_readers_places_unless_operators_say_otherwise(int most, int? said, int expected)
    {
        var options = new DeliveryOptions { SubscriptionsMax = most, SubscriptionsPerTenantMax = said };
        Assert.Equal(expected, options.ReadSubscriptionsPerTenantMax());
        Assert.Empty(options.Validate());
        Assert.NotEmpty((options with { SubscriptionsPerTenantMax = 0 }).Validate());
        if (most > 1_000)
            return;
        var feed = new SessionFeed(options);
        for (var n = 0; n < expected; n++)
            Assert.NotNull(feed.Subscribe(SessionKey.Parse("greedy/a")));
        Assert.Null(feed.Subscribe(SessionKey.Parse("greedy/a")));
        Assert.Equal(most > expected, feed.Subscribe(SessionKey.Parse("acme/a")) is not null);
    }

    [Fact]
    public void A_session_is_attached_while_a_stream_is_open_and_not_by_polls()
    {
        using var poll = _feed.Subscribe(Session)!;
        Assert.False(_feed.IsAttached(Session));
        using (var stream = _feed.Subscribe(Session)!)
        {
            stream.Attach();
            Assert.True(_feed.IsAttached(Session));
        }
        Assert.False(_feed.IsAttached(Session));
    }

    [Fact]
    public async Task Coming_and_going_at_once_loses_no_listener()
    {
        var feed = new SessionFeed(new DeliveryOptions());
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 2000; i++)
            {
                using var subscription = feed.Subscribe(Session)!;
                feed.Published(Session, i);
                await subscription.WaitAsync(wantsProgress: false).WaitAsync(TimeSpan.FromSeconds(20));
            }
        })));
        Assert.False(feed.IsAttached(Session));
    }

    [Fact]
    public void A_poll_answers_with_the_first_event_or_empty_when_its_time_is_over()
    {
        var world = new VirtualWorld();
        var events = new FakeEvents();
        var poll = new EventPoll(events, world.Time);

        Assert.Empty(Poll(world, poll, 30, _ => { }));
        Assert.Equal(TimeSpan.FromSeconds(30), world.Time.Elapsed);

        Assert.Single(Poll(world, poll, 30, _ =>
        {
            events.Add();
            _feed.Published(Session, 1);
        }));
        Assert.Equal(TimeSpan.FromSeconds(35), world.Time.Elapsed);
        Assert.Single(Poll(world, poll, 30, _ => { }));

        using var closing = new CancellationTokenSource();
        Assert.Empty(Poll(world, poll, 30, _ => closing.Cancel(), after: 1, closing: closing));
        Assert.Equal(TimeSpan.FromSeconds(40), world.Time.Elapsed);
    }

    [Fact]
    public void A_poll_ends_when_its_timer_fires_although_the_clock_is_not_there_yet()
    {
        var world = new VirtualWorld();
        Assert.Empty(Poll(world, new EventPoll(new FakeEvents(), new EarlyTimers(world.Time)), 30, _ => { }));
        Assert.Equal(TimeSpan.FromSeconds(30) - EarlyTimers.By, world.Time.Elapsed);
    }

    [Fact]
    public void A_poll_gives_back_what_a_session_refuses()
    {
        var world = new VirtualWorld();
        var events = new FakeEvents();
        events.Instead.Enqueue(new EventReading.Refused(FakeEvents.Problem(404, ProblemCodes.SessionNotFound)));
        using var feed = _feed.Subscribe(Session)!;
        Assert.IsType<EventReading.Refused>(world.Run(async () =>
            await new EventPoll(events, world.Time).ReadAsync(feed, 0, 10, TimeSpan.FromSeconds(30), CancellationToken.None, CancellationToken.None)));
    }

    /// <summary>Polls; after five seconds something happens.</summary>
    private IReadOnlyList<EventView> Poll(VirtualWorld world, EventPoll poll, int seconds, Action<int> after5, long after = 0, CancellationTokenSource? closing = null) =>
        world.Run(async () =>
        {
            using var timer = world.Time.CreateTimer(_ => after5(5), null, TimeSpan.FromSeconds(5), Timeout.InfiniteTimeSpan);
            using var feed = _feed.Subscribe(Session)!;
            var reading = await poll.ReadAsync(feed, after, 10, TimeSpan.FromSeconds(seconds), closing?.Token ?? CancellationToken.None, CancellationToken.None);
            return Assert.IsType<EventReading.Page>(reading).Events.Events;
        });

    private static ProgressView Progress(string task, long bytes) =>
        new() { Task = task, Progress = new TaskProgress { BytesReceived = bytes, BytesSent = 0, Generation = 1 } };
}
