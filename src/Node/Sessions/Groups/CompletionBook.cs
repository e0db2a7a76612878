using System.Diagnostics.CodeAnalysis;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>The completion groups of a session by name. Changed only by <see cref="Session.Apply"/>.</summary>
internal sealed class CompletionBook
{
    private readonly Dictionary<GroupName, CompletionGroup> _groups = [];
    private readonly HashSet<GroupName> _due = [];
    private readonly Queue<GroupName> _fired = new(); // in order of their events

    public int Count => _groups.Count;

    /// <summary>One of them is to fire.</summary>
    public bool HasWork => _due.Count > 0;

    /// <summary>One that is closed and has no task left.</summary>
    public CompletionGroup? Due => _due.Count > 0 ? _groups[_due.First()] : null;

    public IEnumerable<CompletionState> States => _groups.Values.Select(group => group.State).OrderBy(state => state.Name.ToString(), StringComparer.Ordinal);

    public CompletionGroup this[GroupName name] => _groups[name];

    public bool TryFind(GroupName name, [NotNullWhen(true)] out CompletionGroup? group) => _groups.TryGetValue(name, out group);

    public void Restore(IEnumerable<CompletionState> states)
    {
        foreach (var state in states.OrderBy(state => state.Number ?? long.MaxValue))
        {
            _groups.Add(state.Name, new CompletionGroup(state));
            if (state.Phase is CompletionPhase.Fired)
                _fired.Enqueue(state.Name);
            Note(_groups[state.Name]);
        }
    }

    /// <summary>The group of a task that was created; it begins with its first one.</summary>
    public GroupName OnAdded(GroupName name)
    {
        var group = Ensure(name);
        group.Left++;
        Note(group);
        return group.State.Name;
    }

    public void OnEnded(GroupName name, string outcome)
    {
        var group = _groups[name];
        group.Left--;
        group.State = group.State with { Ended = group.State.Ended.Plus(outcome) };
        Note(group);
    }

    public void Apply(CompletionEvent happened, long number)
    {
        var group = Ensure(happened.Group);
        group.State = happened switch
        {
            CompletionOpened => group.State,
            CompletionEnabled => group.State with { Phase = CompletionPhase.Enabled },
            CompletionFired => group.State with { Phase = CompletionPhase.Fired, Number = number },
            _ => throw new InvalidOperationException($"A completion group does not know the event {happened.GetType().Name}."),
        };
        if (happened is CompletionFired)
            _fired.Enqueue(happened.Group);
        Note(group);
    }

    /// <summary>Those whose event was read, or ended unread with its retention, are forgotten.</summary>
    public void OnAcknowledged(long through)
    {
        while (_fired.TryPeek(out var name) && _groups[name].State.Number <= through)
            _groups.Remove(_fired.Dequeue());
    }

    private CompletionGroup Ensure(GroupName name)
    {
        if (!_groups.TryGetValue(name, out var group))
            _groups[name] = group = new CompletionGroup(new CompletionState { Name = name });
        return group;
    }

    private void Note(CompletionGroup group)
    {
        if (group is { Left: 0, State.Phase: CompletionPhase.Enabled })
            _due.Add(group.State.Name);
        else
            _due.Remove(group.State.Name);
    }
}
