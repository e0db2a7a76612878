namespace Backhaul.Node.Delivery;

/// <summary>When a webhook that was not taken is sent again: ten times in about 75 hours, the waits growing, spread by a tenth. Pure.</summary>
internal static class WebhookSchedule
{
    private const double Spread = 0.1;

    private static readonly TimeSpan[] Waits =
    [
        TimeSpan.Zero, TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2),
        TimeSpan.FromHours(5), TimeSpan.FromHours(10), TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
    ];

    public static int AttemptsMax => Waits.Length;

    /// <summary>The wait before the next attempt; null when there is none.</summary>
    /// <param name="made">Attempts so far, this one included.</param>
    /// <param name="retryAfter">What the receiver asked for: never undercut.</param>
    /// <param name="unit">In [0, 1).</param>
    public static TimeSpan? WaitAfter(int made, TimeSpan? retryAfter, double unit)
    {
        if (made >= Waits.Length)
            return null;
        var wait = Waits[made] * (1 - Spread + (2 * Spread * unit));
        return retryAfter is { } asked && asked > wait ? asked : wait;
    }
}
