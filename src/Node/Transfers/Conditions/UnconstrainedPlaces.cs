using Backhaul.Protocol;

namespace Backhaul.Node.Transfers.Conditions;

/// <summary>
/// How many unconstrained transfers this node runs at once, whosever they are: what is free of other limits has this one, so that it cannot crowd out the
/// rest. Sessions that were refused stand in line; a place that comes free is kept for the first of them, which is told, and takes it or passes it on in
/// the turn that follows, or when it stops.
/// Invariants: places taken and kept never exceed the limit; no place is free while somebody stands in line; callbacks run outside the lock, because they
/// may come straight back.
/// </summary>
internal sealed class UnconstrainedPlaces(int runningMax)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<SessionKey> _line = [];
    private readonly Dictionary<SessionKey, (LinkedListNode<SessionKey> Place, Action OnFree)> _waiting = [];

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
    public bool TryTake(SessionKey session, Action onFree)
    {
        lock (_lock)
        {
            if (_offered.Remove(session) || _running + _offered.Count < runningMax)
            {
                _running++;
                return true;
            }
            _waiting[session] = (_waiting.TryGetValue(session, out var waiting) ? waiting.Place : _line.AddLast(session), onFree);
            return false;
        }
    }

    public void Return()
    {
        List<Action> told;
        lock (_lock)
        {
            if (_running == 0)
                throw new InvalidOperationException("A place for an unconstrained transfer was returned that nobody had taken.");
            _running--;
            told = Offer();
        }
        Tell(told);
    }

    /// <summary>The session has nothing to start: a place that is kept for it goes to the next.</summary>
    public void Decline(SessionKey session)
    {
        List<Action> told;
        lock (_lock)
            told = _offered.Remove(session) ? Offer() : [];
        Tell(told);
    }

    /// <summary>The session does not wait any more, and takes nothing that is kept for it.</summary>
    public void Forget(SessionKey session)
    {
        lock (_lock)
            Leave(session);
        Decline(session);
    }

    /// <summary>As many are told as there are free places.</summary>
    private List<Action> Offer()
    {
        List<Action> told = [];
        while (_running + _offered.Count < runningMax && _line.First is { Value: var first })
        {
            told.Add(_waiting[first].OnFree);
            Leave(first);
            _offered.Add(first);
        }
        return told;
    }

    private void Leave(SessionKey session)
    {
        if (_waiting.Remove(session, out var waiting))
            _line.Remove(waiting.Place);
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
