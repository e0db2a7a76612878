using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// A group with its live tasks, counted and in order. Of a serialized group one task at a time is offered to the scheduler: the first in
/// line, when no other is active. In line are ready tasks, and begun ones that wait for their next try: a failure does not let the next
/// task pass. A suspended task, and one that waits for its client, is not in line. The line is that of ranks, beginning at the current one.
/// Derived from the states put in, but for <see cref="State"/>.
/// </summary>
internal sealed class TaskGroup(GroupState state)
{
    private readonly long[] _counts = new long[(int)TaskPhase.Completed + 1];

    public GroupState State { get; set; } = state;

    public GroupName Name => State.Name;

    public bool IsSerialized => State.Mode is GroupMode.Serialized;

    public TaskOrder Members { get; } = new();

    public int Live { get; set; }

    /// <summary>Tasks with an attempt under way.</summary>
    public HashSet<TaskId> Active { get; } = [];

    /// <summary>Of a serialized group: tasks that could start now.</summary>
    public SortedSet<TaskRank> Ready { get; } = [];

    /// <summary>Begun tasks that keep their place while they wait for a time.</summary>
    public SortedSet<TaskRank> Held { get; } = [];

    /// <summary>What the scheduler was offered, and on which host.</summary>
    public (TaskRank Rank, ReadyHost Host)? Offered { get; set; }

    public long CountOf(TaskPhase phase) => _counts[(int)phase];

    public void Count(TaskPhase phase, int change) => _counts[(int)phase] += change;

    /// <summary>Of a serialized group: what may start now.</summary>
    public TaskRank? Next()
    {
        if (Active.Count > 0 || TaskRank.First(Ready, State.Current) is not { } ready)
            return null;
        return TaskRank.First(Held, State.Current) is { } held && IsBefore(held, ready) ? null : ready;
    }

    /// <summary>Of a serialized group: whom the others wait for; null when only the scheduler holds it back.</summary>
    public TaskId? Front() => Active.Count > 0 ? Active.First() : Next()?.Id ?? TaskRank.First(Held, State.Current)?.Id;

    /// <summary>In the line that begins at the current task and goes round.</summary>
    private bool IsBefore(TaskRank one, TaskRank other)
    {
        if (State.Current is not { } current)
            return one.CompareTo(other) < 0;
        var (oneIsEarly, otherIsEarly) = (one.CompareTo(current) >= 0, other.CompareTo(current) >= 0);
        return oneIsEarly == otherIsEarly ? one.CompareTo(other) < 0 : oneIsEarly;
    }
}
