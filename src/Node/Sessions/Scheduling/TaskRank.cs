using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>A task's place among others: higher priority first, then the older one. Persisted as the current task of a group.</summary>
internal readonly record struct TaskRank(double Priority, long Ordinal, TaskId Id) : IComparable<TaskRank>
{
    /// <summary>Behind every task.</summary>
    public static readonly TaskRank Last = new(double.NegativeInfinity, long.MaxValue, default);

    public static TaskRank Of(TaskState task) => new(task.Spec.Priority, task.Ordinal, task.Id);

    public int CompareTo(TaskRank other)
    {
        var byPriority = other.Priority.CompareTo(Priority);
        return byPriority != 0 ? byPriority : Ordinal.CompareTo(other.Ordinal);
    }

    /// <summary>The first in a row that begins at <paramref name="current"/> and goes round; null when there is none.</summary>
    public static TaskRank? First(SortedSet<TaskRank> ranks, TaskRank? current)
    {
        if (ranks.Count == 0)
            return null;
        if (current is { } from && from.CompareTo(ranks.Min) > 0 && from.CompareTo(ranks.Max) <= 0)
            return ranks.GetViewBetween(from, Last).Min;
        return ranks.Min;
    }
}
