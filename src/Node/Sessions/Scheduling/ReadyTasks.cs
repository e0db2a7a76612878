using System.Diagnostics.CodeAnalysis;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Ready tasks by what they demand of the conditions (few lanes), and in a lane by host: within a host by rank (priority, then age), and over
/// all hosts the best head of each. Taking the next one costs a few logarithms however many tasks wait and however many hosts are full, and a lane that is
/// shut by the conditions is passed over whole. Of a serialized group only the first in line is here; the others are counted and wait in their group.
/// </summary>
/// <param name="find">A live task, by its id.</param>
/// <param name="termsOf">What a task demands; the same as long as it is in here.</param>
internal sealed class ReadyTasks(Func<TaskId, TaskState> find, Func<TaskState, StartTerms> termsOf)
{
    private readonly Dictionary<StartTerms, ReadyLane> _lanes = [];
    private readonly Dictionary<string, int> _active = new(StringComparer.OrdinalIgnoreCase);

    public int Count { get; private set; }

    /// <summary>A URL's origin, as limits count connections.</summary>
    public static ReadOnlySpan<char> HostOf(string url) => OriginName.Of(url);

    /// <summary>What the tasks in here demand, each once.</summary>
    public IEnumerable<StartTerms> Terms => _lanes.Keys;

    public void Add(TaskState task, TaskGroup? group)
    {
        var rank = TaskRank.Of(task);
        if (group is { IsSerialized: true } ? group.Ready.Add(rank) : AddTo(Of(task), rank, group))
            Count++;
        Reoffer(group);
    }

    public void Remove(TaskState task, TaskGroup? group)
    {
        var rank = TaskRank.Of(task);
        if (group is { IsSerialized: true } ? group.Ready.Remove(rank) : Find(task) is { } host && RemoveFrom(host, rank, group))
            Count--;
        Reoffer(group);
    }

    public bool Contains(TaskState task, TaskGroup group)
    {
        var rank = TaskRank.Of(task);
        return group.IsSerialized ? group.Ready.Contains(rank) : Find(task) is { } host && host.Contains(rank, group);
    }

    public void CountActive(TaskState task, int change, TaskGroup? group)
    {
        var active = _active.GetAlternateLookup<ReadOnlySpan<char>>();
        var name = HostOf(task.Spec.Url);
        var count = ActiveOn(name) + change;
        if (count == 0)
            active.Remove(name);
        else
            active[name] = count;
        if (group is null)
            return;
        if (change > 0)
            group.Active.Add(task.Id);
        else
            group.Active.Remove(task.Id);
        Reoffer(group);
    }

    /// <summary>A begun task keeps its place in its group while it waits for a time.</summary>
    public void Hold(TaskState task, TaskGroup group, bool holds)
    {
        if (holds)
            group.Held.Add(TaskRank.Of(task));
        else
            group.Held.Remove(TaskRank.Of(task));
        Reoffer(group);
    }

    /// <summary>Which task of a serialized group is offered follows from its line; called after every change of it.</summary>
    public void Reoffer(TaskGroup? group)
    {
        if (group is null)
            return;
        var next = group.IsSerialized ? group.Next() : null;
        if (next == group.Offered?.Rank)
            return;
        if (group.Offered is var (rank, host))
            RemoveFrom(host, rank, group);
        group.Offered = null;
        if (next is not { } first)
            return;
        var to = Of(find(first.Id));
        AddTo(to, first, group);
        group.Offered = (first, to);
    }

    public int ActiveOn(string url) => ActiveOn(HostOf(url));

    /// <summary>
    /// The best ready task whose host has fewer than <paramref name="perHostMax"/> active ones and is not in <paramref name="refused"/>, among those that
    /// <paramref name="mayStart"/> under the present conditions.
    /// </summary>
    public bool TryPeek(
        int perHostMax, IReadOnlySet<string> refused, out TaskId task, [NotNullWhen(true)] out string? host, Func<StartTerms, bool>? mayStart = null)
    {
        ReadyHost? best = null;
        foreach (var lane in _lanes.Values)
        {
            if (mayStart?.Invoke(lane.Terms) == false || lane.Hosts.FirstOrDefault(open => _active.GetValueOrDefault(open.Name) < perHostMax && !refused.Contains(open.Name)) is not { } head)
                continue;
            if (best is null || head.Head!.Value.CompareTo(best.Head!.Value) < 0)
                best = head;
        }
        (task, host) = best is null ? (default, null) : (best.Next(), best.Name);
        return best is not null;
    }

    private int ActiveOn(ReadOnlySpan<char> host) => _active.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(host, out var count) ? count : 0;

    private ReadyHost Of(TaskState task)
    {
        var terms = termsOf(task);
        if (!_lanes.TryGetValue(terms, out var lane))
            _lanes[terms] = lane = new ReadyLane(terms);
        return lane.Of(HostOf(task.Spec.Url));
    }

    private ReadyHost? Find(TaskState task) => _lanes.TryGetValue(termsOf(task), out var lane) ? lane.Find(HostOf(task.Spec.Url)) : null;

    private static bool AddTo(ReadyHost host, TaskRank rank, TaskGroup? group)
    {
        var added = host.Add(rank, group);
        host.Lane.Rehead(host);
        return added;
    }

    private bool RemoveFrom(ReadyHost host, TaskRank rank, TaskGroup? group)
    {
        var removed = host.Remove(rank, group);
        host.Lane.Rehead(host);
        if (host.Lane.IsEmpty)
            _lanes.Remove(host.Lane.Terms);
        return removed;
    }
}
