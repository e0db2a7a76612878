using Backhaul.Node.Transfers.Fairness;
using Backhaul.Protocol;

namespace Backhaul.Node.Transfers.Conditions;

/// <summary>
/// How many unconstrained transfers this node runs at once, whosever they are: what is free of other limits has this one, so that it cannot crowd out the
/// rest. Sessions that were refused stand in line, a <see cref="FairLine"/> as for slots: tenants by their weights, whatever each of them has waiting, and
/// the sessions of one in turn. A place that comes free is kept for the next, which is told, and takes it or passes it on in the turn that follows, or when
/// it stops. Whoever was told keeps its standing until that turn has shown whether it wants more.
/// Invariants: places taken and kept never exceed the limit; no place is free while somebody waits; callbacks run outside the lock, because they
/// may come straight back.
/// </summary>
/// <param name="runningMax">So many at once.</param>
/// <param name="weightOf">Of tenants; null: they are equal.</param>
internal sealed class UnconstrainedPlaces(int runningMax, Func<TenantId, double>? weightOf = null)
{
    private readonly Lock _lock = new();
    private readonly FairLine _line = new(weightOf ?? (static _ => 1));

    /// <summary>Of sessions in line those that were not told yet.</summary>
    private readonly Dictionary<SessionKey, Action> _waiting = [];

    /// <summary>Sessions that were told, and for each of which a place is kept.</summary>
    private readonly HashSet<SessionKey> _offered = [];
    private int _running;

    public UnconstrainedUse Use
    {
        get
        {
            lock (_lock)
                return new UnconstrainedUse(_running + _offered.Count, runningMax);
        }
    }

    /// <summary>False when all are taken: the session is in line, and <paramref name="onFree"/> is called once when a place is kept for it.</summary>
    /// <param name="session">For whom.</param>
    /// <param name="onFree">Called outside the lock.</param>
    /// <param name="wasKept">It is the place that was kept for the session, and charged when that was told.</param>
    public bool TryTake(SessionKey session, Action onFree, out bool wasKept)
    {
        lock (_lock)
        {
            wasKept = _offered.Remove(session);
            if (wasKept || _running + _offered.Count < runningMax)
            {
                _running++;
                return true;
            }
            _waiting[session] = onFree;
            _line.Join(session, weight: 1);
            return false;
        }
    }

    public void Return() => Return(null);

    /// <summary>The session could not use what it took in this turn: a place that was kept for it costs it nothing.</summary>
    public void ReturnUnused(SessionKey session, bool wasKept) => Return(wasKept ? session : null);

    private void Return(SessionKey? refunded)
    {
        List<Action> told;
        lock (_lock)
        {
            if (_running == 0)
                throw new InvalidOperationException("A place for an unconstrained transfer was returned that nobody had taken.");
            _running--;
            if (refunded is { } session)
                _line.Charge(session, -1);
            told = Offer();
        }
        Tell(told);
    }

    /// <summary>The session has looked at all that it could start: a place that is still kept for it goes to the next, and costs it nothing.</summary>
    public void Decline(SessionKey session)
    {
        List<Action> told;
        lock (_lock)
        {
            if (_offered.Remove(session))
                _line.Charge(session, -1);
            if (!_waiting.ContainsKey(session))
                _line.Leave(session);
            told = Offer();
        }
        Tell(told);
    }

    /// <summary>The session does not wait any more, and takes nothing that is kept for it.</summary>
    public void Forget(SessionKey session)
    {
        List<Action> told;
        lock (_lock)
        {
            _waiting.Remove(session);
            if (_offered.Remove(session))
                _line.Charge(session, -1); // its tenant had nothing of it
            _line.Forget(session);
            told = Offer();
        }
        Tell(told);
    }

    /// <summary>As many are told as there are free places.</summary>
    private List<Action> Offer()
    {
        List<Action> told = [];
        while (_waiting.Count > 0 && _running + _offered.Count < runningMax)
        {
            var next = _line.InOrder.First(_waiting.ContainsKey);
            told.Add(_waiting[next]);
            _waiting.Remove(next);
            _offered.Add(next);
            _line.Charge(next, 1);
        }
        return told;
    }

    private static void Tell(List<Action> told)
    {
        foreach (var onFree in told)
            onFree();
    }
}

/// <summary>Numbers behind a waiting reason.</summary>
/// <param name="Running">Places that are taken, or kept for whoever was told.</param>
/// <param name="RunningMax">The limit.</param>
internal readonly record struct UnconstrainedUse(int Running, int RunningMax)
{
    public bool IsFull => Running >= RunningMax;
}
