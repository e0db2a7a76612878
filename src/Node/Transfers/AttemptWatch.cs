namespace Backhaul.Node.Transfers;

/// <summary>
/// Ends an attempt that is asked to stop, or whose peer is silent for too long. One timer for the whole attempt: a wait only notes
/// when it began, and the timer looks at the note when it fires, so that a byte costs a write to a field and no timer is ever rearmed
/// by traffic. Time spent on the disk or in the journal is not the peer's and does not count.
/// </summary>
internal sealed class AttemptWatch : IDisposable
{
    private const long Resting = 0;

    private readonly TimeProvider _time;
    private readonly TimeSpan _idle;
    private readonly CancellationTokenSource _cancel = new();
    private readonly CancellationTokenRegistration _registration;
    private readonly ITimer _timer;
    private readonly CancellationToken _stop;
    private ITimer? _grace;
    private long _waitingSince;
    private volatile bool _silent;

    public AttemptWatch(TimeProvider time, TimeSpan idle, CancellationToken stop, bool stopAtOnce = true)
    {
        _time = time;
        _idle = idle;
        _stop = stop;
        // The timer is made without the caller's execution context: it outlives no attempt, but must not carry its activity either.
        using (ExecutionContext.IsFlowSuppressed() ? default(AsyncFlowControl?) : ExecutionContext.SuppressFlow())
            _timer = time.CreateTimer(static watch => ((AttemptWatch)watch!).Look(), this, idle, Timeout.InfiniteTimeSpan);
        if (stopAtOnce)
            _registration = stop.UnsafeRegister(static watch => ((AttemptWatch)watch!).Cancel(), this);
    }

    /// <summary>Cancelled by a stop and by silence.</summary>
    public CancellationToken Token => _cancel.Token;

    public bool Stopped => _stop.IsCancellationRequested;

    /// <summary>The peer was silent for the whole idle time.</summary>
    public bool Silent => _silent;

    /// <summary>From now on the peer is waited for; also called at each sign of life.</summary>
    public void Wait() => Volatile.Write(ref _waitingSince, Math.Max(1, _time.GetTimestamp()));

    /// <summary>The peer is not waited for any more.</summary>
    public void Rest() => Volatile.Write(ref _waitingSince, Resting);

    /// <summary>Ends what is being waited for.</summary>
    public void Cancel() => _cancel.Cancel();

    /// <summary>Ends it after a while.</summary>
    public void CancelAfter(TimeSpan grace)
    {
        if (grace == TimeSpan.Zero)
            _cancel.Cancel();
        else
            _grace = _time.CreateTimer(static watch => ((AttemptWatch)watch!).CancelLate(), this, grace, Timeout.InfiniteTimeSpan);
    }

    public void Dispose()
    {
        _grace?.Dispose();
        _registration.Dispose();
        _timer.Dispose();
        _cancel.Dispose();
    }

    private void CancelLate()
    {
        try
        {
            _cancel.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The attempt ended within the grace: there is nothing left to end.
        }
    }

    private void Look()
    {
        var since = Volatile.Read(ref _waitingSince);
        var waited = since == Resting ? TimeSpan.Zero : _time.GetElapsedTime(since);
        try
        {
            if (waited >= _idle)
            {
                _silent = true;
                _cancel.Cancel();
                return;
            }
            _timer.Change(_idle - waited, Timeout.InfiniteTimeSpan);
        }
        catch (ObjectDisposedException)
        {
            // The attempt ended while the timer fired: there is nothing left to end.
        }
    }
}
