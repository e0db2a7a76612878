using Backhaul.Protocol;

namespace Backhaul.Node.Transfers.Conditions;

/// <summary>
/// How many unconstrained transfers this node runs at once, whosever they are: what is free of other limits has this one, so that it cannot crowd out the
/// rest. A session that was refused is told once when a place may be free; all that wait are told at the same time, because those are few.
/// Invariants: places taken never exceed the limit; callbacks run outside the lock, because they may come straight back.
/// </summary>
internal sealed class UnconstrainedPlaces(int runningMax)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<SessionKey, Action> _waiting = [];
    private int _running;

    public UnconstrainedUse Use
    {
        get
        {
            lock (_lock)
                return new UnconstrainedUse(_running, runningMax);
        }
    }

    /// <summary>False when all are taken: <paramref name="onFree"/> is called once when that changes.</summary>
    public bool TryTake(SessionKey session, Action onFree)
    {
        lock (_lock)
        {
            if (_running < runningMax)
            {
                _running++;
                return true;
            }
            _waiting[session] = onFree;
            return false;
        }
    }

    public void Return()
    {
        Action[] told;
        lock (_lock)
        {
            if (_running == 0)
                throw new InvalidOperationException("A place for an unconstrained transfer was returned that nobody had taken.");
            _running--;
            told = [.. _waiting.Values];
            _waiting.Clear();
        }
        foreach (var onFree in told)
            onFree();
    }

    /// <summary>Forgets that a session waits.</summary>
    public void Forget(SessionKey session)
    {
        lock (_lock)
            _waiting.Remove(session);
    }
}

/// <summary>Numbers behind a waiting reason.</summary>
internal readonly record struct UnconstrainedUse(int Running, int RunningMax)
{
    public bool IsFull => Running >= RunningMax;
}
