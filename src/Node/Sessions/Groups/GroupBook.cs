using System.Diagnostics.CodeAnalysis;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// The groups of a session by name. A group begins with its first task or when a client creates it; the former kind is forgotten with its
/// <c>groupCompleted</c>, the latter stays for the session's generation. Changed only by <see cref="Session.Apply"/>.
/// </summary>
internal sealed class GroupBook
{
    private readonly Dictionary<GroupName, TaskGroup> _groups = [];
    private readonly SortedSet<string> _names = new(StringComparer.Ordinal);
    private readonly HashSet<GroupName> _done = [];
    private readonly HashSet<GroupName> _under = [];

    public int Count => _groups.Count;

    /// <summary>Something is to be said or done without anybody asking.</summary>
    public bool HasWork => _done.Count > 0 || _under.Count > 0;

    /// <summary>What is remembered of all of them, by name.</summary>
    public IEnumerable<GroupState> States => _names.Select(name => _groups[GroupName.Parse(name)].State);

    public TaskGroup this[GroupName name] => _groups[name];

    public bool TryFind(GroupName name, [NotNullWhen(true)] out TaskGroup? group) => _groups.TryGetValue(name, out group);

    /// <summary>A group with ended tasks and no live one, of which nothing was said yet.</summary>
    public TaskGroup? Done => _done.Count > 0 ? _groups[_done.First()] : null;

    /// <summary>A group on which an act is being carried out.</summary>
    public TaskGroup? Under => _under.Count > 0 ? _groups[_under.First()] : null;

    public IEnumerable<TaskGroup> After(string? name) =>
        (name is null ? _names : _names.GetViewBetween(name, "\uffff").SkipWhile(next => next == name)).Select(next => _groups[GroupName.Parse(next)]);

    public TaskGroup Ensure(GroupName name)
    {
        if (_groups.TryGetValue(name, out var known))
            return known;
        return Restore(new GroupState { Name = name });
    }

    public TaskGroup Restore(GroupState state)
    {
        var group = new TaskGroup(state);
        _groups.Add(state.Name, group);
        _names.Add(state.Name.ToString());
        Note(group);
        return group;
    }

    public void Set(TaskGroup group, GroupState state)
    {
        group.State = state;
        Note(group);
        if (group.Live == 0 && state is { Kept: false, Under: null, Ended.Total: 0 })
        {
            _groups.Remove(state.Name);
            _names.Remove(state.Name.ToString());
        }
    }

    public void OnAdded(TaskGroup group)
    {
        group.Live++;
        Note(group);
    }

    public void OnEnded(TaskGroup group, string outcome)
    {
        group.State = group.State with { Ended = group.State.Ended.Plus(outcome) };
        Note(group);
    }

    private void Note(TaskGroup group)
    {
        Keep(_done, group.Name, group.Live == 0 && group.State.Ended.Total > 0);
        Keep(_under, group.Name, group.State.Under is not null);
    }

    private static void Keep(HashSet<GroupName> names, GroupName name, bool holds)
    {
        if (holds)
            names.Add(name);
        else
            names.Remove(name);
    }
}
