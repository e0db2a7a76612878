using System.Diagnostics.CodeAnalysis;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Ready tasks by host: within a host by rank (priority, then age), and over all hosts the best head of each. Taking the next one
/// costs a few logarithms however many tasks wait and however many hosts are full.
/// </summary>
internal sealed class ReadyTasks
{
    private readonly Dictionary<string, Host> _hosts = new(StringComparer.OrdinalIgnoreCase);
    private readonly SortedSet<Head> _heads = [];

    public int Count { get; private set; }

    /// <summary>A URL's origin, as limits count connections.</summary>
    public static ReadOnlySpan<char> HostOf(string url) => OriginName.Of(url);

    public void Add(TaskState task)
    {
        var host = Find(task);
        if (host.Ready.Add(new Rank(task.Spec.Priority, task.Ordinal, task.Id)))
            Count++;
        Rehead(host);
    }

    public void Remove(TaskState task)
    {
        var host = Find(task);
        if (host.Ready.Remove(new Rank(task.Spec.Priority, task.Ordinal, task.Id)))
            Count--;
        Rehead(host);
        Forget(host);
    }

    public void CountActive(TaskState task, int change)
    {
        var host = Find(task);
        host.Active += change;
        Forget(host);
    }

    public int ActiveOn(string url) => _hosts.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(HostOf(url), out var host) ? host.Active : 0;

    /// <summary>The best ready task whose host has fewer than <paramref name="perHostMax"/> active ones and is not in <paramref name="refused"/>.</summary>
    public bool TryPeek(int perHostMax, IReadOnlySet<string> refused, out TaskId task, [NotNullWhen(true)] out string? host)
    {
        foreach (var head in _heads)
        {
            if (head.Host.Active >= perHostMax || refused.Contains(head.Host.Name))
                continue;
            task = head.Rank.Id;
            host = head.Host.Name;
            return true;
        }
        task = default;
        host = null;
        return false;
    }

    private Host Find(TaskState task)
    {
        var lookup = _hosts.GetAlternateLookup<ReadOnlySpan<char>>();
        var name = HostOf(task.Spec.Url);
        if (!lookup.TryGetValue(name, out var host))
            lookup[name] = host = new Host(name.ToString());
        return host;
    }

    private void Rehead(Host host)
    {
        Rank? best = host.Ready.Count > 0 ? host.Ready.Min : null;
        if (best == host.Head)
            return;
        if (host.Head is { } old)
            _heads.Remove(new Head(old, host));
        if (best is { } head)
            _heads.Add(new Head(head, host));
        host.Head = best;
    }

    private void Forget(Host host)
    {
        if (host.Ready.Count == 0 && host.Active == 0)
            _hosts.Remove(host.Name);
    }

    private sealed class Host(string name)
    {
        public string Name { get; } = name;
        public SortedSet<Rank> Ready { get; } = [];
        public Rank? Head { get; set; }
        public int Active { get; set; }
    }

    private readonly record struct Rank(double Priority, long Ordinal, TaskId Id) : IComparable<Rank>
    {
        public int CompareTo(Rank other)
        {
            var byPriority = other.Priority.CompareTo(Priority);
            return byPriority != 0 ? byPriority : Ordinal.CompareTo(other.Ordinal);
        }
    }

    private readonly record struct Head(Rank Rank, Host Host) : IComparable<Head>
    {
        public int CompareTo(Head other) => Rank.CompareTo(other.Rank);
    }
}
