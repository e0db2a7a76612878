namespace Backhaul.Node.Delivery;

/// <summary>A page that waits for its first event: empty only when the time is over or the node closes its streams.</summary>
internal sealed class EventPoll(IEventSource source, TimeProvider time)
{
    /// <param name="feed">Made before; disposed by the caller.</param>
    public async ValueTask<EventReading> ReadAsync(
        FeedSubscription feed, long after, int limit, TimeSpan wait, CancellationToken closing, CancellationToken gone)
    {
        using var end = new DueTimer(feed, time);
        if (wait > TimeSpan.Zero)
            end.Set(wait);
        using var onClosing = closing.UnsafeRegister(static feed => ((FeedSubscription)feed!).Pulse(), feed);
        using var onGone = gone.UnsafeRegister(static feed => ((FeedSubscription)feed!).Pulse(), feed);
        while (true)
        {
            feed.TakeNews();
            var reading = await source.ReadAsync(feed.Session, after, limit, gone);
            if (reading is not EventReading.Page { Events.Events.Count: 0 })
                return reading;
            while (!feed.TakeNews())
            {
                if (closing.IsCancellationRequested || end.IsDue)
                    return reading;
                gone.ThrowIfCancellationRequested();
                await feed.WaitAsync(wantsProgress: false);
            }
        }
    }
}
