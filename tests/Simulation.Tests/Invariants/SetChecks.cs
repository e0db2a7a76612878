using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Invariants;

/// <summary>
/// G1, G2: completion groups, by the rows: what is in one, that it is closed for good, and that its end is told once, after all its tasks, with their counts.
/// Its name is free again when that was acknowledged, or ended with its retention. After the store was put back nothing is checked.
/// </summary>
internal sealed class SetChecks(Func<bool> isExcused)
{
    private readonly Dictionary<(SessionKey Session, GroupName Name), Set> _sets = [];
    private readonly Dictionary<(SessionKey Session, TaskId Task), Set> _setOf = [];

    public long Fired { get; private set; }

    /// <summary>Names of those that take tasks.</summary>
    public IReadOnlyList<GroupName> OpenOf(SessionKey session) =>
        [.. _sets.Where(entry => entry.Key.Session == session && !entry.Value.IsClosed).Select(entry => entry.Key.Name).OrderBy(name => name.ToString(), StringComparer.Ordinal)];

    /// <summary>G2 after healing: one that is to fire; null when there is none.</summary>
    public string? FindUnfired() => isExcused() ? null : _sets.Where(entry => entry.Value is { IsClosed: true, Number: null, Left.Count: 0 })
        .Select(entry => $"the completion group {entry.Key.Name} of {entry.Key.Session}").FirstOrDefault();

    /// <summary>A client was told that its task is in the set.</summary>
    public void OnPromised(SessionKey session, TaskId task, GroupName name)
    {
        if (!isExcused() && _setOf.GetValueOrDefault((session, task))?.Name != name)
            throw new InvariantBrokenException("G1", $"{session} {task} was taken into the completion group {name}, and is in {_setOf.GetValueOrDefault((session, task))?.Name.ToString() ?? "none"}.");
    }

    /// <summary>A client was told that the set takes no more. It has not begun another one of that name since.</summary>
    public void OnClosed(SessionKey session, GroupName name)
    {
        if (!isExcused() && _sets.TryGetValue((session, name), out var set) && !set.IsClosed)
            throw new InvariantBrokenException("G2", $"The completion group {name} of {session} is said to be enabled, and is open.");
    }

    public void OnDurable(JournalShadow journal, SessionEvent happened)
    {
        if (isExcused())
            return;
        var session = journal.Session;
        switch (happened)
        {
            case TaskCreated { Spec.CompletionGroup: { } name } created:
                Join(session, created.Task, Ensure(session, name));
                break;
            case CompletionOpened opened:
                Ensure(session, opened.Group);
                break;
            case CompletionEnabled enabled:
                Ensure(session, enabled.Group).IsClosed = true;
                break;
            case TaskCompleted completed when _setOf.TryGetValue((session, completed.Task), out var set):
                set.Left.Remove(completed.Task);
                set.Ended = set.Ended.Plus(completed.Outcome);
                break;
            case CompletionFired fired:
                Fire(session, Ensure(session, fired.Group), fired, journal.Events.NumberOf(fired));
                break;
            case EventsAcknowledged acknowledged:
                Free(session, acknowledged.Through);
                break;
            case EventsExpired expired:
                Free(session, expired.Through);
                break;
        }
    }

    private void Join(SessionKey session, TaskId task, Set set)
    {
        if (set.IsClosed)
            throw new InvariantBrokenException("G2", $"{session} {task} joins the completion group {set.Name}, which is closed.");
        set.Left.Add(task);
        _setOf[(session, task)] = set;
    }

    private void Fire(SessionKey session, Set set, CompletionFired fired, long number)
    {
        if (set is not { IsClosed: true, Number: null } || set.Left.Count > 0)
        {
            throw new InvariantBrokenException(
                "G1", $"The completion group {set.Name} of {session} fires, is {(set.IsClosed ? "closed" : "open")}, has fired as {set.Number?.ToString() ?? "no"} event, and {set.Left.Count} of its tasks are left.");
        }
        if (fired.Counts != set.Ended)
            throw new InvariantBrokenException("G1", $"The completion group {set.Name} of {session} says {fired.Counts}, and its tasks ended as {set.Ended}.");
        set.Number = number;
        Fired++;
    }

    private void Free(SessionKey session, long through)
    {
        foreach (var (key, _) in _sets.Where(entry => entry.Key.Session == session && entry.Value.Number <= through).ToList())
            _sets.Remove(key);
    }

    private Set Ensure(SessionKey session, GroupName name)
    {
        if (!_sets.TryGetValue((session, name), out var set))
            _sets.Add((session, name), set = new Set(name));
        return set;
    }

    private sealed class Set(GroupName name)
    {
        public GroupName Name => name;

        public bool IsClosed { get; set; }

        public HashSet<TaskId> Left { get; } = [];

        public EndedCounts Ended { get; set; } = EndedCounts.None;

        /// <summary>Of the event that said its end.</summary>
        public long? Number { get; set; }
    }
}
