using Backhaul.Protocol;

namespace Backhaul.Node.Transfers;

/// <summary>
/// Slots that are kept for sessions that were told of them, until they come or are too late: of the node, and of the host when that was what they waited for.
/// Its owner's lock guards it.
/// </summary>
internal sealed class SlotOffers
{
    private readonly Dictionary<SessionKey, Offer> _offers = [];
    private readonly Dictionary<string, int> _onHosts = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Of all sessions.</summary>
    public int Total { get; private set; }

    public bool IsEmpty => _offers.Count == 0;

    public int Of(SessionKey session) => _offers.TryGetValue(session, out var offer) ? offer.Count : 0;

    public int OnHost(string host) => _onHosts.GetValueOrDefault(host);

    public int OnHostForOthers(SessionKey session, string host) => OnHost(host) is var all and > 0 ? all - OwnOn(session, host) : 0;

    /// <summary>True: the session did not know yet.</summary>
    public bool Add(SessionKey session, string? host, long now)
    {
        var isNews = !_offers.TryGetValue(session, out var offer);
        if (offer is null)
            _offers[session] = offer = new Offer(now);
        offer.Count++;
        Total++;
        if (host is not null)
        {
            offer.Hosts.Add(host);
            _onHosts[host] = OnHost(host) + 1;
        }
        return isNews;
    }

    /// <summary>The session took so many slots of a host; those kept for it go first.</summary>
    public void Use(SessionKey session, string host, int taken)
    {
        if (!_offers.TryGetValue(session, out var offer))
            return;
        var used = Math.Min(taken, offer.Count);
        offer.Count -= used;
        Total -= used;
        for (; used > 0 && offer.Hosts.FindIndex(kept => IsSame(kept, host)) is >= 0 and var at; used--)
            Release(offer, at);
        while (offer.Hosts.Count > offer.Count)
            Release(offer, offer.Hosts.Count - 1);
        if (offer.Count == 0)
            _offers.Remove(session);
    }

    /// <summary>How many it had.</summary>
    public int Withdraw(SessionKey session)
    {
        var count = Of(session);
        Use(session, "", count);
        return count;
    }

    public SessionKey[] OlderThan(long since) => [.. _offers.Where(offer => offer.Value.Since <= since).Select(offer => offer.Key)];

    private static bool IsSame(string host, string other) => host.Equals(other, StringComparison.OrdinalIgnoreCase);

    private int OwnOn(SessionKey session, string host) => _offers.TryGetValue(session, out var offer) ? offer.Hosts.Count(kept => IsSame(kept, host)) : 0;

    private void Release(Offer offer, int at)
    {
        var host = offer.Hosts[at];
        offer.Hosts.RemoveAt(at);
        if (--_onHosts[host] == 0)
            _onHosts.Remove(host);
    }

    private sealed class Offer(long since)
    {
        public long Since { get; } = since;
        public int Count { get; set; }

        /// <summary>Where places are kept besides; no more than <see cref="Count"/>.</summary>
        public List<string> Hosts { get; } = [];
    }
}
