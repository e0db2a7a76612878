namespace Backhaul.Node.Sessions;

/// <summary>Ready tasks that start under the same conditions, by host: within a host by rank, and over all hosts the best head of each.</summary>
internal sealed class ReadyLane(StartTerms terms)
{
    private readonly Dictionary<string, ReadyHost> _hosts = new(StringComparer.OrdinalIgnoreCase);
    private readonly SortedSet<Head> _heads = [];

    public StartTerms Terms { get; } = terms;

    public bool IsEmpty => _hosts.Count == 0;

    /// <summary>Hosts that have a ready task, the one with the best first.</summary>
    public IEnumerable<ReadyHost> Hosts => _heads.Select(head => head.Host);

    public ReadyHost Of(ReadOnlySpan<char> name)
    {
        var lookup = _hosts.GetAlternateLookup<ReadOnlySpan<char>>();
        if (!lookup.TryGetValue(name, out var host))
            lookup[name] = host = new ReadyHost(name.ToString(), this);
        return host;
    }

    public ReadyHost? Find(ReadOnlySpan<char> name) => _hosts.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out var host) ? host : null;

    /// <summary>To be called after every change of a host: it changes its place, or is forgotten.</summary>
    public void Rehead(ReadyHost host)
    {
        var best = host.Best;
        if (best != host.Head)
        {
            if (host.Head is { } old)
                _heads.Remove(new Head(old, host));
            if (best is { } head)
                _heads.Add(new Head(head, host));
            host.Head = best;
        }
        if (host.Count == 0)
            _hosts.Remove(host.Name);
    }

    private readonly record struct Head(TaskRank Rank, ReadyHost Host) : IComparable<Head>
    {
        public int CompareTo(Head other) => Rank.CompareTo(other.Rank);
    }
}
