namespace Backhaul.World;

/// <summary>
/// A process's clocks: monotonic (timestamps and timers) and wall. They run at the process's own rate; the wall clock is skewed; while the
/// machine sleeps the monotonic one stands and the wall clock goes on, as on Linux.
/// </summary>
internal sealed class ProcessClock : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ProcessWorld _world;
    private readonly VirtualProcess _process;
    private readonly PriorityQueue<Armed, (long Due, long Order)> _timers = new();
    private double _rate;
    private TimeSpan _wallAhead;
    private long _worldSince;
    private long _localSince;
    private long _slept;
    private long _registrations;
    private bool _stands;

    internal ProcessClock(ProcessWorld world, VirtualProcess process, double rate, TimeSpan wallSkew)
    {
        (_world, _process, _rate, _wallAhead) = (world, process, rate, wallSkew);
        _worldSince = _localSince = world.Elapsed.Ticks;
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => Start + _wallAhead + TimeSpan.FromTicks(Local + _slept + (_stands ? _world.Elapsed.Ticks - _worldSince : 0));

    public override long GetTimestamp() => Local;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>From now on; what has passed stays as it was measured.</summary>
    public void SetRate(double rate)
    {
        Rebase();
        _rate = rate;
    }

    /// <summary>Somebody sets the wall clock.</summary>
    public void JumpWall(TimeSpan by) => _wallAhead += by;

    internal void Stand()
    {
        Rebase();
        _stands = true;
    }

    internal void Resume()
    {
        if (!_stands)
            return;
        _slept += _world.Elapsed.Ticks - _worldSince;
        _stands = false;
        _worldSince = _world.Elapsed.Ticks;
    }

    internal void Clear() => _timers.Clear();

    /// <summary>When, in the world's time, the next timer is due; null when none is armed, or while the clock stands.</summary>
    internal TimeSpan? NextDue()
    {
        if (_stands)
            return null;
        while (_timers.TryPeek(out var armed, out var at))
        {
            if (!armed.IsCurrent)
            {
                _timers.Dequeue();
                continue;
            }
            var ticks = _worldSince + (long)Math.Ceiling((at.Due - _localSince) / _rate);
            while (LocalAt(ticks) < at.Due)
                ticks++;
            return TimeSpan.FromTicks(ticks);
        }
        return null;
    }

    /// <summary>Queues the callbacks that are due. Nothing runs here.</summary>
    internal void QueueDue()
    {
        while (_timers.TryPeek(out var armed, out var at) && at.Due <= Local)
        {
            _timers.Dequeue();
            if (armed.IsCurrent)
                _process.Queue(static due => ((Armed)due!).Fire(), armed);
        }
    }

    private long Local => _stands ? _localSince : LocalAt(_world.Elapsed.Ticks);

    private long LocalAt(long world) => _localSince + (long)((world - _worldSince) * _rate);

    private void Rebase()
    {
        _slept += _stands ? _world.Elapsed.Ticks - _worldSince : 0;
        (_localSince, _worldSince) = (Local, _world.Elapsed.Ticks);
    }

    private void Arm(Armed armed, TimeSpan due)
    {
        if (!_process.IsAlive)
            return;
        if (due <= TimeSpan.Zero)
            _process.Queue(static now => ((Armed)now!).Fire(), armed);
        else
            _timers.Enqueue(armed, (Local + due.Ticks, ++_registrations));
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

    private sealed class Timer(ProcessClock clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;
        private bool _disposed;

        public long Version { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (_disposed)
                return false;
            Version++;
            _period = period;
            if (dueTime != Timeout.InfiniteTimeSpan)
                clock.Arm(new Armed(this, Version), dueTime);
            return true;
        }

        public void Fire()
        {
            Version++;
            if (_period > TimeSpan.Zero)
                clock.Arm(new Armed(this, Version), _period);
            callback(state);
        }

        public void Dispose()
        {
            _disposed = true;
            Version++;
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
