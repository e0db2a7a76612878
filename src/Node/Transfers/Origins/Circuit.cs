namespace Backhaul.Node.Transfers.Origins;

/// <summary>When a circuit opens, and how often an origin that cannot be reached is tried.</summary>
/// <param name="FailuresToOpen">Failures in a row, without an answer in between.</param>
/// <param name="ProbeEvery">From one probe to the next at first; up to four times as long while the origin stays dead.</param>
internal sealed record CircuitRules(int FailuresToOpen, TimeSpan ProbeEvery);

/// <summary>
/// Whether an origin can be reached at all, as this node has found. Pure: time comes in as an argument, from a clock that never goes back.
/// <code>
///            FailuresToOpen in a row                    probe is due
///   Closed ──────────────────────────► Open(next probe) ────────────► Probing
///     ▲  ▲                              ▲       ▲                       │  │
///     │  └──────── answer ──────────────┘       └──── failure, silence ─┘  │
///     └──────────────────────── answer ────────────────────────────────────┘
/// </code>
/// Invariants: while it is open, one probe at most begins in any <see cref="CircuitRules.ProbeEvery"/>. After it closed, the number of
/// connections begins at two and doubles with each answer, so that those who waited do not all come at once.
/// </summary>
internal sealed class Circuit(CircuitRules rules)
{
    private const int RampFirst = 2;
    private const int RampDone = 64;
    private const int ProbesDoubled = 2;

    private int _ramp = RampDone;
    private bool _isProbePromised;
    private int _probes;

    public bool IsOpen { get; private set; }

    public int Failures { get; private set; }

    public TimeSpan OpenedAt { get; private set; }

    /// <summary>While it is open: the next probe may begin at this time.</summary>
    public TimeSpan NextProbeAt { get; private set; }

    /// <summary>How many more connections may begin, with those there are.</summary>
    public int Free(int taken, TimeSpan now)
    {
        if (IsOpen)
            return now >= NextProbeAt ? 1 : 0;
        return _ramp >= RampDone ? int.MaxValue : Math.Max(0, _ramp - taken);
    }

    /// <summary>A connection is to begin, as <see cref="Free"/> allowed; while the circuit is open it is the probe.</summary>
    public void Begin(TimeSpan now)
    {
        if (!IsOpen)
            return;
        Probe(now);
        _isProbePromised = true;
    }

    /// <summary>A request is to be sent: true when it may. The probe that was begun passes once; another needs a time of its own.</summary>
    public bool Pass(TimeSpan now)
    {
        if (!IsOpen)
            return true;
        if (!_isProbePromised && now < NextProbeAt)
            return false;
        if (!_isProbePromised)
            Probe(now);
        _isProbePromised = false;
        return true;
    }

    /// <summary>There was no connection. True when the circuit opens by it.</summary>
    public bool Fail(TimeSpan now)
    {
        Failures++;
        if (IsOpen || Failures < rules.FailuresToOpen)
            return false;
        (IsOpen, OpenedAt, NextProbeAt, _isProbePromised, _probes) = (true, now, now + rules.ProbeEvery, false, 0);
        return true;
    }

    /// <summary>There was an answer. True when the circuit closes, or more may begin, by it.</summary>
    public bool Succeed()
    {
        Failures = 0;
        if (IsOpen)
        {
            (IsOpen, _ramp, _isProbePromised) = (false, RampFirst, false);
            return true;
        }
        if (_ramp >= RampDone)
            return false;
        _ramp *= 2;
        return true;
    }

    /// <summary>A probe holds a slot until it fails: of an origin that stays dead there are fewer.</summary>
    private void Probe(TimeSpan now)
    {
        _probes = Math.Min(_probes + 1, ProbesDoubled + 1);
        NextProbeAt = now + (rules.ProbeEvery * (1 << (_probes - 1)));
    }
}
