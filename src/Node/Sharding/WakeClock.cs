using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Protocol;

namespace Backhaul.Node.Sharding;

/// <summary>What the wake clock's mailbox holds.</summary>
internal sealed class WakeTick
{
    public static WakeTick Now { get; } = new();

    /// <summary>There is a new shard: whatever in it is due begins now, however lately it was begun by its last owner here.</summary>
    public static WakeTick ShardOpened { get; } = new();
}

/// <summary>
/// Starts sessions that have something to do by themselves: after a start those with work, later those whose time has come. The
/// journal's heads are the durable timer wheel; this actor only looks at them: at its start, when a shard is opened, every <c>WakePoll</c>, and at the next due time inside
/// it. Bounded: no more than <c>WakesInFlightMax</c> sessions wait for their load because of it.
///
/// Sessions in memory watch their own time and are left alone, however due they are; so are quarantined ones.
/// </summary>
internal sealed class WakeClock(NodeShards shards, IJournalStore store, ShardHostParts parts) : Actor<WakeTick>
{
    private const int RowsFirst = 512;
    private const int RowsLast = 1 << 20;
    private static readonly TimeSpan SoonAgain = TimeSpan.FromMilliseconds(100);

    private readonly Dictionary<SessionKey, DateTimeOffset> _woken = [];
    private readonly TimeProvider _time = parts.Time;
    private readonly ShardingOptions _options = parts.Options;

    protected internal override ValueTask StartAsync(ActorContext<WakeTick> context)
    {
        context.StartTimer("tick", TimeSpan.Zero, WakeTick.Now);
        return default;
    }

    protected internal override async ValueTask ReceiveAsync(WakeTick message, ActorContext<WakeTick> context)
    {
        var opened = ReferenceEquals(message, WakeTick.ShardOpened);
        while (context.TryTakeNext(out var another))
            opened |= ReferenceEquals(another, WakeTick.ShardOpened); // many shards opened at once are one look
        if (opened)
            _woken.Clear();
        TimeSpan next;
        try
        {
            next = await WakeDueAsync(context.Stopping);
        }
        catch (JournalStoreException away)
        {
            parts.Logger.DueNotListed(away, _options.WakePoll.TotalSeconds);
            next = _options.WakePoll;
        }
        context.StartTimer("tick", next, WakeTick.Now);
    }

    /// <summary>Wakes as many as there is room for; returns when to look again.</summary>
    private async ValueTask<TimeSpan> WakeDueAsync(CancellationToken stop)
    {
        var now = _time.GetUtcNow();
        foreach (var (session, at) in _woken)
        {
            if (now - at >= _options.WakeCoolDown)
                _woken.Remove(session);
        }
        var room = _options.WakesInFlightMax - parts.Residents.Starting;
        if (room <= 0)
            return SoonAgain;
        var (sessions, complete) = await ListAsync(now + _options.WakePoll, room, stop);
        var woken = 0;
        var next = complete ? _options.WakePoll : SoonAgain;
        foreach (var due in sessions)
        {
            if (due.WakeAt > now)
            {
                next = due.WakeAt - now; // in order: the earliest of what is left
                break;
            }
            if (woken == room || !shards.TryWake(due.Session))
            {
                next = SoonAgain;
                break;
            }
            _woken[due.Session] = now;
            woken++;
        }
        if (woken > 0)
            parts.Logger.WakesSessions(woken, parts.Residents.Starting);
        return next;
    }

    /// <summary>
    /// Sessions that are due by <paramref name="until"/> and not in memory, earliest first. Those in memory are among the rows and may be
    /// many, so the page grows until it holds enough others or everything.
    /// </summary>
    private async ValueTask<(IReadOnlyList<DueSession> Sessions, bool Complete)> ListAsync(DateTimeOffset until, int wanted, CancellationToken stop)
    {
        var grants = shards.Grants;
        if (grants.Count == 0)
            return ([], true);
        for (var rows = RowsFirst; ; rows *= 4)
        {
            var due = await store.ListDueAsync(grants, until, rows, stop);
            List<DueSession> absent = [.. due.Where(session => !parts.Residents.Contains(session.Session) && !_woken.ContainsKey(session.Session))];
            var complete = due.Count < rows;
            if (complete || absent.Count >= wanted || rows >= RowsLast)
                return (absent, complete);
        }
    }
}
