namespace Backhaul.World;

/// <summary>
/// Time that stands still until it is moved. Timers are a heap ordered by due time, then by registration; their callbacks run on the
/// scheduler's queue. Wall clock and monotonic clock move together.
/// </summary>
internal sealed class VirtualTime(VirtualScheduler scheduler) : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly PriorityQueue<Armed, (TimeSpan Due, long Order)> _timers = new();
    private readonly Lock _lock = new();
    private long _registrations;

    /// <summary>Since the world began.</summary>
    public TimeSpan Elapsed { get; private set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => Start + Elapsed;

    public override long GetTimestamp() => Elapsed.Ticks;

    /// <summary>When the next timer is due; null when none is armed.</summary>
    public TimeSpan? NextDue
    {
        get
        {
            lock (_lock)
            {
                while (_timers.TryPeek(out var armed, out var at))
                {
                    if (armed.IsCurrent)
                        return at.Due;
                    _timers.Dequeue();
                }
                return null;
            }
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Sets the time and queues the callbacks that are due. Nothing runs before the scheduler does.</summary>
    internal void MoveTo(TimeSpan elapsed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(elapsed, Elapsed);
        Elapsed = elapsed;
        while (TakeDue() is { } armed)
            scheduler.Queue(static due => ((Armed)due!).Fire(), armed);
    }

    private Armed? TakeDue()
    {
        lock (_lock)
        {
            while (_timers.TryPeek(out var armed, out var at) && at.Due <= Elapsed)
            {
                _timers.Dequeue();
                if (armed.IsCurrent)
                    return armed;
            }
            return null;
        }
    }

    private void Arm(Armed armed, TimeSpan due)
    {
        if (due <= TimeSpan.Zero)
        {
            scheduler.Queue(static now => ((Armed)now!).Fire(), armed);
            return;
        }
        lock (_lock)
            _timers.Enqueue(armed, (Elapsed + due, ++_registrations));
    }

    private sealed record Armed(Timer Timer, long Version)
    {
        public bool IsCurrent => Timer.Version == Version;

        public void Fire()
        {
            if (IsCurrent)
                Timer.Fire();
        }
    }

    private sealed class Timer(VirtualTime time, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;
        private bool _disposed;
        private long _version;

        public long Version => Volatile.Read(ref _version);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (_disposed)
                return false;
            var version = Interlocked.Increment(ref _version);
            _period = period;
            if (dueTime != Timeout.InfiniteTimeSpan)
                time.Arm(new Armed(this, version), dueTime);
            return true;
        }

        public void Fire()
        {
            var version = Interlocked.Increment(ref _version);
            if (_period > TimeSpan.Zero)
                time.Arm(new Armed(this, version), _period);
            callback(state);
        }

        public void Dispose()
        {
            _disposed = true;
            Interlocked.Increment(ref _version);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
