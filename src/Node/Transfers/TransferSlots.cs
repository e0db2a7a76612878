using Backhaul.Node.Telemetry;
using Backhaul.Node.Transfers.Fairness;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;

namespace Backhaul.Node.Transfers;

/// <summary>
/// How many transfers run at once on this node, in all and to one host. How many in all is found by a <see cref="ConcurrencyClimber"/>, which
/// looks every moment at what the transfers brought.
/// <para>
/// A session that was refused waits in line, and when something comes free the first in line that could use it is told. Slots are kept for it for a
/// moment, so that a newcomer cannot take them between the word and the deed; a session that does not come loses them again. The line is a
/// <see cref="FairLine"/>: who waits gets slots in proportion to its weight, and equal ones in turn. A session that waits for a full host does not hold up
/// others that want another one.
/// </para>
/// <para>
/// Who was told counts as one that wants slots until it asks again (<see cref="NotifyWhenFree"/>) or wants none (<see cref="Decline"/>), so that it keeps its
/// place in the line meanwhile. Discretionary work takes a slot only while nobody waits for one and less than a part of the limit is in use.
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
    private readonly SlotCounts _counts;
    private readonly FairLine _line;
    private readonly Dictionary<SessionKey, SlotWaiter> _waiting = [];
    private readonly Dictionary<SessionKey, Dictionary<string, int>> _refusedHosts = [];
    private readonly HashSet<SessionKey> _refusedByNode = [];
    private readonly HashSet<SessionKey> _refusedByLoad = [];
    private readonly SlotOffers _offers = new();
    private int _waitingForNode;
    private int _waitingForLoadOnly;
    private bool _isExpiryArmed;
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
        _counts = new SlotCounts(options.HostMax, gates);
        _time = time;
        _line = new FairLine(tenant => options.TenantWeights.GetValueOrDefault(tenant.ToString(), 1));
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
                return new TransferSlotUse(_counts.Running, _climber.Limit, _options.HostMax) { DiscretionaryMax = DiscretionaryMax, Waiting = _waiting.Count, IsWanted = _waitingForNode > 0 };
        }
    }

    public int Take(SessionKey session, string host, int wanted, int sessionHostMax = int.MaxValue, bool isDiscretionary = false)
    {
        lock (_lock)
        {
            var taken = _counts.Running + _offers.Total - _offers.Of(session);
            var free = _climber.Limit - taken;
            if (isDiscretionary)
                free = _waitingForNode > 0 ? 0 : Math.Min(free, DiscretionaryMax - taken);
            var onHost = Math.Max(0, _counts.Free(session, host, sessionHostMax, _offers.OnHostForOthers(session, host)));
            var granted = Math.Max(0, Math.Min(wanted, Math.Min(free, onHost)));
            if (granted > 0)
                _counts.Add(session, host, granted);
            _offers.Use(session, host, granted);
            OpenWindow();
            if (isDiscretionary && granted < wanted && granted < onHost)
                _refusedByLoad.Add(session);
            else
                NoteRefusal(session, host, sessionHostMax, isRefused: granted < wanted, isHostFull: granted >= onHost);
            return granted;
        }
    }

    public SlotLease? TakeExtra(SessionKey session, string host, int sessionHostMax)
    {
        lock (_lock)
        {
            if (_waiting.Count > _waitingForLoadOnly || _counts.Running + _offers.Total >= _climber.Limit || _counts.Free(session, host, sessionHostMax, _offers.OnHost(host)) <= 0)
                return null;
            _counts.Add(session, host, 1);
            return new SlotLease(this, session, host);
        }
    }

    public bool IsWanted(string host)
    {
        if (_inLine == 0)
            return false;
        lock (_lock)
            return _waiting.Values.Any(waiter => waiter.ForNode || waiter.Hosts.ContainsKey(host));
    }

    public void Return(SessionKey session, string host, int count)
    {
        List<Action> told;
        lock (_lock)
        {
            var onHost = _counts.Of(session, host);
            if (count < 0 || count > onHost || count > _counts.Running)
                throw new InvalidOperationException($"{session} returned {count} slots of {host}, of which it has {onHost}.");
            _counts.Add(session, host, -count);
            told = OfferFree();
        }
        Tell(told);
    }

    public void NotifyWhenFree(SessionKey session, Action onFree, int wanted = 1, double weight = 1)
    {
        List<Action> told;
        lock (_lock)
        {
            GiveBackOffer(session); // what it was offered it did not take
            Wait(session, WaiterOf(session, onFree, wanted));
            _line.Join(session, weight);
            told = OfferFree();
        }
        Tell(told);
    }

    public void Decline(SessionKey session)
    {
        List<Action> told;
        lock (_lock)
        {
            StopWaiting(session);
            GiveBackOffer(session);
            _line.Leave(session);
            told = OfferFree();
        }
        Tell(told);
    }

    public void Forget(SessionKey session)
    {
        List<Action> told;
        lock (_lock)
        {
            StopWaiting(session);
            GiveBackOffer(session);
            _line.Forget(session);
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
        _runningMost = Math.Max(_runningMost, _counts.Running);
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
            (_runningMost, _wasShort, _isWindowOpen) = (_counts.Running, false, false);
            told = OfferFree();
            if (_counts.Running > 0 || _waiting.Count > 0)
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
            hosts[host] = Math.Max(sessionHostMax, hosts.GetValueOrDefault(host)); // of those it was refused for, the one that finds a place first
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

    /// <summary>What it was refused is what it waits for: full hosts, or any slot of the node, or a load low enough.</summary>
    private SlotWaiter WaiterOf(SessionKey session, Action onFree, int wanted)
    {
        var hosts = _refusedHosts.TryGetValue(session, out var full) ? new Dictionary<string, int>(full, StringComparer.OrdinalIgnoreCase) : AnyHost;
        var forLoad = _refusedByLoad.Contains(session);
        var forNode = _refusedByNode.Contains(session) || (hosts.Count == 0 && !forLoad);
        return new SlotWaiter(session, onFree, hosts, forNode, forLoad, forNode ? Math.Max(1, wanted) : 1);
    }

    /// <summary>Offers free slots to those in line that could use them, one after the other as they are next. Call under the lock.</summary>
    private List<Action> OfferFree()
    {
        List<Action> told = [];
        while (_counts.Running + _offers.Total < _climber.Limit && FindNext() is var (next, host) && next is not null)
        {
            var isNews = _offers.Add(next.Session, host, _time.GetTimestamp());
            _line.Charge(next.Session, 1);
            if (next.Wanted > 1)
                Wait(next.Session, next with { Wanted = next.Wanted - 1 });
            else
                Wait(next.Session, null);
            if (!isNews)
                continue;
            ForgetRefusals(next.Session);
            told.Add(next.OnFree);
        }
        _inLine = _waiting.Count;
        ArmExpiry();
        return told;
    }

    private void ArmExpiry()
    {
        if (_isExpiryArmed || _offers.IsEmpty)
            return;
        _isExpiryArmed = true;
        _expiry.Change(OfferAge, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Who is next, and the host that it is told of, when it waits for one. Discretionary work comes after all other.</summary>
    private (SlotWaiter? Waiter, string? Host) FindNext()
    {
        SlotWaiter? forLoad = null;
        foreach (var session in _line.InOrder)
        {
            if (!_waiting.TryGetValue(session, out var waiter))
                continue; // it was told and has not come yet
            if (waiter.ForNode)
                return (waiter, null);
            foreach (var (host, sessionHostMax) in waiter.Hosts)
            {
                if (_counts.Free(session, host, sessionHostMax, _offers.OnHost(host)) > 0)
                    return (waiter, host);
            }
            if (waiter.ForLoad)
                forLoad ??= waiter;
        }
        return (_counts.Running + _offers.Total < DiscretionaryMax ? forLoad : null, null);
    }

    private int DiscretionaryMax => Math.Max(1, (int)(_climber.Limit * _options.Discretionary.LoadMax));

    private void StopWaiting(SessionKey session)
    {
        Wait(session, null);
        ForgetRefusals(session);
    }

    /// <param name="session">Who waits.</param>
    /// <param name="waiter">For what; null: for nothing any more.</param>
    private void Wait(SessionKey session, SlotWaiter? waiter)
    {
        if (_waiting.Remove(session, out var old))
            CountWaiter(old, -1);
        if (waiter is null)
            return;
        _waiting[session] = waiter;
        CountWaiter(waiter, +1);
    }

    private void CountWaiter(SlotWaiter waiter, int change)
    {
        _waitingForNode += waiter.ForNode ? change : 0;
        _waitingForLoadOnly += waiter.IsForLoadOnly ? change : 0;
    }

    private void ForgetRefusals(SessionKey session)
    {
        _refusedHosts.Remove(session);
        _refusedByNode.Remove(session);
        _refusedByLoad.Remove(session);
    }

    /// <summary>What it did not use it does not pay for.</summary>
    private void GiveBackOffer(SessionKey session)
    {
        if (_offers.Withdraw(session) is > 0 and var unused)
            _line.Charge(session, -unused);
    }

    private void ExpireOffers()
    {
        List<Action> told;
        lock (_lock)
        {
            foreach (var session in _offers.OlderThan(_time.GetTimestamp() - (long)(OfferAge.TotalSeconds * _time.TimestampFrequency)))
            {
                StopWaiting(session);
                GiveBackOffer(session);
                _line.Leave(session);
            }
            _isExpiryArmed = false;
            told = OfferFree();
            ArmExpiry();
        }
        Tell(told);
    }

    private static void Tell(List<Action> told)
    {
        foreach (var onFree in told)
            onFree();
    }
}
