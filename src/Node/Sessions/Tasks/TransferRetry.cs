namespace Backhaul.Node.Sessions;

/// <summary>When a failed attempt is tried again: exponential with full jitter between two bounds, never before what the server asked for.</summary>
internal static class TransferRetry
{
    /// <summary>So that a failing disk or network is not asked in a tight loop even when the jitter is zero.</summary>
    private static readonly TimeSpan WaitMin = TimeSpan.FromMilliseconds(100);

    /// <param name="failures">Failures in a row, this one included.</param>
    /// <param name="unit">Uniform in [0, 1).</param>
    public static TimeSpan Wait(int failures, TimeSpan first, TimeSpan longest, TimeSpan? retryAfter, double unit)
    {
        var exponent = Math.Clamp(failures - 1, 0, 40);
        var bound = Math.Min(longest.TotalMilliseconds, first.TotalMilliseconds * Math.Pow(2, exponent));
        var wait = TimeSpan.FromMilliseconds(bound * unit);
        if (wait < WaitMin)
            wait = WaitMin;
        return retryAfter is { } asked && asked > wait ? asked : wait;
    }
}
