using System.Diagnostics.CodeAnalysis;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Ready tasks by host: within a host by rank (priority, then age), and over all hosts the best head of each. Taking the next one
/// costs a few logarithms however many tasks wait and however many hosts are full. Of a serialized group only the first in line is here;
/// the others are counted and wait in their group.
/// </summary>
/// <param name="find">A live task, by its id.</param>
internal sealed class ReadyTasks(Func<TaskId, TaskState> find)
{
    private readonly Dictionary<string, ReadyHost> _hosts = new(StringComparer.OrdinalIgnoreCase);
    private readonly SortedSet<Head> _heads = [];

    public int Count { get; private set; }

    /// <summary>A URL's origin, as limits count connections.</summary>
    public static ReadOnlySpan<char> HostOf(string url) => OriginName.Of(url);

    public void Add(TaskState task, TaskGroup? group)
    {
        var rank = TaskRank.Of(task);
        if (group is { IsSerialized: true } ? group.Ready.Add(rank) : AddTo(Find(task.Spec.Url), rank, group))
            Count++;
        Reoffer(group);
    }

    public void Remove(TaskState task, TaskGroup? group)
    {
        var rank = TaskRank.Of(task);
        if (group is { IsSerialized: true } ? group.Ready.Remove(rank) : RemoveFrom(Find(task.Spec.Url), rank, group))
            Count--;
        Reoffer(group);
    }

    public bool Contains(TaskState task, TaskGroup group)
    {
        var rank = TaskRank.Of(task);
        return group.IsSerialized
            ? group.Ready.Contains(rank)
            : _hosts.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(HostOf(task.Spec.Url), out var host) && host.Contains(rank, group);
    }

    public void CountActive(TaskState task, int change, TaskGroup? group)
    {
        var host = Find(task.Spec.Url);
        host.Active += change;
        Forget(host);
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
        var to = Find(find(first.Id).Spec.Url);
        AddTo(to, first, group);
        group.Offered = (first, to);
    }

    public int ActiveOn(string url) => _hosts.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(HostOf(url), out var host) ? host.Active : 0;

    /// <summary>The best ready task whose host has fewer than <paramref name="perHostMax"/> active ones and is not in <paramref name="refused"/>.</summary>
    public bool TryPeek(int perHostMax, IReadOnlySet<string> refused, out TaskId task, [NotNullWhen(true)] out string? host)
    {
        foreach (var head in _heads)
        {
            if (head.Host.Active >= perHostMax || refused.Contains(head.Host.Name))
                continue;
            task = head.Host.Next();
            host = head.Host.Name;
            return true;
        }
        task = default;
        host = null;
        return false;
    }

    private ReadyHost Find(string url)
    {
        var lookup = _hosts.GetAlternateLookup<ReadOnlySpan<char>>();
        var name = HostOf(url);
        if (!lookup.TryGetValue(name, out var host))
            lookup[name] = host = new ReadyHost(name.ToString());
        return host;
    }

    private bool AddTo(ReadyHost host, TaskRank rank, TaskGroup? group)
    {
        var added = host.Add(rank, group);
        Rehead(host);
        return added;
    }

    private bool RemoveFrom(ReadyHost host, TaskRank rank, TaskGroup? group)
    {
        var removed = host.Remove(rank, group);
        Rehead(host);
        Forget(host);
        return removed;
    }

    private void Rehead(ReadyHost host)
    {
        var best = host.Best;
        if (best == host.Head)
            return;
        if (host.Head is { } old)
            _heads.Remove(new Head(old, host));
        if (best is { } head)
            _heads.Add(new Head(head, host));
        host.Head = best;
    }

    private void Forget(ReadyHost host)
    {
        if (host.Count == 0 && host.Active == 0)
            _hosts.Remove(host.Name);
    }

    private readonly record struct Head(TaskRank Rank, ReadyHost Host) : IComparable<Head>
    {
        public int CompareTo(Head other) => Rank.CompareTo(other.Rank);
    }
}
