using System.Globalization;

namespace Backhaul.Node.Transfers.Origins;

/// <summary>What this node has of a cluster-wide limit, and until when (a time of the node's own clock).</summary>
internal sealed record OriginShare(OriginAmounts Amounts, TimeSpan ValidUntil);

/// <summary>
/// One origin as this node knows it: its limits, an operator's pause, the time before which it asked not to be asked, its circuit and the node's
/// share. All calls take the time; a lock around them is the caller's.
/// </summary>
internal sealed class OriginState(string name, OriginLimits configuredLimits, CircuitRules rules, TimeProvider time)
{
    private readonly OriginLimits _configured = configuredLimits;
    /// <summary>Times that differ by less are the same, measured with two clocks.</summary>
    private static readonly TimeSpan Same = TimeSpan.FromMilliseconds(500);

    private OriginRecord _record = OriginRecord.Empty;
    private TimeSpan _closedUntil = TimeSpan.MinValue;
    private string _closedWhy = "";
    private OriginShare? _share;
    private OriginAmounts _wanted;
    private TimeSpan _wantedAt;
    private int _peak;
    private bool _wasShort;

    public string Name { get; } = name;

    public Circuit Circuit { get; } = new(rules);

    public RateGate Requests { get; } = new(time);

    public RateGate Bytes { get; } = new(time);

    public OriginLimits Limits { get; private set; } = configuredLimits;

    public OriginRecord Record => _record;

    public TimeSpan ClosedUntil => _closedUntil;

    /// <summary>Connections that there are, as the slots last said.</summary>
    public int Taken { get; private set; }

    /// <summary>More connections were wanted than this node's share allowed, since the last deal.</summary>
    public bool WasShort => _wasShort;

    /// <summary>When the share ends; never, when there is none.</summary>
    public TimeSpan ShareEnds => _share?.ValidUntil ?? TimeSpan.MaxValue;

    public TimeSpan UsedAt { get; private set; }

    /// <summary>How many connections may begin besides those there are.</summary>
    public int Free(int taken, TimeSpan now)
    {
        (Taken, UsedAt) = (taken, now);
        if (_record.Paused || _closedUntil > now)
            return 0;
        var free = Math.Min(Circuit.Free(taken, now), Limits.NodeConnectionsMax - taken ?? int.MaxValue);
        if (Limits.ConnectionsMax is { } most)
            free = Math.Min(free, (int)Math.Min(most, SharedConnections(now)) - taken);
        if (free <= 0 && IsShort(taken, now))
            _wasShort = true;
        return free;
    }

    public OriginState Started(TimeSpan now)
    {
        UsedAt = now;
        ApplyRates(now);
        return this;
    }

    public void CountTaken(int taken)
    {
        Taken = taken;
        _peak = Math.Max(_peak, taken);
    }

    /// <summary>Why a request may not be sent now; null when it may. The request's place in the rate is another question.</summary>
    public OriginHold? Enter(TimeSpan now, DateTimeOffset wall)
    {
        UsedAt = now;
        return _record.Paused || _closedUntil > now || !Circuit.Pass(now) ? Hold(now, wall) : null;
    }

    public OriginHold? Hold(TimeSpan now, DateTimeOffset wall)
    {
        if (_record.Paused)
            return new OriginHold("systemPolicy", null, $"An operator paused {Name}{(_record.Why is { Length: > 0 } why ? $" ({why})" : "")}; resume the origin to let it run.");
        if (_closedUntil > now)
        {
            var at = wall + (_closedUntil - now);
            return new OriginHold("retry", at, $"{Name} asked not to be asked before {at:u} ({_closedWhy}).");
        }
        if (Circuit.IsOpen)
        {
            var at = wall + (Circuit.NextProbeAt > now ? Circuit.NextProbeAt - now : TimeSpan.Zero);
            return new OriginHold(
                "retry", at,
                string.Create(CultureInfo.InvariantCulture, $"{Name} could not be reached {Circuit.Failures} times in a row; it is probed again at {at:u}, and those who wait start when it answers."));
        }
        if (!IsShort(Taken, now))
            return null;
        var most = Math.Min(Limits.NodeConnectionsMax ?? int.MaxValue, Limits.ConnectionsMax is null ? int.MaxValue : SharedConnections(now));
        return new OriginHold(
            "hostLimit", null,
            string.Create(CultureInfo.InvariantCulture, $"This node has {Taken} of at most {most} connections to {Name}{(Limits.ConnectionsMax is { } all ? $" (its share of {all} for all nodes)" : "")}; it starts when one is free."));
    }

    /// <summary>The origin asked to wait; an earlier time than one that is known changes nothing. True when it is later.</summary>
    public bool Close(TimeSpan until, string why)
    {
        if (until <= _closedUntil)
            return false;
        (_closedUntil, _closedWhy) = (until, why);
        return true;
    }

