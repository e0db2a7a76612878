using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Ready tasks of one host that start under the same conditions. Those of a group are a row of their own: it competes with the other rows by its best task, and offers the one
/// that its group's order puts first, so that a group made current changes places among its own tasks only.
/// </summary>
internal sealed class ReadyHost(string name, ReadyLane lane)
{
    private readonly SortedSet<TaskRank> _own = [];
    private Dictionary<GroupName, (TaskGroup Group, SortedSet<TaskRank> Ranks)>? _rows;
    private SortedSet<Row>? _heads;

    public string Name { get; } = name;

    public ReadyLane Lane { get; } = lane;

    public int Count { get; private set; }

    /// <summary>The best rank, as the heads of its lane know it.</summary>
    public TaskRank? Head { get; set; }

    public TaskRank? Best
    {
        get
        {
            TaskRank? own = _own.Count > 0 ? _own.Min : null;
            TaskRank? row = _heads is { Count: > 0 } heads ? heads.Min.Rank : null;
            return own is null ? row : row is null || own.Value.CompareTo(row.Value) < 0 ? own : row;
        }
    }

    /// <summary>The task to start next; there must be one.</summary>
    public TaskId Next() => _own.Count > 0 && (_heads is not { Count: > 0 } heads || _own.Min.CompareTo(heads.Min.Rank) < 0)
        ? _own.Min.Id
        : TaskRank.First(_rows![_heads!.Min.Group].Ranks, _rows[_heads.Min.Group].Group.State.Current)!.Value.Id;

    public bool Add(TaskRank rank, TaskGroup? group)
    {
        var added = group is null ? _own.Add(rank) : Change(group, ranks => ranks.Add(rank));
        Count += added ? 1 : 0;
        return added;
    }

    public bool Remove(TaskRank rank, TaskGroup? group)
    {
        var removed = group is null ? _own.Remove(rank) : Change(group, ranks => ranks.Remove(rank));
        Count -= removed ? 1 : 0;
        return removed;
    }

    public bool Contains(TaskRank rank, TaskGroup group) => _rows is not null && _rows.TryGetValue(group.Name, out var row) && row.Ranks.Contains(rank);

    private bool Change(TaskGroup group, Func<SortedSet<TaskRank>, bool> change)
    {
        _rows ??= [];
        _heads ??= [];
        if (!_rows.TryGetValue(group.Name, out var row))
            _rows[group.Name] = row = (group, []);
        TaskRank? before = row.Ranks.Count > 0 ? row.Ranks.Min : null;
        var changed = change(row.Ranks);
        TaskRank? after = row.Ranks.Count > 0 ? row.Ranks.Min : null;
        if (before != after)
        {
            if (before is { } old)
                _heads.Remove(new Row(old, group.Name));
            if (after is { } head)
                _heads.Add(new Row(head, group.Name));
        }
        if (after is null)
            _rows.Remove(group.Name);
        return changed;
    }

    private readonly record struct Row(TaskRank Rank, GroupName Group) : IComparable<Row>
    {
        public int CompareTo(Row other) => Rank.CompareTo(other.Rank);
    }
}
