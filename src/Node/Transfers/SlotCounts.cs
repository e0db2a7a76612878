using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;

namespace Backhaul.Node.Transfers;

/// <summary>Slots that are taken: in all, of each host, and of each session to a host. Its owner's lock guards it.</summary>
/// <param name="hostMax">Of this node to one host.</param>
/// <param name="gates">What each origin allows besides; null: nothing less.</param>
internal sealed class SlotCounts(int hostMax, OriginGates? gates)
{
    private readonly Dictionary<string, int> _byHost = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<(SessionKey, string), int> _bySession = new(SessionHostComparer.Instance);

    public int Running { get; private set; }

    public int Of(SessionKey session, string host) => _bySession.GetValueOrDefault((session, host));

    /// <summary>How many more the session may have to the host, by the host's limit, of which some are kept for others, and by its own.</summary>
    public int Free(SessionKey session, string host, int sessionHostMax, int kept)
    {
        var taken = _byHost.GetValueOrDefault(host) + kept;
        var free = Math.Min(hostMax - taken, sessionHostMax - Of(session, host));
        return free <= 0 || gates is null ? free : Math.Min(free, gates.Free(host, taken));
    }

    public void Add(SessionKey session, string host, int change)
    {
        Running += change;
        Add(_byHost, host, change);
        Add(_bySession, (session, host), change);
        gates?.Count(host, _byHost.GetValueOrDefault(host), begins: change > 0);
    }

    private static void Add<TKey>(Dictionary<TKey, int> counts, TKey key, int change)
        where TKey : notnull
    {
        var count = counts.GetValueOrDefault(key) + change;
        if (count == 0)
            counts.Remove(key);
        else
            counts[key] = count;
    }

    /// <summary>Hosts are compared without their case.</summary>
    private sealed class SessionHostComparer : IEqualityComparer<(SessionKey Session, string Host)>
    {
        public static readonly SessionHostComparer Instance = new();

        public bool Equals((SessionKey Session, string Host) x, (SessionKey Session, string Host) y) =>
            x.Session == y.Session && x.Host.Equals(y.Host, StringComparison.OrdinalIgnoreCase);

        public int GetHashCode((SessionKey Session, string Host) pair) =>
            HashCode.Combine(pair.Session, StringComparer.OrdinalIgnoreCase.GetHashCode(pair.Host));
    }
}
