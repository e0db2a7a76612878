namespace Backhaul.Node.Sharding;

/// <summary>
/// How many shards may be claimed by a node that has just started: 4 in its first moment, 8 in the next, 16, … and soon any number. A cluster
/// that starts all at once shares its shards this way, instead of the first node taking all and giving most back, and recovery
/// begins gently. A node that has been there for a while is not held up. Pure.
/// </summary>
internal sealed class ClaimBudget(int first, TimeSpan step)
{
    private const int DoublingsMax = 12;

    private long _moment = -1;
    private int _used;

    /// <summary>How many may be claimed now.</summary>
    public int Left(TimeSpan sinceStart)
    {
        var moment = sinceStart.Ticks / step.Ticks;
        if (moment != _moment)
            (_moment, _used) = (moment, 0);
        return moment > DoublingsMax ? int.MaxValue : Math.Max(0, (first << (int)moment) - _used);
    }

    public void Use(int claims) => _used += claims;

    /// <summary>When there is more.</summary>
    public TimeSpan NextAfter(TimeSpan sinceStart) => TimeSpan.FromTicks(step.Ticks - (sinceStart.Ticks % step.Ticks));
}
