using System.Collections.Concurrent;
using System.Text.Json;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Client.Tests.Events;

public sealed class EventLoopTests
{
    [Fact]
    public async Task Events_are_acknowledged_after_their_handler_returned()
    {
        var node = new LoopNode(1, 2, 3);
        var handled = new List<long>();
        await RunUntilAsync(node, handled, () => node.Acknowledged == 3);
        Assert.Equal([1, 2, 3], handled);
        Assert.True(node.AcknowledgedBy.All(ack => ack.Through <= ack.HandledThen), string.Join(' ', node.AcknowledgedBy));
        Assert.Equal(node.AcknowledgedBy.Select(ack => ack.Through).Order(), node.AcknowledgedBy.Select(ack => ack.Through));
    }

    [Fact]
    public async Task Only_what_is_not_acknowledged_yet_is_handed_over()
    {
        var node = new LoopNode(1, 2, 3) { Acknowledged = 2 };
        var handled = new List<long>();
        await RunUntilAsync(node, handled, () => node.Acknowledged == 3);
        Assert.Equal([3], handled);
    }

    [Fact]
    public async Task A_failing_handler_ends_the_loop_and_only_what_was_handled_is_acknowledged()
    {
        var node = new LoopNode(1, 2, 3);
        using var fake = node.Fake();
        using var client = fake.Client();
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => client.Session("photos").RunAsync((next, _) =>
        {
            if (next.Number == 3)
                throw new InvalidOperationException("cannot");
            node.Handled = next.Number;
            return default;
        }, stop: Stop));
        Assert.Equal("cannot", failure.Message);
        Assert.Equal(2, node.Acknowledged);
    }

    [Fact]
    public async Task A_refused_acknowledgement_ends_the_loop_with_the_refusal()
    {
        var node = new LoopNode(1, 2, 3) { Refusal = () => Answer.Problem(404, ProblemCodes.SessionNotFound) };
        using var fake = node.Fake();
        using var client = fake.Client();
        var refused = await Assert.ThrowsAsync<BackhaulException>(() => client.Session("photos").RunAsync((_, _) => default, stop: Stop));
        Assert.Equal(ProblemCodes.SessionNotFound, refused.Code);
    }

    [Fact]
    public async Task An_outage_delays_acknowledgements_and_loses_none()
    {
        var outage = 40;
        var node = new LoopNode(1, 2, 3) { Refusal = () => Interlocked.Decrement(ref outage) > 0 ? Answer.Problem(503, ProblemCodes.Unavailable) : null };
        var handled = new List<long>();
        await RunUntilAsync(node, handled, () => node.Acknowledged == 3);
        Assert.Equal([1, 2, 3], handled);
    }

    [Fact]
    public async Task It_returns_after_the_session_is_drained_when_asked_to()
    {
        var node = new LoopNode(1, 2, 3) { Drained = [3] };
        using var fake = node.Fake();
        using var client = fake.Client();
        await client.Session("photos").RunAsync((_, _) => default, new EventStreamOptions { StopWhenDrained = true }, Stop);
        Assert.Equal(3, node.Acknowledged);
    }

    /// <summary>An earlier process ended before it acknowledged its drained event, and this one's tasks came after it.</summary>
    [Fact]
    public async Task A_drained_event_that_tasks_follow_does_not_end_it()
    {
        var outage = 100;   // for longer than a call lasts
        var node = new LoopNode(1, 2, 3, 4) { Drained = [1, 4] };
        node.Views = () => node.Handled > 0 && Interlocked.Decrement(ref outage) > 0 ? Answer.Problem(503, ProblemCodes.Unavailable) : null;
        using var fake = node.Fake();
        using var client = fake.Client();
        await client.Session("photos").RunAsync((next, _) =>
        {
            node.Handled = next.Number;
            return default;
        }, new EventStreamOptions { StopWhenDrained = true }, Stop);
        Assert.Equal((4L, 4L), (node.Handled, node.Acknowledged));
    }

    /// <summary>Its tasks are added after it: the attachment ended before them, by the drained event of the generation before.</summary>
    [Fact]
    public async Task A_drained_event_of_an_earlier_generation_does_not_end_it()
    {
        var node = new LoopNode(1, 2, 3, 4) { Drained = [1, 4], Created = [2] };
        node.Views = () => Answer.Json(Answer.Session.Replace("\"lastEvent\":0", $"\"lastEvent\":{Math.Max(2, node.Handled)}", StringComparison.Ordinal));
        using var fake = node.Fake();
        using var client = fake.Client();
        await client.Session("photos").RunAsync((next, _) =>
        {
            node.Handled = next.Number;
            return default;
        }, new EventStreamOptions { StopWhenDrained = true }, Stop);
        Assert.Equal((4L, 4L), (node.Handled, node.Acknowledged));
    }

    /// <summary>The call that asks where to begin was not, and ended the loop after two minutes.</summary>
    [Fact]
    public async Task An_outage_before_the_first_event_is_waited_for_and_told()
    {
        var outage = 100;
        var node = new LoopNode(1, 2) { Drained = [2], Views = () => Interlocked.Decrement(ref outage) > 0 ? Answer.Problem(503, ProblemCodes.Unavailable) : null };
        using var fake = node.Fake();
        using var client = fake.Client();
        var told = new List<EventStreamInterruption>();
        await client.Session("photos").RunAsync((_, _) => default, new EventStreamOptions { StopWhenDrained = true, Interrupted = told.Add }, Stop);
        Assert.Equal(2, node.Acknowledged);
        Assert.NotEmpty(told);
    }

    [Fact]
    public async Task A_stopping_caller_still_acknowledges_what_was_handled()
    {
        var node = new LoopNode(1, 2, 3);
        using var fake = node.Fake();
        using var client = fake.Client();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.Session("photos").RunAsync((next, _) =>
        {
            if (next.Number == 2)
                stop.Cancel();
            return default;
        }, stop: stop.Token));
        Assert.True(node.Acknowledged is 2 or 3, $"acknowledged {node.Acknowledged}");
    }

    [Fact]
    public async Task A_fast_handler_is_not_slowed_down_by_acknowledgements()
    {
        var node = new LoopNode([.. Enumerable.Range(1, 1_000).Select(number => (long)number)]);
        var handled = new List<long>();
        await RunUntilAsync(node, handled, () => node.Acknowledged == 1_000);
        Assert.Equal(1_000, handled.Count);
        Assert.Equal(node.AcknowledgedBy.Count, node.AcknowledgedBy.Select(ack => ack.Through).Distinct().Count());
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static async Task RunUntilAsync(LoopNode node, List<long> handled, Func<bool> done)
    {
        using var fake = node.Fake();
        using var client = fake.Client();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var loop = client.Session("photos").RunAsync((next, _) =>
        {
            handled.Add(next.Number);
            node.Handled = next.Number;
            return default;
        }, stop: stop.Token);
        await Until.TrueAsync(done, Stop);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loop);
    }

    /// <summary>A session with some events, that checks every acknowledgement against what was handled by then.</summary>
    private sealed class LoopNode(params long[] numbers)
    {
        private long _handled;

        public long Acknowledged { get; set; }

        public long Handled
        {
            get => Volatile.Read(ref _handled);
            set => Volatile.Write(ref _handled, value);
        }

        public long[] Drained { get; init; } = [];

        public long[] Created { get; init; } = [];

        public Func<HttpResponseMessage?> Refusal { get; init; } = () => null;

        /// <summary>What the node says instead, when it is asked for the session.</summary>
        public Func<HttpResponseMessage?> Views { get; set; } = () => null;

        public ConcurrentQueue<(long Through, long HandledThen)> AcknowledgedBy { get; } = [];

        public FakeNode Fake() => new((seen, _) =>
        {
            if (seen.Path.EndsWith("/ack", StringComparison.Ordinal))
                return Refusal() ?? Acknowledge(JsonSerializer.Deserialize(seen.Body, ProtocolJson.Strict.AckRequest)!.Through!.Value);
            if (!seen.IsStream())
            {
                return Views() ?? Answer.Json(Answer.Session.Replace("\"acknowledged\":0", $"\"acknowledged\":{Acknowledged}", StringComparison.Ordinal)
                    .Replace("\"lastEvent\":0", $"\"lastEvent\":{numbers[^1]}", StringComparison.Ordinal));
            }
            var events = numbers.Where(number => number > seen.After())
                .Select(number => EventScript.Event(number, Drained.Contains(number) ? EventTypes.EventsDrained
                    : Created.Contains(number) ? EventTypes.SessionCreated
                    : EventTypes.TaskCreated));
            return Answer.Stream(new ScriptedStream(EventScript.Bytes(string.Concat(events)), StreamEnd.Silent));
        });

        private HttpResponseMessage Acknowledge(long through)
        {
            AcknowledgedBy.Enqueue((through, Handled));
            Acknowledged = Math.Max(Acknowledged, through);
            return Answer.Json($$"""{"acknowledged":{{Acknowledged}},"last":{{numbers[^1]}}}""");
        }
    }
}
