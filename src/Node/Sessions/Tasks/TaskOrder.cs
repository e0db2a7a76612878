using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>Tasks in order of creation. Those that ended leave holes, which are closed when they are the most.</summary>
internal sealed class TaskOrder
{
    private List<(long Ordinal, TaskId Id)> _ordered = [];
    private int _gone;

    public int Count => _ordered.Count - _gone;

    public void Add(TaskState task) => _ordered.Add((task.Ordinal, task.Id));

    /// <param name="lives">Which tasks are left.</param>
    public void RemoveOne(Predicate<TaskId> lives)
    {
        if (++_gone <= 64 || _gone <= _ordered.Count / 2)
            return;
        _ordered = _ordered.FindAll(entry => lives(entry.Id));
        _gone = 0;
    }

    /// <summary>Created after an ordinal, oldest first; ended ones may be among them.</summary>
    public IEnumerable<TaskId> After(long ordinal)
    {
        var ordered = _ordered;
        int low = 0, high = ordered.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (ordered[middle].Ordinal <= ordinal)
                low = middle + 1;
            else
                high = middle;
        }
        for (var i = low; i < ordered.Count; i++)
            yield return ordered[i].Id;
    }
}
