using System.IO.Pipelines;
using System.Text;
using Backhaul.Node.Delivery;
using Backhaul.Protocol;
using Backhaul.World;
using Xunit;

namespace Backhaul.Node.Tests.Delivery;

public sealed class EventStreamTests : IDisposable
{
    private static readonly SessionKey Session = SessionKey.Parse("default/nightly");
    private readonly VirtualWorld _world = new();
    private readonly FakeEvents _events = new();
    private readonly DeliveryOptions _options = new();
    private readonly SessionFeed _feed;
    private readonly Pipe _pipe = new(new PipeOptions(
        pauseWriterThreshold: 4096, resumeWriterThreshold: 1024, readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false));
    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationTokenSource _gone = new();
    private EventStream? _stream;
    private Task<StreamEnd>? _run;

    public EventStreamTests() => _feed = new SessionFeed(_options);

    [Fact]
    public void Events_have_id_type_and_one_line_of_data()
    {
        _events.Add(data: """
            {"url":
             "x"}
            """);
        Start();
        Assert.Equal(
            """
            id: 1
            event: taskCreated
            data: {"number":1,"type":"taskCreated","at":"2030-01-01T00:00:00Z","task":"t1","data":{"url":"x"}}


            """.ReplaceLineEndings("\n"),
            Read());
    }

    [Fact]
    public void A_stream_goes_on_after_the_number_the_reader_has_and_follows_what_is_published()
    {
        for (var i = 0; i < 3; i++)
            _events.Add();
        Start(after: 2);
        Assert.Equal([3], Ids());

        Publish();
        Publish();
        Assert.Equal([4, 5], Ids());
        Assert.True(_feed.IsAttached(Session));
    }

    [Fact]
    public void What_was_published_between_the_first_page_and_the_first_wait_is_not_missed()
    {
        _events.Add();
        var feed = Subscribe();
        var first = _events.Page(0).Events;
        _events.Add();
        _feed.Published(Session, 2);
        Start(first, feed);
        Assert.Equal([1, 2], Ids());
    }

    [Fact]
    public void A_long_backlog_is_read_page_by_page()
    {
        for (var i = 0; i < 700; i++)
            _events.Add();
        Start();
        var ids = new List<long>();
        while (Ids() is { Length: > 0 } some)
            ids.AddRange(some);
        Assert.Equal(Enumerable.Range(1, 700).Select(number => (long)number), ids);
        Assert.Equal(2, _events.Readings);
    }

    [Fact]
    public void An_idle_stream_says_every_15_seconds_that_it_lives()
    {
        Start();
        Assert.Equal(": keep-alive\n\n", Read());
        Advance(14.9);
        Assert.Equal("", Read());
        Advance(0.2);
        Assert.Equal(": keep-alive\n\n", Read());
        Advance(45);
        Assert.Equal(3, Read().Split('\n').Count(line => line == ": keep-alive"));
    }

