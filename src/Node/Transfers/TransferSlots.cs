using Backhaul.Node.Telemetry;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;

namespace Backhaul.Node.Transfers;

/// <summary>
/// How many transfers run at once on this node, in all and to one host. How many in all is found by a <see cref="ConcurrencyClimber"/>, which
/// looks every moment at what the transfers brought.
/// <para>
/// First come, first served: a session that was refused waits in line, and when something comes free the first in line that could use it is
/// told. One slot is kept for it for a moment, so that a newcomer cannot take it between the word and the deed; a session that does
/// not come loses it again. A session that waits for a full host does not hold up others that want another one.
/// </para>
/// Invariants: slots taken never exceed the limits; a session waits at most once in line; callbacks run outside the lock, because they may
/// come straight back; extra connections of running attempts are given only while nobody waits, and are asked back when somebody does.
/// </summary>
internal sealed class TransferSlots : ITransferSlots, IDisposable
{
    /// <summary>How long a slot is kept for a session that was told; a turn of its actor takes milliseconds.</summary>
    private static readonly TimeSpan OfferAge = TimeSpan.FromSeconds(1);

    /// <summary>Long enough for a few hundred small files or a few hundred chunks, short enough to be at a thousand slow ones in a second.</summary>
    private static readonly TimeSpan WindowLength = TimeSpan.FromMilliseconds(200);

