using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Client.Tests.Events;

public sealed class EventStreamTests
{
    private const int EventCount = 5;

    private static string WholeStream(long after) => string.Concat(
        Enumerable.Range((int)after + 1, EventCount - (int)after).Select(number => ": keep-alive\n\n" + EventScript.Progress + EventScript.Event(number)));

    [Theory]
    [InlineData((int)StreamEnd.Closed)]
    [InlineData((int)StreamEnd.Broken)]
    public async Task A_cut_at_any_byte_loses_and_repeats_nothing(int end)
    {
        var whole = EventScript.Bytes(WholeStream(0));
        for (var cut = 0; cut <= whole.Length; cut++)
        {
            var position = cut;
            using var node = new FakeNode((seen, index) => Answer.Stream(index == 0
                ? new ScriptedStream(whole[..position], (StreamEnd)end)
                : new ScriptedStream(EventScript.Bytes(WholeStream(seen.After())), StreamEnd.Silent)));
            Assert.Equal([1, 2, 3, 4, 5], await TakeAsync(node, EventCount));
            Assert.All(node.Seen, seen => Assert.Equal(seen.After() == 0 ? null : $"{seen.After()}", seen.Header("Last-Event-ID")));
        }
    }

    [Fact]
    public async Task Repetitions_losses_and_cuts_in_any_mixture_give_each_event_once_and_in_order()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            using var node = new FakeNode((seen, index) =>
            {
                var after = seen.After();
                if (seen.IsPage())
                    return EventScript.Page(30, 0, after + 1);
                var numbers = new List<long>();
                for (var number = Math.Max(1, after + 1 - random.Next(4)); number <= 30; number++)
                {
                    // The first event of a connection is never lost here: three losses in a row at the same place are a fault of their own.
                    if (number <= after + 1 || random.Next(10) > 0)
                        numbers.AddRange(Enumerable.Repeat(number, 1 + random.Next(2)));
                }
                var bytes = EventScript.Bytes(string.Concat(numbers.Select(number => EventScript.Event(number))));
                var isCut = index < 200 && random.Next(3) > 0;
                return Answer.Stream(new ScriptedStream(isCut ? bytes[..random.Next(bytes.Length)] : bytes, random.Next(2) == 0 ? StreamEnd.Closed : StreamEnd.Broken));
            });
            var read = await TakeAsync(node, 30);
            Assert.True(Enumerable.Range(1, 30).Select(number => (long)number).SequenceEqual(read), $"seed {seed}: {string.Join(' ', read)}");
        }
    }

    [Fact]
    public async Task Events_that_the_session_no_longer_has_are_no_gap()
    {
        using var node = new FakeNode((seen, _) => seen.IsPage()
            ? EventScript.Page(9, 7, 8)
            : Answer.Stream(new ScriptedStream(EventScript.Bytes(EventScript.Event(8) + EventScript.Event(9)), StreamEnd.Silent)));
        Assert.Equal([8, 9], await TakeAsync(node, 2));
        Assert.Equal(["/v1/sessions/photos/events?after=0", "/v1/sessions/photos/events?after=0&limit=1"], node.Seen.Select(seen => seen.Path));
    }

    [Fact]
    public async Task When_events_ended_unread_the_stream_goes_on_with_the_first_that_is_kept()
    {
        using var node = new FakeNode((seen, _) => (seen.IsPage(), seen.After()) switch
        {
            (true, 0) => EventScript.Page(9, 7, 8),
            (false, 0) => Answer.Stream(new ScriptedStream(EventScript.Bytes(EventScript.Event(1)), StreamEnd.Closed)),
            (_, < 7) => Answer.Problem(410, ProblemCodes.EventsExpired),
            _ => Answer.Stream(new ScriptedStream(EventScript.Bytes(EventScript.Event(8, EventTypes.EventsExpired) + EventScript.Event(9)), StreamEnd.Silent)),
        });
        Assert.Equal([1, 8, 9], await TakeAsync(node, 3));
    }

    [Theory]
    [InlineData(503, 0)]
    [InlineData(503, 200)]
    [InlineData(429, 200)]
    [InlineData(0, 200)]
    public async Task An_outage_while_expired_events_are_skipped_is_waited_for(int status, int failures)
    {
        var failed = 0;
        using var node = new FakeNode((seen, _) => (seen.IsPage(), seen.After()) switch
        {
            (true, 0) when failed++ < failures => status == 0 ? throw new HttpRequestException("Connection refused") : Answer.Problem(status, ProblemCodes.Unavailable),
            (true, 0) => EventScript.Page(9, 7, 8),
            (false, 0) => Answer.Stream(new ScriptedStream(EventScript.Bytes(EventScript.Event(1)), StreamEnd.Closed)),
            (_, < 7) => Answer.Problem(410, ProblemCodes.EventsExpired),
            _ => Answer.Stream(new ScriptedStream(EventScript.Bytes(EventScript.Event(8, EventTypes.EventsExpired) + EventScript.Event(9)), StreamEnd.Silent)),
        });
        using var client = node.Client();
        List<EventStreamInterruption> interruptions = [];
        Assert.Equal([1, 8, 9], await TakeAsync(client, 3, new EventStreamOptions { Interrupted = interruptions.Add }));
        Assert.Equal(failures + 1, failed);
        Assert.Equal(failures > 0, interruptions.Count > 1); // each call gives up after its own attempts, and the stream goes on
        Assert.All(interruptions, interruption => Assert.Equal(1, interruption.Last));
    }

    [Fact]
    public async Task When_all_events_ended_unread_the_stream_waits_for_the_next()
    {
        using var node = new FakeNode((seen, _) => (seen.IsPage(), seen.After()) switch
        {
            (true, _) => EventScript.Page(7, 7),
            (false, < 7) => Answer.Problem(410, ProblemCodes.EventsExpired),
            _ => Answer.Stream(new ScriptedStream(EventScript.Bytes(EventScript.Event(8)), StreamEnd.Silent)),
        });
        using var client = node.Client();
        await foreach (var next in client.Session("photos").ReadEventsAsync(3, stop: TestContext.Current.CancellationToken))
        {
            Assert.Equal(8, next.Number);
            break;
        }
    }

    [Fact]
    public async Task A_node_that_says_so_of_events_that_are_kept_is_not_asked_for_ever()
    {
        using var node = new FakeNode((seen, _) => seen.IsPage() ? EventScript.Page(9, 0, 2) : seen.After() == 0
            ? Answer.Stream(new ScriptedStream(EventScript.Bytes(EventScript.Event(1)), StreamEnd.Closed))
            : Answer.Problem(410, ProblemCodes.EventsExpired));
        Assert.Equal(ProblemCodes.EventsExpired, (await Assert.ThrowsAsync<BackhaulException>(() => TakeAsync(node, 2))).Code);
    }

    [Fact]
    public async Task Events_that_are_left_out_although_they_exist_end_the_stream_with_a_reason()
    {
        using var node = new FakeNode((seen, _) => seen.IsPage()
            ? EventScript.Page(9, 0, 2)
            : Answer.Stream(new ScriptedStream(EventScript.Bytes((seen.After() == 0 ? EventScript.Event(1) : "") + EventScript.Event(3)), StreamEnd.Silent)));
        var gap = await Assert.ThrowsAsync<BackhaulException>(() => TakeAsync(node, 3));
        Assert.Equal(ClientCodes.EventGap, gap.Code);
        Assert.Equal(3, node.Seen.Count(EventScript.IsStream));
    }

    [Fact]
    public async Task Silence_is_a_broken_connection()
    {
        using var node = new FakeNode((seen, index) => Answer.Stream(new ScriptedStream(EventScript.Bytes(EventScript.Event(index + 1)), StreamEnd.Silent)));
        var interruptions = new List<EventStreamInterruption>();
        using var client = new BackhaulClient(node.Options with { StreamSilence = TimeSpan.FromMilliseconds(60) });
        Assert.Equal([1, 2], await TakeAsync(client, 2, new EventStreamOptions { Interrupted = interruptions.Add }));
        Assert.StartsWith("The event stream was silent for", interruptions.Single().Reason, StringComparison.Ordinal);
        Assert.Equal(1, interruptions.Single().Last);
    }

    [Fact]
    public async Task Keep_alives_hold_a_connection_without_events()
    {
        var keepAlives = Enumerable.Repeat(": keep-alive\n\n"u8.ToArray(), 10);
        using var node = new FakeNode((_, _) => Answer.Stream(new ScriptedStream([.. keepAlives, EventScript.Bytes(EventScript.Event(1))], StreamEnd.Silent)));
        Assert.Equal([1], await TakeAsync(node, 1));
        Assert.Single(node.Seen);
    }

    [Fact]
    public async Task The_wait_that_the_node_asks_for_is_kept()
    {
        using var node = new FakeNode((_, index) => index switch
        {
            0 => Answer.Stream(new ScriptedStream(EventScript.Bytes(EventScript.Event(1) + "retry: 3210\n\n"), StreamEnd.Closed)),
            1 => Answer.Problem(503, ProblemCodes.Unavailable).With("Retry-After", "9"),
            2 => Answer.Problem(429, ProblemCodes.Busy),
            _ => Answer.Stream(new ScriptedStream(EventScript.Bytes(EventScript.Event(2)), StreamEnd.Silent)),
        })
        {
            IsAlone = true,
        };
        Assert.Equal([1, 2], await TakeAsync(node, 2));
        Assert.Equal([3210, 9_000, 3210 * 4 / 2], node.Waits.Select(wait => (int)wait.TotalMilliseconds));
    }

    [Fact]
    public async Task Waits_grow_while_nothing_comes_and_shrink_when_something_does()
    {
        using var node = new FakeNode((_, index) => index switch
        {
            < 9 => throw new HttpRequestException("Connection refused"),
            9 => Answer.Stream(new ScriptedStream(EventScript.Bytes(": keep-alive\n\n"), StreamEnd.Closed)),
            _ => Answer.Stream(new ScriptedStream(EventScript.Bytes(EventScript.Event(1)), StreamEnd.Silent)),
        })
        {
            Jitter = 1,
        };
        Assert.Equal([1], await TakeAsync(node, 1));
        Assert.Equal([0.5, 1, 2, 4, 8, 16, 30, 30, 30, 0.5], node.Waits.Select(wait => wait.TotalSeconds));
        Assert.Equal(["node-a", "node-b", "node-a"], node.Seen.Take(3).Select(seen => seen.Uri.Host));
    }

    [Theory]
    [InlineData(404, ProblemCodes.SessionNotFound)]
    [InlineData(401, ProblemCodes.Unauthenticated)]
    [InlineData(400, ProblemCodes.FutureEvent)]
    public async Task A_refusal_ends_the_stream(int status, string code)
    {
        using var node = new FakeNode((_, _) => Answer.Problem(status, code));
        Assert.Equal(code, (await Assert.ThrowsAsync<BackhaulException>(() => TakeAsync(node, 1))).Code);
        Assert.Single(node.Seen);
    }

    [Fact]
    public async Task An_answer_that_is_no_event_stream_ends_the_stream()
    {
        using var node = new FakeNode((_, _) => Answer.Json("<html/>", 200, "text/html"));
        Assert.Equal(ClientCodes.UnexpectedAnswer, (await Assert.ThrowsAsync<BackhaulException>(() => TakeAsync(node, 1))).Code);
    }

    [Fact]
    public async Task An_event_that_cannot_be_read_ends_the_stream()
    {
        using var node = new FakeNode((_, _) => Answer.Stream(new ScriptedStream("id: 1\nevent: x\ndata: {}\n\n"u8.ToArray(), StreamEnd.Silent)));
        Assert.Equal(ClientCodes.UnexpectedAnswer, (await Assert.ThrowsAsync<BackhaulException>(() => TakeAsync(node, 1))).Code);
    }

    [Fact]
    public async Task Progress_comes_beside_the_events()
    {
        using var node = new FakeNode((_, _) => Answer.Stream(
            new ScriptedStream(EventScript.Bytes(EventScript.Progress + EventScript.Event(1) + EventScript.Progress + EventScript.Event(2)), StreamEnd.Silent)));
        using var client = node.Client();
        var progress = new List<long>();
        Assert.Equal([1, 2], await TakeAsync(client, 2, new EventStreamOptions { Progress = seen => progress.Add(seen.Progress.BytesReceived) }));
        Assert.Equal([5, 5], progress);
    }

    [Fact]
    public async Task The_end_of_the_session_ends_the_stream()
    {
        using var node = new FakeNode((seen, _) => seen.IsPage()
            ? EventScript.Page(2, 0)
            : Answer.Stream(new ScriptedStream(EventScript.Bytes(EventScript.Event(1) + EventScript.Event(2, EventTypes.SessionInvalidated)), StreamEnd.Silent)));
        Assert.Equal([1, 2], await TakeAsync(node, int.MaxValue));
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    public async Task An_outage_right_behind_the_end_of_the_session_is_waited_for(long last, int count)
    {
        var failed = 0;
        using var node = new FakeNode((seen, _) => seen.IsPage()
            ? failed++ < 200 ? Answer.Problem(503, ProblemCodes.Unavailable) : EventScript.Page(last, 0, last)
            : Answer.Stream(new ScriptedStream(
                EventScript.Bytes(EventScript.Event(1) + EventScript.Event(2, EventTypes.SessionInvalidated) + (last > 2 ? EventScript.Event(3, EventTypes.SessionCreated) : "")), StreamEnd.Silent)));
        Assert.Equal(Enumerable.Range(1, count).Select(number => (long)number), await TakeAsync(node, last > 2 ? count : int.MaxValue));
        Assert.Equal(201, failed);
    }

    [Fact]
    public async Task The_end_of_an_earlier_generation_does_not()
    {
        using var node = new FakeNode((seen, _) => seen.IsPage()
            ? EventScript.Page(3, 0, 3)
            : Answer.Stream(new ScriptedStream(
                EventScript.Bytes(EventScript.Event(1) + EventScript.Event(2, EventTypes.SessionInvalidated) + EventScript.Event(3, EventTypes.SessionCreated)), StreamEnd.Silent)));
        Assert.Equal([1, 2, 3], await TakeAsync(node, 3));
    }

    [Fact]
    public async Task A_reader_that_stops_is_obeyed_while_the_stream_is_silent()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var node = new FakeNode((_, _) => Answer.Stream(new ScriptedStream(EventScript.Bytes(EventScript.Event(1)), StreamEnd.Silent)));
        using var client = node.Client();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in client.Session("photos").ReadEventsAsync(stop: stop.Token))
                stop.CancelAfter(20);
        });
        Assert.Single(node.Seen);
    }

    private static async Task<List<long>> TakeAsync(FakeNode node, int count)
    {
        using var client = node.Client();
        return await TakeAsync(client, count, null);
    }

    private static async Task<List<long>> TakeAsync(BackhaulClient client, int count, EventStreamOptions? options)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(30));
        var numbers = new List<long>();
        await foreach (var next in client.Session("photos").ReadEventsAsync(0, options, deadline.Token))
        {
            numbers.Add(next.Number);
            if (numbers.Count == count)
                break;
        }
        return numbers;
    }
}
