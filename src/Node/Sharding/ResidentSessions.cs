using System.Collections.Concurrent;
using Backhaul.Protocol;

namespace Backhaul.Node.Sharding;

/// <summary>A session that could not be loaded three times in a row; kept until an operator releases it or the node starts anew.</summary>
internal sealed record QuarantinedSession(SessionKey Session, int ShardId, DateTimeOffset Since, string Reason);

/// <summary>
/// Which sessions this node has in memory or in quarantine; written by the shards, read by the wake clock and by operators. A view
/// beside the truth, which is each shard's <see cref="SessionSlots{TMessage}"/>.
/// </summary>
internal sealed class ResidentSessions
{
    private readonly ConcurrentDictionary<SessionKey, QuarantinedSession?> _sessions = [];
    private readonly ConcurrentDictionary<SessionKey, byte> _starting = [];

    public int Count => _sessions.Count;

    public IReadOnlyCollection<SessionKey> Sessions => [.. _sessions.Keys];

    /// <summary>Asked for and not loaded yet, back-offs included.</summary>
    public int Starting => _starting.Count;

    public IReadOnlyList<QuarantinedSession> Quarantined => [.. _sessions.Values.OfType<QuarantinedSession>().OrderBy(session => session.Since)];

    public bool Contains(SessionKey session) => _sessions.ContainsKey(session);

    public QuarantinedSession? FindQuarantined(SessionKey session) => _sessions.GetValueOrDefault(session);

    public void Add(SessionKey session)
    {
        _sessions[session] = null;
        _starting[session] = 0;
    }

    public void Started(SessionKey session) => _starting.TryRemove(session, out _);

    public void StartsAgain(SessionKey session) => _starting[session] = 0;

    public void Quarantine(QuarantinedSession session)
    {
        _sessions[session.Session] = session;
        _starting.TryRemove(session.Session, out _);
    }

    public void Remove(SessionKey session)
    {
        _starting.TryRemove(session, out _);
        _sessions.TryRemove(session, out _);
    }
}