    /// <summary>What the store says of the origin. True when more may begin by it.</summary>
    public bool Learn(OriginRecord record, TimeSpan now, DateTimeOffset storeNow)
    {
        var opens = _record.Paused && !record.Paused;
        if (record.Reopened > _record.Reopened && _record != OriginRecord.Empty)
            (_closedUntil, opens) = (TimeSpan.MinValue, true);
        if (record.ClosedUntil is { } until && until > storeNow)
            Close(now + (until - storeNow), record.ClosedWhy ?? "asked by another node");
        _record = record;
        Limits = (record.Limits ?? OriginLimits.None).Over(_configured);
        ApplyRates(now);
        return opens;
    }

    /// <summary>This node's share from now on; null gives none. True when it may do more than before.</summary>
    public bool Deal(OriginShare? share, TimeSpan now)
    {
        var grew = share is not null && (_share is null || share.Amounts.Connections > _share.Amounts.Connections);
        _share = share;
        ApplyRates(now);
        return grew;
    }

    /// <summary>
    /// What is to be written of this origin: a time to keep away that others do not know, and this node's entry among the holders of shares. Null: nothing
    /// new; what is granted holds from when it is written.
    /// </summary>
    public (OriginRecord? Next, OriginAmounts Granted) Plan(
        OriginRecord record, Guid node, DateTimeOffset storeNow, TimeSpan now, OriginOptions options, bool leaves, bool drains)
    {
        if (drains)
            DrainWanted(now);
        var next = record;
        if (_closedUntil > now && storeNow + (_closedUntil - now) is var until && !(record.ClosedUntil > until - Same))
            next = next with { ClosedUntil = until, ClosedWhy = _closedWhy };
        var mine = record.Holders.FirstOrDefault(holder => holder.Node == node);
        if (leaves || !Limits.IsShared)
        {
            if (mine is not null)
                next = next with { Holders = [.. record.Holders.Where(holder => holder.Node != node && holder.Until > storeNow)] };
            return (ReferenceEquals(next, record) ? null : next, OriginAmounts.None);
        }
        var (dealt, granted) = ShareDealing.Deal(next, Limits, node, _wanted, Held(now), storeNow, options.ShareAge);
        var entry = dealt.Holders.FirstOrDefault(holder => holder.Node == node);
        var isNew = entry is null ? mine is not null : mine is null || mine.Held != entry.Held || mine.Wanted != entry.Wanted
            || granted != ShareAt(now) || mine.Until - storeNow < options.ShareAge / 2;
        return isNew ? (dealt, granted) : (ReferenceEquals(next, record) ? null : dealt, granted);
    }

    /// <summary>What this node may be using until it hears otherwise: what the store must count for it.</summary>
    private OriginAmounts Held(TimeSpan now)
    {
        var share = ShareAt(now);
        return share with { Connections = Limits.ConnectionsMax is null ? 0 : Math.Max(share.Connections, Taken) };
    }

    /// <summary>What this node could use, by what it used and what it was short of since the last deal. Whoever was short asks for twice as much.</summary>
    private void DrainWanted(TimeSpan now)
    {
        var seconds = Math.Max(0.1, (now - _wantedAt).TotalSeconds);
        var (requests, bytes) = (Requests.Drain(), Bytes.Drain());
        var share = ShareAt(now);
        _wanted = new OriginAmounts(
            _wasShort ? Math.Max(_peak * 2, _peak + 4) : _peak,
            Wanted(requests.Taken * 1000 / seconds, requests.WasShort, share.MilliRequests, (Limits.RequestsPerSecondMax ?? 0) * 1000),
            Wanted(bytes.Taken / seconds, bytes.WasShort, share.Bytes, Limits.BytesPerSecondMax ?? 0));
        (_wantedAt, _peak, _wasShort) = (now, Taken, false);
    }

    private static long Wanted(double used, bool wasShort, long share, double limit) =>
        (long)Math.Ceiling(wasShort ? Math.Max(share * 2, limit / 4) : Math.Min(limit, used * 1.5));

    /// <summary>Called often enough that a share which ended is not used.</summary>
    public void ApplyRates(TimeSpan now)
    {
        var share = ShareAt(now);
        Requests.Set(Least(Limits.NodeRequestsPerSecondMax, Limits.RequestsPerSecondMax is null ? null : share.MilliRequests / 1000.0));
        Bytes.Set(Least(Limits.NodeBytesPerSecondMax, Limits.BytesPerSecondMax is null ? null : (double)share.Bytes));
    }

    public bool IsIdle(TimeSpan now, TimeSpan age) =>
        now - UsedAt > age && Taken == 0 && !Circuit.IsOpen && _closedUntil <= now && _record == OriginRecord.Empty && !Limits.IsShared;

    private OriginAmounts ShareAt(TimeSpan now) => _share is { } share && share.ValidUntil > now ? share.Amounts : OriginAmounts.None;

    private int SharedConnections(TimeSpan now) => (int)Math.Min(int.MaxValue, ShareAt(now).Connections);

    private bool IsShort(int taken, TimeSpan now) =>
        taken >= Limits.NodeConnectionsMax || (Limits.ConnectionsMax is not null && taken >= SharedConnections(now));

    private static double? Least(double? one, double? other) => one is null ? other : other is null ? one : Math.Min(one.Value, other.Value);
}
