using System.Collections.Concurrent;
using System.Globalization;
using Backhaul.Node.Telemetry;

namespace Backhaul.Node.Transfers.Origins;

/// <summary>
/// The gates before this node's origins. The slots ask <see cref="Free"/> before a task starts, so that tasks of an origin that is paused, dead
/// or asked for patience wait without a slot; every request asks <see cref="EnterAsync"/> again, which also sees redirects and rates; what
/// came of it is told to <see cref="Report"/>. <c>OriginDeals</c> brings what other nodes and operators say.
/// Invariants: before the time of a <c>Retry-After</c> no request leaves; of a dead origin one probe at most is under way; a share that ended is not used.
/// </summary>
internal sealed class OriginGates : IDisposable
{
    private static readonly TimeSpan ForgottenAfter = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan PausedLook = TimeSpan.FromSeconds(30);

    private readonly OriginOptions _options;
    private readonly TimeProvider _time;
    private readonly long _began;
    private readonly CircuitRules _rules;
    private readonly ConcurrentDictionary<string, OriginState> _origins = new(StringComparer.OrdinalIgnoreCase);
    private readonly ITimer _timer;
    private readonly Lock _timerLock = new();
    private TimeSpan _timerAt = TimeSpan.MaxValue;

    public OriginGates(OriginOptions options, TimeProvider time)
    {
        (_options, _time, _began) = (options, time, time.GetTimestamp());
        _rules = new CircuitRules(options.CircuitFailures, options.ProbeEvery);
        _timer = time.CreateTimer(static gates => ((OriginGates)gates!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>More may begin somewhere: the slots look at who waits. Called outside of all locks.</summary>
    public Action Opened { get; set; } = static () => { };

    /// <summary>The store should hear of something soon: a new need, a time to keep away.</summary>
    public Action DealSoon { get; set; } = static () => { };

    /// <summary>This node's clock, which never goes back.</summary>
    public TimeSpan Now => _time.GetElapsedTime(_began);

    public IEnumerable<OriginState> All => _origins.Values;

    /// <summary>How many connections to an origin may begin besides those there are; the largest number when nothing limits it.</summary>
    public int Free(string origin, int taken)
    {
        var state = Of(origin);
        var now = Now;
        bool isShort;
        int free;
        TimeSpan again;
        lock (state)
        {
            var before = state.WasShort;
            free = state.Free(taken, now);
            isShort = state.WasShort && !before && state.Limits.ConnectionsMax is not null;
            again = AgainAt(state, now);
        }
        if (isShort)
            DealSoon();
        if (free <= 0)
            WakeAt(again);
        return free;
    }

    /// <summary>Connections begin, as <see cref="Free"/> allowed, or end.</summary>
    public void Count(string origin, int taken, bool begins)
    {
        var state = Of(origin);
        lock (state)
        {
            state.CountTaken(taken);
            if (begins)
                state.Circuit.Begin(Now);
        }
    }

    /// <summary>Whether a request may go to an origin now. A wait for its rate of requests is waited here while it is short.</summary>
    public async ValueTask<GateAnswer> EnterAsync(string origin, AttemptOrder order, AttemptWatch watch)
    {
        var state = Of(origin);
        if (Look(state) is { } closed)
            return closed;
        if (!state.Requests.IsLimited)
            return GateAnswer.Open.Now;
        var ticket = state.Requests.Take(1);
        var uses = false;
        try
        {
            if (await WaitAsync(origin, state, ticket, watch.Token) is { } late)
                return late;
            if (Look(state) is { } closedMeanwhile)
                return closedMeanwhile;
            uses = true;
            return GateAnswer.Open.Now;
        }
        finally
        {
            if (!uses)
                state.Requests.GiveBack(1); // also when the attempt was stopped while it waited
        }
    }

    /// <summary>Null when the ticket's turn came.</summary>
    private async ValueTask<GateAnswer.WaitUntil?> WaitAsync(string origin, OriginState state, double ticket, CancellationToken stop)
    {
        var began = Now;
        while (state.Requests.Wait(ticket) is var wait && wait != TimeSpan.Zero)
        {
            if (wait is null)
                DealSoon(); // this node has no share yet
            if (Now - began + (wait ?? Shortest) > _options.RequestWaitMax)
            {
                OriginInstruments.Refused();
                var per = state.Requests.PerSecond;
                return new GateAnswer.WaitUntil(
                    "hostLimit", _time.GetUtcNow() + (wait ?? LookAgain),
                    string.Create(CultureInfo.InvariantCulture, $"{origin} is asked at most {per:0.###} times a second by this node, and others are before this request."));
            }
            await Task.Delay(wait is null ? Shortest : wait.Value < LookAgain ? wait.Value + TimeSpan.FromMilliseconds(1) : LookAgain, _time, stop);
        }
        return null;
    }

    /// <summary>What came of a request that had entered.</summary>
    public void Report(string origin, OriginContact contact)
    {
        var state = Of(origin);
        var (opens, tells) = (false, false);
        lock (state)
        {
            switch (contact)
            {
                case OriginContact.Unreachable:
                    if (state.Circuit.Fail(Now))
                        OriginInstruments.CircuitOpened();
                    break;
                case OriginContact.Answered answered:
                    var wasOpen = state.Circuit.IsOpen;
                    opens = state.Circuit.Succeed();
                    if (wasOpen)
                        OriginInstruments.CircuitClosed();
                    if (answered is { Status: 429 or 503, RetryAfter: { } wait } && wait > TimeSpan.Zero)
                        tells = state.Close(Now + wait, string.Create(CultureInfo.InvariantCulture, $"status {answered.Status}, Retry-After {wait.TotalSeconds:0} s"));
                    break;
            }
        }
        if (tells)
            DealSoon();
        if (opens)
            Opened();
    }

    /// <summary>Why nothing starts to an origin; null when nothing of its own holds it back.</summary>
    public OriginHold? HoldOf(string origin)
    {
        if (!_origins.TryGetValue(origin, out var state))
            return null;
        lock (state)
            return state.Hold(Now, _time.GetUtcNow());
    }

    /// <summary>For operators.</summary>
    public (int Taken, bool IsDead, OriginLimits Limits) Describe(string origin)
    {
        if (!_origins.TryGetValue(origin, out var state))
            return (0, false, _options.LimitsOf(origin));
        lock (state)
            return (state.Taken, state.Circuit.IsOpen, state.Limits);
    }

    public bool IsKnown(string origin) => _origins.ContainsKey(origin);

    /// <summary>What the store says of an origin.</summary>
    public void Learn(string origin, OriginRecord record, DateTimeOffset storeNow)
    {
        var state = Of(origin);
        lock (state)
            state.Learn(record, Now, storeNow);
    }

    /// <summary>What this node has to write of an origin, and what it gets by it.</summary>
    public (OriginRecord? Next, OriginAmounts Granted) Plan(
        OriginState state, OriginRecord record, Guid node, DateTimeOffset storeNow, bool leaves, bool drains)
    {
        lock (state)
            return state.Plan(record, node, storeNow, Now, _options, leaves, drains);
    }

    /// <summary>It is written: the share is this node's.</summary>
    public void Deal(OriginState state, OriginShare? share)
    {
        lock (state)
            state.Deal(share, Now);
        if (share is not null)
            WakeAt(share.ValidUntil);
    }

    public RateGate BytesOf(string origin) => Of(origin).Bytes;

    public RateGate BytesOf(ReadOnlySpan<char> origin) =>
        _origins.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(origin, out var state) ? state.Bytes : Of(origin.ToString()).Bytes;

    public OriginState Of(string origin) => _origins.TryGetValue(origin, out var known) ? known : Add(origin);

    public void Dispose() => _timer.Dispose();

    private OriginState Add(string origin)
    {
        if (_origins.Count >= _options.OriginsMax)
            ForgetIdle();
        return _origins.GetOrAdd(origin.ToLowerInvariant(), name => new OriginState(name, _options.LimitsOf(name), _rules, _time).Started(Now));
    }

    private void ForgetIdle()
    {
        foreach (var state in _origins.Values)
        {
            lock (state)
            {
                if (state.IsIdle(Now, ForgottenAfter))
                    _origins.TryRemove(state.Name, out _);
            }
        }
    }

    private GateAnswer.WaitUntil? Look(OriginState state)
    {
        var wall = _time.GetUtcNow();
        OriginHold? hold;
        lock (state)
            hold = state.Enter(Now, wall);
        if (hold is null)
            return null;
        OriginInstruments.Refused();
        return new GateAnswer.WaitUntil(hold.Reason, hold.Until ?? wall + PausedLook, hold.Why);
    }

    private static TimeSpan AgainAt(OriginState state, TimeSpan now) =>
        state.ClosedUntil > now ? state.ClosedUntil : state.Circuit.IsOpen ? state.Circuit.NextProbeAt : TimeSpan.MaxValue;

    /// <summary>Someone waits for a moment: the slots are asked to look again then.</summary>
    private void WakeAt(TimeSpan at)
    {
        lock (_timerLock)
        {
            if (at >= _timerAt)
                return;
            _timerAt = at;
            var wait = at - Now + TimeSpan.FromMilliseconds(1);
            _timer.Change(wait > TimeSpan.Zero ? wait : TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>A share that ended is not used any more, whoever did not hear of it.</summary>
    private void EndShares()
    {
        var next = TimeSpan.MaxValue;
        foreach (var state in _origins.Values)
        {
            lock (state)
            {
                if (state.ShareEnds == TimeSpan.MaxValue)
                    continue;
                state.ApplyRates(Now);
                if (state.ShareEnds > Now && state.ShareEnds < next)
                    next = state.ShareEnds;
            }
        }
        if (next < TimeSpan.MaxValue)
            WakeAt(next);
    }

    private void OnTimer()
    {
        lock (_timerLock)
            _timerAt = TimeSpan.MaxValue;
        EndShares();
        Opened(); // whoever is still held back asks again, and sets the next time by it
    }
}