    [Fact]
    public void Progress_has_no_id_and_is_the_newest_of_each_task_at_most_every_250_ms()
    {
        Start();
        Read();
        _feed.Progress(Session, Progress("t1", 1));
        Advance(0);
        Assert.Equal("event: progress\ndata: {\"task\":\"t1\",\"progress\":{\"bytesReceived\":1,\"bytesSent\":0,\"generation\":1}}\n\n", Read());

        _feed.Progress(Session, Progress("t1", 2));
        _feed.Progress(Session, Progress("t2", 3));
        _feed.Progress(Session, Progress("t1", 4));
        Advance(0.2);
        Assert.Equal("", Read());
        Advance(0.1);
        var text = Read();
        Assert.Equal(2, text.Split("event: progress").Length - 1);
        Assert.Contains("\"bytesReceived\":4", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\"bytesReceived\":2", text, StringComparison.Ordinal);

        Advance(1);
        _feed.Progress(Session, Progress("t1", 5));
        Advance(0);
        Assert.Contains("\"bytesReceived\":5", Read(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_task_that_ended_moves_no_more()
    {
        Start();
        Read();
        _feed.Progress(Session, Progress("t1", 1));
        Publish(EventTypes.TaskCompleted);
        Advance(1);
        Assert.DoesNotContain("event: progress", Read(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_reader_that_takes_nothing_for_30_seconds_is_cut_off_and_costs_one_page()
    {
        for (var i = 0; i < 2000; i++)
            _events.Add();
        Start();
        Advance(29);
        Assert.False(_run!.IsCompleted);
        Advance(2);
        Assert.Equal(StreamEnd.TooSlow, End());
        Assert.Equal(0, _events.Readings);
    }

    [Fact]
    public void A_closing_node_tells_the_reader_when_to_come_back()
    {
        Start();
        Read();
        _closing.Cancel();
        Advance(0);
        Assert.Equal(StreamEnd.Closed, End());
        var retry = Read();
        Assert.StartsWith("retry: ", retry, StringComparison.Ordinal);
        Assert.InRange(int.Parse(retry["retry: ".Length..].TrimEnd()), 1000, 5000);
    }

    [Fact]
    public void A_closing_node_does_not_wait_for_a_reader_that_is_stuck()
    {
        for (var i = 0; i < 2000; i++)
            _events.Add();
        Start();
        _closing.Cancel();
        Advance(0);
        Assert.Equal(StreamEnd.TooSlow, End());
    }

    [Fact]
    public void A_stream_ends_when_its_reader_is_gone_and_the_session_is_detached()
    {
        Start();
        Assert.True(_feed.IsAttached(Session));
        _gone.Cancel();
        Advance(0);
        Assert.Equal(StreamEnd.Gone, End());
        Dispose();
        Assert.False(_feed.IsAttached(Session));
    }

    [Fact]
    public void A_session_that_does_not_answer_is_asked_again_while_the_stream_lives()
    {
        Start();
        Read();
        _events.Instead.Enqueue(new EventReading.NotNow(FakeEvents.Problem(503, ProblemCodes.Unavailable), TimeSpan.FromSeconds(20)));
        Publish();
        Assert.Equal("", Read());
        Advance(16);
        Assert.Equal(": keep-alive\n\n", Read());
        Assert.Equal(1, _events.Readings);
        Advance(5);
        Assert.Equal([1], Ids());
        Assert.Equal(2, _events.Readings);
    }

    [Theory]
    [InlineData(1), InlineData(6), InlineData(14)]
    public void A_session_that_is_stuck_leaves_no_gap_in_the_keep_alives(double after)
    {
        Start();
        Read();
        Advance(after);
        _events.IsStuck = true;
        Publish();
        var silent = after;
        for (var i = 0; i < 300; i++)
        {
            silent = Read().Length > 0 ? 0 : silent;
            Assert.True(silent <= 15.5, $"{silent} s of silence");
            Advance(0.25);
            silent += 0.25;
        }
        Assert.True(_events.Readings > 3);
    }

    [Fact]
    public void Asking_takes_less_than_the_time_between_two_keep_alives()
    {
        Assert.Empty(new DeliveryOptions().Validate());
        Assert.Contains(new DeliveryOptions { AskMax = TimeSpan.FromSeconds(15) }.Validate(), fault => fault.Contains("AskMax", StringComparison.Ordinal));
    }

    [Fact]
    public void A_session_that_cannot_be_read_any_more_ends_the_stream_with_a_hint()
    {
        Start();
        Read();
        _events.Instead.Enqueue(new EventReading.Refused(FakeEvents.Problem(404, ProblemCodes.SessionNotFound)));
        Publish();
        Assert.Equal(StreamEnd.Closed, End());
        Assert.StartsWith("retry: ", Read(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_session_that_left_memory_is_asked_once_at_the_next_beat_and_then_left_in_peace()
    {
        Start();
        Read();
        _feed.Closed(Session);
        Advance(10);
        Assert.Equal(0, _events.Readings);
        Advance(60);
        Assert.Equal(1, _events.Readings);
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _subscription?.Dispose();
        _closing.Dispose();
        _gone.Dispose();
    }

    private FeedSubscription? _subscription;

    private FeedSubscription Subscribe()
    {
        _subscription = _feed.Subscribe(Session)!;
        _subscription.Attach();
        return _subscription;
    }

    private void Start(long after = 0) => Start(_events.Page(after).Events, Subscribe(), after);

    private void Start(EventPage first, FeedSubscription feed, long after = 0)
    {
        _world.Scheduler.Queue(
            _ =>
            {
                _stream = new EventStream(_events, feed, _pipe.Writer, _world.Time, _world.Random.NextUnit, _options);
                _run = _stream.RunAsync(first, after, _closing.Token, _gone.Token);
            },
            null);
        _world.RunUntilIdle();
    }

    private void Publish(string type = EventTypes.TaskCreated)
    {
        _events.Add(type);
        _feed.Published(Session, _events.Events.Count);
        _world.RunUntilIdle();
    }

    private void Advance(double seconds)
    {
        _world.Advance(TimeSpan.FromSeconds(seconds));
        _world.RunUntilIdle();
    }

    private StreamEnd End()
    {
        Assert.True(_run!.IsCompleted, "The stream goes on.");
        return _run.GetAwaiter().GetResult();
    }

    private string Read()
    {
        var text = new StringBuilder();
        while (_pipe.Reader.TryRead(out var read) && read.Buffer.Length > 0)
        {
            text.Append(Encoding.UTF8.GetString(read.Buffer));
            _pipe.Reader.AdvanceTo(read.Buffer.End);
            _world.RunUntilIdle();
        }
        return text.ToString();
    }

    private long[] Ids() =>
        [.. Read().Split('\n').Where(line => line.StartsWith("id: ", StringComparison.Ordinal)).Select(line => long.Parse(line[4..]))];

    private static ProgressView Progress(string task, long bytes) =>
        new() { Task = task, Progress = new TaskProgress { BytesReceived = bytes, BytesSent = 0, Generation = 1 } };
}
