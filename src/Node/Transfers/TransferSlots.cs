using Backhaul.Protocol;

namespace Backhaul.Node.Transfers;

/// <summary>
/// How many transfers run at once on this node, in all and to one host.
/// <para>
/// First come, first served: a session that was refused waits in line, and when something comes free the first in line that could use it is
/// told. One slot is kept for it for a moment, so that a newcomer cannot take it between the word and the deed; a session that does
/// not come loses it again. A session that waits for a full host does not hold up others that want another one.
/// </para>
/// Invariants: slots taken never exceed the limits; a session waits at most once in line; callbacks run outside the lock, because they may
/// come straight back.
/// </summary>
internal sealed class TransferSlots : ITransferSlots, IDisposable
{
    /// <summary>How long a slot is kept for a session that was told; a turn of its actor takes milliseconds.</summary>
    private static readonly TimeSpan OfferAge = TimeSpan.FromSeconds(1);

    private readonly TransferOptions _options;
    private readonly TimeProvider _time;
    private readonly ITimer _expiry;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _byHost = new(StringComparer.OrdinalIgnoreCase);
    private readonly LinkedList<Waiter> _line = new();
    private readonly Dictionary<SessionKey, LinkedListNode<Waiter>> _waiting = [];
    private readonly Dictionary<SessionKey, HashSet<string>> _refusedHosts = [];
    private readonly HashSet<SessionKey> _refusedByNode = [];
    private readonly Dictionary<SessionKey, long> _offers = [];
    private int _running;

    public TransferSlots(TransferOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        _expiry = time.CreateTimer(static slots => ((TransferSlots)slots!).ExpireOffers(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public TransferSlotUse Use
    {
        get
        {
            lock (_lock)
                return new TransferSlotUse(_running, _options.RunningMax, _options.HostMax);
        }
    }

    public int Take(SessionKey session, string host, int wanted)
    {
        lock (_lock)
        {
            _offers.Remove(session);
            var free = _options.RunningMax - _running - _offers.Count;
            var onHost = _byHost.GetValueOrDefault(host);
            var granted = Math.Max(0, Math.Min(wanted, Math.Min(free, _options.HostMax - onHost)));
            if (granted > 0)
            {
                _running += granted;
                _byHost[host] = onHost + granted;
            }
            NoteRefusal(session, host, isRefused: granted < wanted, isHostFull: onHost + granted >= _options.HostMax);
            return granted;
        }
    }

    public void Return(SessionKey session, string host, int count)
    {
        List<Action> told;
        lock (_lock)
        {
            var onHost = _byHost.GetValueOrDefault(host);
            if (count < 0 || count > onHost || count > _running)
                throw new InvalidOperationException($"{session} returned {count} slots of {host}, of which {onHost} are taken.");
            _running -= count;
            if (onHost == count)
                _byHost.Remove(host);
            else
                _byHost[host] = onHost - count;
            told = OfferFree();
        }
        Tell(told);
    }

    public void NotifyWhenFree(SessionKey session, Action onFree)
    {
        List<Action> told;
        lock (_lock)
        {
            // What it was offered it did not take.
            _offers.Remove(session);
            if (_waiting.TryGetValue(session, out var node))
                node.Value = node.Value with { OnFree = onFree, Hosts = HostsOf(session) };
            else
                _waiting[session] = _line.AddLast(new Waiter(session, onFree, HostsOf(session)));
            told = OfferFree();
        }
        Tell(told);
    }

    public void Forget(SessionKey session)
    {
        List<Action> told;
        lock (_lock)
        {
            if (_waiting.Remove(session, out var node))
                _line.Remove(node);
            _offers.Remove(session);
            _refusedHosts.Remove(session);
            _refusedByNode.Remove(session);
            told = OfferFree();
        }
        Tell(told);
    }

    public void Dispose() => _expiry.Dispose();

    /// <summary>
    /// Remembers what was full for a session, so that it is told when that is not, and not before. A host that is full stays the reason when the
    /// node is full as well, by an offer perhaps: a session that was told of any free slot and found its host full would wait again, which
    /// offers the slot to the next one like it, and they would tell each other without end.
    /// </summary>
    private void NoteRefusal(SessionKey session, string host, bool isRefused, bool isHostFull)
    {
        if (isRefused && isHostFull)
        {
            if (!_refusedHosts.TryGetValue(session, out var hosts))
                _refusedHosts[session] = hosts = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
            hosts.Add(host);
            return;
        }
        if (isRefused)
            _refusedByNode.Add(session);
        if (_refusedHosts.TryGetValue(session, out var full) && full.Remove(host) && full.Count == 0)
            _refusedHosts.Remove(session);
    }

    /// <summary>The full hosts a session waits for; empty when it waits for any slot of the node.</summary>
    private string[] HostsOf(SessionKey session) =>
        !_refusedByNode.Contains(session) && _refusedHosts.TryGetValue(session, out var hosts) ? [.. hosts] : [];

    /// <summary>Offers free slots to the first in line that could use one. Call under the lock.</summary>
    private List<Action> OfferFree()
    {
        List<Action> told = [];
        for (var node = _line.First; node is not null && _running + _offers.Count < _options.RunningMax;)
        {
            var (waiter, next) = (node.Value, node.Next);
            if (waiter.Hosts.Length == 0 || waiter.Hosts.Any(host => _byHost.GetValueOrDefault(host) < _options.HostMax))
            {
                _line.Remove(node);
                _waiting.Remove(waiter.Session);
                _refusedHosts.Remove(waiter.Session);
                _refusedByNode.Remove(waiter.Session);
                _offers[waiter.Session] = _time.GetTimestamp();
                told.Add(waiter.OnFree);
            }
            node = next;
        }
        if (told.Count > 0)
            _expiry.Change(OfferAge, Timeout.InfiniteTimeSpan);
        return told;
    }

    private void ExpireOffers()
    {
        List<Action> told;
        lock (_lock)
        {
            foreach (var (session, since) in _offers.ToArray())
            {
                if (_time.GetElapsedTime(since) >= OfferAge)
                    _offers.Remove(session);
            }
            told = OfferFree();
            if (_offers.Count > 0)
                _expiry.Change(OfferAge, Timeout.InfiniteTimeSpan);
        }
        Tell(told);
    }

    private static void Tell(List<Action> told)
    {
        foreach (var onFree in told)
            onFree();
    }

    private sealed record Waiter(SessionKey Session, Action OnFree, string[] Hosts);
}
