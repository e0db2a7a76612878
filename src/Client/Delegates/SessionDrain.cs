using Backhaul.Client.Calls;
using Backhaul.Protocol;

namespace Backhaul.Client.Delegates;

/// <summary>
/// Handles what is there and returns: page after page, each acknowledged when it is handled, until there is none. Made for clients that are
/// woken for it; it leaves no connection open.
/// </summary>
internal sealed class SessionDrain(BackgroundSession session, Caller caller, ISessionDelegate to, AttachOptions options)
{
    private static readonly TimeSpan FlushTime = TimeSpan.FromSeconds(5);

    /// <param name="stop">No further event is handed over, and the method that runs may finish.</param>
    /// <param name="abort">Given to the delegate's methods.</param>
    public async Task<long> RunAsync(CancellationToken stop, CancellationToken abort)
    {
        var handler = new DelegateHandler(session, caller, to, options);
        var acknowledged = (await session.GetAsync(stop)).Acknowledged;
        var handled = 0L;
        while (await ReadAsync(acknowledged, stop) is { Events.Count: > 0 } page)
        {
            try
            {
                foreach (var next in page.Events)
                {
                    await handler.HandleAsync(next, stop, abort);
                    handled++;
                }
                await session.AcknowledgeAsync(handler.HandledThrough, stop: stop);
            }
            catch when (handler.HandledThrough > acknowledged)
            {
                using var flush = new CancellationTokenSource(FlushTime, caller.Time);
                await ((Task)session.AcknowledgeAsync(handler.HandledThrough, stop: flush.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                throw;
            }
            acknowledged = handler.HandledThrough;
        }
        return handled;
    }

    /// <summary>Events that end unread meanwhile count as acknowledged: the session says from where it has some, and an event of its own says what is lost.</summary>
    private async Task<EventPage> ReadAsync(long acknowledged, CancellationToken stop)
    {
        try
        {
            return await session.ReadEventPageAsync(acknowledged, stop: stop);
        }
        catch (BackhaulException expired) when (expired.Code == ProblemCodes.EventsExpired)
        {
            var next = (await session.GetAsync(stop)).Acknowledged;
            if (next <= acknowledged)
                throw;
            return await ReadAsync(next, stop);
        }
    }
}
