using Backhaul.Node.Actors;

namespace Backhaul.Node.Sharding;

/// <summary>
/// How many sessions of this node load at once. Two lanes, served in turn when both wait: sessions that are due by themselves, and
/// those a client waits for; so neither a restart with many due sessions nor a crowd of clients starves the other. A load that takes
/// too long gives its permit up, so that a store that hangs for some cannot stop the recovery of all.
/// </summary>
internal sealed class RecoveryPermits(int loadsMax, TimeSpan permitMax, TimeProvider time, ILogger logger)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _due = [];
    private readonly LinkedList<Waiter> _asked = [];
    private readonly int _loadsMax = loadsMax;
    private int _free = loadsMax;
    private bool _dueNext = true;

    /// <summary>For sessions that are due by themselves.</summary>
    public IStartGate Due => field ??= new Gate(this, _due);

    /// <summary>For sessions that a client waits for.</summary>
    public IStartGate Asked => field ??= new Gate(this, _asked);

    /// <summary>Loads under way.</summary>
    public int Loading
    {
        get
        {
            lock (_lock)
                return _loadsMax - _free;
        }
    }

    public int Waiting
    {
        get
        {
            lock (_lock)
                return _due.Count + _asked.Count;
        }
    }

    private async ValueTask<IDisposable> EnterAsync(LinkedList<Waiter> lane, CancellationToken stop)
    {
        Waiter waiter;
        lock (_lock)
        {
            if (_free > 0)
            {
                _free--;
                return new Permit(this);
            }
            waiter = new Waiter();
            lane.AddLast(waiter);
        }
        using (stop.UnsafeRegister(static state => ((Waiter)state!).Cancel(), waiter))
        {
            if (await waiter.Admitted)
                return new Permit(this);
        }
        lock (_lock)
            lane.Remove(waiter);
        throw new OperationCanceledException(stop);
    }

    private void Leave()
    {
        lock (_lock)
        {
            while (Next() is { } waiter)
            {
                if (waiter.TryAdmit())
                    return; // the permit went over
            }
            _free++;
        }
    }

    private Waiter? Next()
    {
        var (first, second) = _dueNext ? (_due, _asked) : (_asked, _due);
        _dueNext = !_dueNext;
        var lane = first.Count > 0 ? first : second;
        var waiter = lane.First?.Value;
        if (waiter is not null)
            lane.RemoveFirst();
        return waiter;
    }

    private sealed class Waiter
    {
        private readonly TaskCompletionSource<bool> _admitted = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<bool> Admitted => _admitted.Task;

        public bool TryAdmit() => _admitted.TrySetResult(true);

        public void Cancel() => _admitted.TrySetResult(false);
    }

    private sealed class Gate(RecoveryPermits permits, LinkedList<Waiter> lane) : IStartGate
    {
        public ValueTask<IDisposable> EnterAsync(CancellationToken stop) => permits.EnterAsync(lane, stop);
    }

    private sealed class Permit : IDisposable
    {
        private readonly RecoveryPermits _permits;
        private readonly ITimer _limit;
        private int _left;

        public Permit(RecoveryPermits permits)
        {
            _permits = permits;
            _limit = permits.TakeLimit(this);
        }

        public void Dispose()
        {
            _limit.Dispose();
            if (Interlocked.Exchange(ref _left, 1) == 0)
                _permits.Leave();
        }

        public void Expire()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
                _permits.Expired();
        }
    }

    private ITimer TakeLimit(Permit permit) =>
        time.CreateTimer(static state => ((Permit)state!).Expire(), permit, permitMax, Timeout.InfiniteTimeSpan);

    private void Expired()
    {
        logger.LoadTakesLong(permitMax.TotalSeconds, Loading, Waiting);
        Leave();
    }
}
