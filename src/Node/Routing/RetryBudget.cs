namespace Backhaul.Node.Routing;

/// <summary>
/// How often this node may send a command again to a peer that did not carry it out: each command earns a share of one repetition (a
/// tenth), and a repetition costs one; a little comes with time, so that a quiet node may repeat too. When many commands fail, most
/// of them wait for another owner instead of asking the same one again, and an outage is not made worse. Pure; not thread-safe.
/// </summary>
internal sealed class RetryBudget(double share, int burst, double perSecond)
{
    private readonly double _most = burst;
    private double _tokens = burst;
    private TimeSpan _seen;

    public void Earn() => _tokens = Math.Min(_most, _tokens + share);

    /// <param name="now">Any clock that only goes forward.</param>
    /// <param name="keep">What must be left to others.</param>
    public bool TrySpend(TimeSpan now, int keep = 0)
    {
        _tokens = Math.Min(_most, _tokens + (Math.Max(0, (now - _seen).TotalSeconds) * perSecond));
        _seen = now;
        if (_tokens < 1 + keep)
            return false;
        _tokens--;
        return true;
    }
}
