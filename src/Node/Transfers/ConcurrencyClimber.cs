namespace Backhaul.Node.Transfers;

/// <summary>
/// How many transfers should run at once, found by trying. Pure: it is told what each short window of time brought, and answers with a limit.
/// <code>
///            ┌──────── nobody waits: the limit falls towards what is used ────────┐
///            ▼                                                                    │
///  Measuring ── patience is over ─► Settling ─► Trying ── worth it ─► Settling ─► (the same way on)
///      ▲                                          │
///      └───────────── Settling ◄── not worth it: back, and more patience ─────────┘
/// </code>
/// Slow peers give in proportion to how many are asked, so the first steps are fourfold: a thousand of them run within a second or two. On a
/// node that has its hands full, more is slower: a step up must bring a quarter of what proportion promises, while a step
/// down is kept unless it costs something. So the limit rests at the low end of what is best, and looks around again ever more seldom until
/// the rate changes. A window in which the limit has just changed mixes both and is not looked at.
/// Invariant: the minimum ≤ limit ≤ the maximum.
/// </summary>
internal sealed class ConcurrencyClimber
{
    /// <summary>A file costs something whatever its length: in bytes that move in the same time.</summary>
    public const long BytesPerFile = 128 * 1024;

    private const double GrowthFirst = 4;
    private const double GrowthLeast = 1.5;
    private const double GainWanted = 0.25;
    private const double LossAllowed = 0.04;
    private const double Shift = 2;
    private const int PatienceMax = 64;

    /// <summary>Who got to a bound because each step paid need not turn round at once.</summary>
    private const int RefusalsAtBound = 3;

    private readonly int _min;
    private readonly int _start;
    private readonly int _max;
    private Phase _phase = Phase.Measuring;
    private Phase _afterSettling = Phase.Measuring;
    private double _growth = GrowthFirst;
    private bool _upward = true;
    private int _patience = 1;
    private int _refusals;
    private int _before;
    private double _rate = double.NaN;

    public ConcurrencyClimber(int min, int start, int max)
    {
        _max = max;
        _min = Math.Min(min, max);
        _start = Math.Clamp(start, _min, max);
        Limit = _start;
    }

    private enum Phase
    {
        Measuring,
        Settling,
        Trying,
    }

    public int Limit { get; private set; }

    /// <summary>What happened since the last call.</summary>
    public void Observe(in WorkWindow window)
    {
        if (_phase is Phase.Settling)
        {
            _phase = _afterSettling;
            return;
        }
        var rate = (window.Bytes + (window.Files * BytesPerFile)) / Math.Max(window.Elapsed.TotalSeconds, 0.001);
        if (!window.IsWanted)
            Rest(window.Running);
        else if (_phase is Phase.Trying)
            Judge(rate);
        else
            Measure(rate);
    }

    /// <summary>The limit holds nobody up: what is more than used says nothing about the next kind of work.</summary>
    private void Rest(int running)
    {
        (_phase, _rate) = (Phase.Measuring, double.NaN);
        Forget();
        if (running < Limit / 2)
            Limit = Math.Max(_start, Limit / 2);
    }

    private void Measure(double rate)
    {
        if (!double.IsNaN(_rate) && (rate > _rate * Shift || rate * Shift < _rate))
            Forget(); // another kind of work: what was found out does not count
        _rate = double.IsNaN(_rate) ? rate : (_rate + rate) / 2;
        if (--_patience <= 0)
            Try();
    }

    private void Try()
    {
        if (_rate == 0)
            _upward = true; // nothing moves: others may
        var next = _upward ? Math.Min(_max, (int)Math.Ceiling(Limit * _growth)) : Math.Max(_min, (int)(Limit / GrowthLeast));
        if (next == Limit)
        {
            _refusals = Math.Max(_refusals, RefusalsAtBound);
            Refused();
            return;
        }
        _before = Limit;
        Limit = next;
        Settle(Phase.Trying);
    }

    private void Judge(double rate)
    {
        var growth = (double)Limit / _before;
        var isWorthIt = _upward
            ? rate >= _rate * (1 + (GainWanted * (growth - 1)))
            : rate >= _rate * (1 - LossAllowed);
        if (isWorthIt)
        {
            _rate = _upward ? rate : Math.Max(_rate, rate); // many small losses are a large one
            _refusals = 0;
            Try();
            return;
        }
        Limit = _before;
        if (_upward)
            _growth = Math.Max(GrowthLeast, Math.Sqrt(_growth));
        Refused();
        Settle(Phase.Measuring);
    }

    private void Refused()
    {
        _upward = !_upward;
        _refusals++;
        _patience = Math.Min(PatienceMax, 1 << Math.Min(_refusals, 6));
        _phase = Phase.Measuring;
    }

    private void Forget()
    {
        (_growth, _upward, _patience, _refusals) = (GrowthFirst, true, 1, 0);
    }

    private void Settle(Phase then)
    {
        _phase = Phase.Settling;
        _afterSettling = then;
    }
}
