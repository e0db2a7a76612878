namespace Backhaul.Node.Transfers.Origins;

/// <summary>A <see cref="ByteBucket"/> with a clock and a lock: one limit that several attempts are under, and that may change while they run.</summary>
internal sealed class RateGate
{
    /// <summary>One taking lasts this long at the limit, so that bytes flow evenly and timers are few.</summary>
    private static readonly TimeSpan GrainTime = TimeSpan.FromMilliseconds(60);
    private const int GrainMin = 256;
    private const int GrainMax = 256 * 1024;

    private readonly TimeProvider _time;
    private readonly long _origin;
    private readonly Lock _lock = new();
    private readonly ByteBucket _bucket = new();
    private double _taken;
    private bool _wasShort;
    private volatile bool _isLimited;
    private volatile int _grain = int.MaxValue;

    public RateGate(TimeProvider time, double? perSecond = null)
    {
        (_time, _origin) = (time, time.GetTimestamp());
        Set(perSecond);
    }

    public bool IsLimited => _isLimited;

    public int Grain => _grain;

    public double? PerSecond
    {
        get
        {
            lock (_lock)
                return _bucket.Rate;
        }
    }

    /// <summary>The limit from now on, also for those who wait; null lifts it.</summary>
    public void Set(double? perSecond)
    {
        lock (_lock)
        {
            if (_bucket.Rate == perSecond)
                return;
            _bucket.SetRate(perSecond, Now);
            _grain = perSecond is { } rate ? (int)Math.Clamp(rate * GrainTime.TotalSeconds, GrainMin, GrainMax) : int.MaxValue;
            _isLimited = perSecond is not null;
        }
    }

    public double Take(double amount)
    {
        lock (_lock)
        {
            _taken += amount;
            return _bucket.Take(amount, Now);
        }
    }

    public void GiveBack(double amount)
    {
        lock (_lock)
            _bucket.GiveBack(amount);
    }

    /// <summary>Null: nothing passes at present.</summary>
    public TimeSpan? Wait(double ticket)
    {
        lock (_lock)
        {
            var wait = _bucket.Wait(ticket, Now);
            _wasShort |= wait != TimeSpan.Zero;
            return wait;
        }
    }

    /// <summary>What was taken since the last call, and whether somebody had to wait.</summary>
    public (double Taken, bool WasShort) Drain()
    {
        lock (_lock)
        {
            var drained = (_taken, _wasShort);
            (_taken, _wasShort) = (0, false);
            return drained;
        }
    }

    private TimeSpan Now => _time.GetElapsedTime(_origin);
}