    private static readonly IReadOnlyDictionary<string, int> AnyHost = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);

    private readonly TransferOptions _options;
    private readonly TimeProvider _time;
    private readonly OriginGates? _gates;
    private readonly ITimer _expiry;
    private readonly ITimer _window;
    private readonly ConcurrencyClimber _climber;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _byHost = new(StringComparer.OrdinalIgnoreCase);
    private readonly LinkedList<Waiter> _line = new();
    private readonly Dictionary<SessionKey, LinkedListNode<Waiter>> _waiting = [];
    private readonly Dictionary<(SessionKey, string), int> _bySession = new(SessionHostComparer.Instance);
    private readonly Dictionary<SessionKey, Dictionary<string, int>> _refusedHosts = [];
    private readonly HashSet<SessionKey> _refusedByNode = [];
    private readonly Dictionary<SessionKey, long> _offers = [];
    private int _running;
    private int _runningMost;
    private long _windowSince;
    private bool _isWindowOpen;
    private bool _wasShort;
    private long _bytes;
    private int _files;
    private volatile int _inLine;

    /// <param name="options">The node's limits.</param>
    /// <param name="time">For offers that are not taken.</param>
    /// <param name="gates">What each origin allows besides; null: as many as the node's limits.</param>
    public TransferSlots(TransferOptions options, TimeProvider time, OriginGates? gates = null)
    {
        _gates = gates;
        if (gates is not null)
            gates.Opened = LookAgain;
        _options = options;
        _time = time;
        _expiry = time.CreateTimer(static slots => ((TransferSlots)slots!).ExpireOffers(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _window = time.CreateTimer(static slots => ((TransferSlots)slots!).EndWindow(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _climber = new ConcurrencyClimber(options.RunningMin, options.RunningStart, options.RunningMax);
        TransferInstruments.RunningLimit.Add(_climber.Limit);
    }

    public TransferSlotUse Use
    {
        get
        {
            lock (_lock)
                return new TransferSlotUse(_running, _climber.Limit, _options.HostMax);
        }
    }

    public int Take(SessionKey session, string host, int wanted, int sessionHostMax = int.MaxValue)
    {
        lock (_lock)
        {
            _offers.Remove(session);
            var free = _climber.Limit - _running - _offers.Count;
            var onHost = FreeOnHost(session, host, sessionHostMax);
            var granted = Math.Max(0, Math.Min(wanted, Math.Min(free, onHost)));
            if (granted > 0)
                Count(session, host, granted);
            OpenWindow();
            NoteRefusal(session, host, sessionHostMax, isRefused: granted < wanted, isHostFull: granted >= onHost);
            return granted;
        }
    }

    public SlotLease? TakeExtra(SessionKey session, string host, int sessionHostMax)
    {
        lock (_lock)
        {
            if (_line.Count > 0 || _running + _offers.Count >= _climber.Limit || FreeOnHost(session, host, sessionHostMax) <= 0)
                return null;
            Count(session, host, 1);
            return new SlotLease(this, session, host);
        }
    }

    public bool IsWanted(string host)
    {
        if (_inLine == 0)
            return false;
        lock (_lock)
            return _line.Any(waiter => waiter.Hosts.Count == 0 || waiter.Hosts.ContainsKey(host));
    }

    public void Return(SessionKey session, string host, int count)
    {
        List<Action> told;
        lock (_lock)
        {
            var onHost = _bySession.GetValueOrDefault((session, host));
            if (count < 0 || count > onHost || count > _running)
                throw new InvalidOperationException($"{session} returned {count} slots of {host}, of which it has {onHost}.");
            Count(session, host, -count);
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

    public void Moved(long bytes, int files)
    {
        Interlocked.Add(ref _bytes, bytes);
        if (files > 0)
            Interlocked.Add(ref _files, files);
    }

    public void Dispose()
    {
        _expiry.Dispose();
        _window.Dispose();
        TransferInstruments.RunningLimit.Add(-_climber.Limit);
    }

    /// <summary>Windows follow each other while anything runs or waits. Call under the lock.</summary>
    private void OpenWindow()
    {
        _runningMost = Math.Max(_runningMost, _running);
        if (_isWindowOpen)
            return;
        _isWindowOpen = true;
        _windowSince = _time.GetTimestamp();
        _window.Change(WindowLength, Timeout.InfiniteTimeSpan);
    }

    private void EndWindow()
    {
        List<Action> told;
        lock (_lock)
        {
            var files = Interlocked.Exchange(ref _files, 0);
            var limit = _climber.Limit;
            var isChurning = _runningMost >= limit * 9 / 10 && files >= limit;
            _climber.Observe(new WorkWindow(
                _time.GetElapsedTime(_windowSince), Interlocked.Exchange(ref _bytes, 0), files, _runningMost, _wasShort || isChurning || _refusedByNode.Count > 0));
            TransferInstruments.RunningLimit.Add(_climber.Limit - limit);
            (_runningMost, _wasShort, _isWindowOpen) = (_running, false, false);
            told = OfferFree();
            if (_running > 0 || _line.Count > 0)
                OpenWindow();
        }
        Tell(told);
    }

    public OriginHold? HoldOf(string host) => _gates?.HoldOf(host);

    /// <summary>An origin may be used again, or more than before.</summary>
    private void LookAgain()
    {
        List<Action> told;
        lock (_lock)
            told = OfferFree();
        Tell(told);
    }

    /// <summary>
    /// Remembers what was full for a session, so that it is told when that is not, and not before. A host that is full stays the reason when the
    /// node is full as well, by an offer perhaps: a session that was told of any free slot and found its host full would wait again, which
    /// offers the slot to the next one like it, and they would tell each other without end.
    /// </summary>
    private void NoteRefusal(SessionKey session, string host, int sessionHostMax, bool isRefused, bool isHostFull)
    {
        if (isRefused && isHostFull)
        {
            if (!_refusedHosts.TryGetValue(session, out var hosts))
                _refusedHosts[session] = hosts = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
            hosts[host] = sessionHostMax;
            return;
        }
        if (isRefused)
        {
            _wasShort = true;
            _refusedByNode.Add(session);
        }
        if (_refusedHosts.TryGetValue(session, out var full) && full.Remove(host) && full.Count == 0)
            _refusedHosts.Remove(session);
    }

    /// <summary>The full hosts a session waits for; empty when it waits for any slot of the node.</summary>
    private IReadOnlyDictionary<string, int> HostsOf(SessionKey session) =>
        !_refusedByNode.Contains(session) && _refusedHosts.TryGetValue(session, out var hosts)
            ? new Dictionary<string, int>(hosts, StringComparer.OrdinalIgnoreCase) : AnyHost;

    /// <summary>How many more the session may have to the host, by the host's limit and by its own.</summary>
    private int FreeOnHost(SessionKey session, string host, int sessionHostMax)
    {
        var taken = _byHost.GetValueOrDefault(host);
        var free = Math.Min(_options.HostMax - taken, sessionHostMax - _bySession.GetValueOrDefault((session, host)));
        return free <= 0 || _gates is null ? free : Math.Min(free, _gates.Free(host, taken));
    }

    private void Count(SessionKey session, string host, int change)
    {
        _running += change;
        Add(_byHost, host, change);
        Add(_bySession, (session, host), change);
        _gates?.Count(host, _byHost.GetValueOrDefault(host), begins: change > 0);
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

    /// <summary>Offers free slots to the first in line that could use one. Call under the lock.</summary>
    private List<Action> OfferFree()
    {
        List<Action> told = [];
        for (var node = _line.First; node is not null && _running + _offers.Count < _climber.Limit;)
        {
            var (waiter, next) = (node.Value, node.Next);
            if (waiter.Hosts.Count == 0 || waiter.Hosts.Any(host => FreeOnHost(waiter.Session, host.Key, host.Value) > 0))
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
        _inLine = _line.Count;
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

    /// <param name="Session">Who waits.</param>
    /// <param name="OnFree">How it is told.</param>
    /// <param name="Hosts">The full hosts it waits for, each with the session's own limit; empty waits for any slot.</param>
    private sealed record Waiter(SessionKey Session, Action OnFree, IReadOnlyDictionary<string, int> Hosts);

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
