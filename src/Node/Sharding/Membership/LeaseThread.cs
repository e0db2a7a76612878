using System.Collections.Concurrent;
using Backhaul.Node.Actors;

namespace Backhaul.Node.Sharding.Membership;

/// <summary>
/// One thread for the heartbeat and nothing else: scheduler, context of every continuation, and timers in one. It waits on its own queue
/// until its next timer is due, so neither a starved thread pool nor its timer thread can delay a beat. Calls to the store that are made on
/// it block it, and that is meant: they have a time limit, and nothing else wants the thread.
/// </summary>
internal sealed class LeaseThread : ActorScheduler, IDisposable
{
    private readonly ConcurrentQueue<(Action<object?> Work, object? State)> _queue = new();
    private readonly AutoResetEvent _arrived = new(false);
    private readonly ThreadTime _time;
    private readonly ILogger<LeaseThread> _logger;
    private volatile bool _stopping;

    public LeaseThread(TimeProvider clock, ILogger<LeaseThread> logger)
    {
        _time = new ThreadTime(clock, _arrived);
        _logger = logger;
        var thread = new Thread(Loop) { IsBackground = true, Name = "lease" };
        thread.UnsafeStart();
    }

    /// <summary>The clock, with timers that call back on this thread.</summary>
    public TimeProvider Time => _time;

    public override void Queue(Action<object?> work, object? state)
    {
        _queue.Enqueue((work, state));
        _arrived.Set();
    }

    /// <summary>The thread ends when it comes by; a beat in hand is finished.</summary>
    public void Dispose()
    {
        _stopping = true;
        _arrived.Set();
    }

    private void Loop()
    {
        SynchronizationContext.SetSynchronizationContext(new Context(this));
        while (!_stopping)
        {
            while (_queue.TryDequeue(out var item))
                Run(item.Work, item.State);
            while (_time.TakeDue() is { } callback)
                Run(static fire => ((Action)fire!)(), callback);
            if (_queue.IsEmpty)
                _arrived.WaitOne(_time.UntilNext());
        }
    }

    private void Run(Action<object?> work, object? state)
    {
        try
        {
            work(state);
        }
        catch (Exception bug)
        {
            _logger.LeaseThreadThrew(bug); // the heartbeat must go on
        }
    }

    private sealed class Context(LeaseThread owner) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => owner.Queue(s => d(s), state);

        public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Nobody waits for the heartbeat's thread.");

        public override SynchronizationContext CreateCopy() => this;
    }

    /// <summary>A few timers at most: a list is enough.</summary>
    private sealed class ThreadTime(TimeProvider clock, AutoResetEvent arrived) : TimeProvider
    {
        private static readonly TimeSpan WaitMax = TimeSpan.FromMinutes(1);

        private readonly Lock _lock = new();
        private readonly List<Timer> _armed = [];

        public override long TimestampFrequency => clock.TimestampFrequency;

        public override TimeZoneInfo LocalTimeZone => clock.LocalTimeZone;

        public override long GetTimestamp() => clock.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new Timer(this, () => callback(state));
            timer.Change(dueTime, period);
            return timer;
        }

        /// <summary>The callback of a timer that is due, which is armed again if it is periodic; null when none is.</summary>
        public Action? TakeDue()
        {
            lock (_lock)
            {
                if (Earliest() is not { } timer || clock.GetElapsedTime(timer.Since) < timer.Due)
                    return null;
                if (timer.Period > TimeSpan.Zero)
                    (timer.Since, timer.Due) = (clock.GetTimestamp(), timer.Period);
                else
                    _armed.Remove(timer);
                return timer.Callback;
            }
        }

        public TimeSpan UntilNext()
        {
            lock (_lock)
            {
                if (Earliest() is not { } timer)
                    return WaitMax;
                var left = timer.Due - clock.GetElapsedTime(timer.Since);
                if (left <= TimeSpan.Zero)
                    return TimeSpan.Zero;
                return left < WaitMax ? left + TimeSpan.FromMilliseconds(1) : WaitMax; // waits are in whole milliseconds
            }
        }

        private Timer? Earliest() => _armed.MinBy(timer => timer.Due - clock.GetElapsedTime(timer.Since));

        private bool Arm(Timer timer, TimeSpan dueTime, TimeSpan period)
        {
            lock (_lock)
            {
                _armed.Remove(timer);
                if (dueTime == Timeout.InfiniteTimeSpan)
                    return true;
                (timer.Since, timer.Due, timer.Period) = (clock.GetTimestamp(), dueTime, period);
                _armed.Add(timer);
            }
            arrived.Set();
            return true;
        }

        private sealed class Timer(ThreadTime owner, Action callback) : ITimer
        {
            public Action Callback => callback;

            public long Since { get; set; }

            public TimeSpan Due { get; set; }

            public TimeSpan Period { get; set; }

            public bool Change(TimeSpan dueTime, TimeSpan period) => owner.Arm(this, dueTime, period);

            public void Dispose() => owner.Arm(this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

            public ValueTask DisposeAsync()
            {
                Dispose();
                return default;
            }
        }
    }
}
