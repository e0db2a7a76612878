using System.Threading.Channels;
using Backhaul.Client.Calls;
using Backhaul.Protocol;

namespace Backhaul.Client.Events;

/// <summary>
/// Reads, hands over, acknowledges. Acknowledgements run beside the handler, one at a time, and take the newest number that was handled:
/// while one is under way the next grows by itself, so that a fast handler is never slowed down by round trips.
///
/// Invariant: a number is acknowledged only after the handlers of all events up to it have returned. Whatever ends the loop, the last
/// handled number is still sent, within <see cref="FlushTime"/> of the handler's return when the caller is stopping.
/// </summary>
internal sealed class EventLoop(
    BackgroundSession session,
    Caller caller,
    Func<EventView, CancellationToken, ValueTask> handler,
    EventStreamOptions options)
{
    private static readonly TimeSpan FlushTime = TimeSpan.FromSeconds(5);

    private readonly Channel<long> _handled = Channel.CreateBounded<long>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true, SingleWriter = true });

    public async Task RunAsync(CancellationToken stop)
    {
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var acknowledging = new CancellationTokenSource(Timeout.InfiniteTimeSpan, caller.Time);
        var acknowledged = AcknowledgeAllAsync(reading, acknowledging.Token);
        try
        {
            await HandleAllAsync(reading.Token);
        }
        catch (Exception ended)
        {
            _handled.Writer.Complete();
            acknowledging.CancelAfter(FlushTime);
            await acknowledged.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (ended is OperationCanceledException && acknowledged.IsFaulted)
                await acknowledged;   // its refusal is what stopped the reading
            throw;
        }
        _handled.Writer.Complete();
        using var hurry = stop.Register(() => acknowledging.CancelAfter(FlushTime));
        await acknowledged;
    }

    private async Task HandleAllAsync(CancellationToken stop)
    {
        var view = await ViewAsync(last: 0, stop);
        var isDrained = false;
        await foreach (var next in session.ReadEventsAsync(view.Acknowledged, options, stop).WithCancellation(stop))
        {
            await handler(next, stop);
            _handled.Writer.TryWrite(next.Number);
            // An old one, that an earlier process did not acknowledge, is no end: tasks may have come after it, and then another one follows them.
            // That of an earlier generation says nothing of this one.
            isDrained = next.Type == EventTypes.EventsDrained || (isDrained && next.Task is null && next.Type != EventTypes.SessionCreated);
            if (options.StopWhenDrained && isDrained && (await ViewAsync(next.Number, stop)).LastEvent <= next.Number)
                return;
        }
    }

    /// <summary>The session as it is. An outage is waited for, as the stream does.</summary>
    private Task<SessionView> ViewAsync(long last, CancellationToken stop) => caller.OutlastAsync(
        session.GetAsync, stop, (undecided, wait) => options.Interrupted?.Invoke(new EventStreamInterruption(undecided.Message, last, wait)));

    private async Task AcknowledgeAllAsync(CancellationTokenSource reading, CancellationToken stop)
    {
        try
        {
            await foreach (var number in _handled.Reader.ReadAllAsync(CancellationToken.None))
                await AcknowledgeAsync(number, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // the caller is stopping and the node did not answer in time: these events are delivered again
        }
        catch
        {
            await reading.CancelAsync();
            throw;
        }
    }

    /// <summary>An outage is waited for: the events are handled, and only the session's end or a refusal makes that worthless.</summary>
    private async Task AcknowledgeAsync(long number, CancellationToken stop)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await session.AcknowledgeAsync(number, stop: stop);
                return;
            }
            catch (BackhaulException undecided) when (undecided.IsTransient)
            {
                if (_handled.Reader.TryPeek(out var newer))
                    number = Math.Max(number, newer);
                await caller.WaitAsync(caller.OutageWait(undecided, attempt), stop);
            }
        }
    }
}
