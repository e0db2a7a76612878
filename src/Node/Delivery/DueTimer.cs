namespace Backhaul.Node.Delivery;

/// <summary>
/// A moment that a reader of a feed waits for. The timer says that it has come, and no clock is asked: a timer may fire a little before the clock that
/// measures spans has got there, and a reader that went back to waiting then would wait for ever.
/// </summary>
internal sealed class DueTimer : IDisposable
{
    private readonly FeedSubscription _feed;
    private readonly ITimer _timer;
    private volatile bool _isDue = true;

    /// <summary>Due at once, until it is set.</summary>
    public DueTimer(FeedSubscription feed, TimeProvider time)
    {
        _feed = feed;
        _timer = time.CreateTimer(static due => ((DueTimer)due!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public bool IsDue => _isDue;

    /// <summary>Due after this time, and the reader is woken.</summary>
    public void Set(TimeSpan wait)
    {
        _isDue = false;
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Due from now on, without a word to the reader.</summary>
    public void Release() => _isDue = true;

    public void Dispose() => _timer.Dispose();

    private void OnTimer()
    {
        _isDue = true;
        _feed.Pulse();
    }
}
