namespace Backhaul.Node.Transfers.Origins;

/// <summary>
/// A rate of bytes, or of requests, shared by many takers. Pure: time comes in as an argument.
/// <para>
/// It counts what could have passed so far and what was promised. A taker gets a ticket, the count before its own bytes, and may pass when the
/// first count has reached it: first come, first served, and with tickets of equal size every taker gets the same. A change of the rate
/// changes how fast the first count grows, so tickets given out before it follow the new rate.
/// </para>
/// Invariant: over any time t no more than rate · t plus a burst passes. The burst makes up for timers that come late, no more.
/// </summary>
internal sealed class ByteBucket
{
    /// <summary>How much of an idle time can be made up for.</summary>
    private static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(250);

    private double _passable;
    private double _promised;
    private TimeSpan _at;

    /// <summary>Per second; null: no limit. Zero lets nothing pass.</summary>
    public double? Rate { get; private set; }

    public void SetRate(double? rate, TimeSpan now)
    {
        Advance(now);
        Rate = rate;
    }

    /// <summary>Takes an amount, which may be more than there is: the ticket says when it may pass.</summary>
    public double Take(double amount, TimeSpan now)
    {
        Advance(now);
        var ticket = _promised;
        _promised += amount;
        return ticket;
    }

    /// <summary>An amount that was taken and did not pass is there again for those who come later.</summary>
    public void GiveBack(double amount) => _promised -= amount;

    /// <summary>How long the holder of a ticket has to wait yet, at the present rate; null: without end.</summary>
    public TimeSpan? Wait(double ticket, TimeSpan now)
    {
        Advance(now);
        if (Rate is not { } rate || ticket <= _passable)
            return TimeSpan.Zero;
        if (rate <= 0)
            return null;
        var seconds = (ticket - _passable) / rate;
        return seconds < TimeSpan.FromDays(1).TotalSeconds ? TimeSpan.FromSeconds(seconds) : TimeSpan.FromDays(1);
    }

    private void Advance(TimeSpan now)
    {
        if (Rate is not { } rate)
        {
            // Without a limit nothing is owed, and nothing saved.
            _passable = _promised;
        }
        else
        {
            _passable = Math.Min(_passable + (rate * Math.Max(0, (now - _at).TotalSeconds)), _promised + (rate * Burst.TotalSeconds));
        }
        if (now > _at)
            _at = now;
    }
}
