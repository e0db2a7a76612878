using Backhaul.Node.Sessions;

namespace Backhaul.Node.Routing;

/// <summary>
/// Whether a command that was not decided is sent again inside the node, and after how long; pure. What the caller would do anyway
/// is done for it while its deadline lasts: waiting for a session that loads, or that was caught while it left memory.
/// </summary>
internal static class RetryPolicy
{
    /// <summary>Null: give the answer at hand to the caller.</summary>
    /// <param name="reason">Why it was not decided.</param>
    /// <param name="retryAfter">How long the shard asked to wait; honoured as the least.</param>
    /// <param name="attempt">1 after the first try.</param>
    /// <param name="remaining">Until the caller's deadline.</param>
    /// <param name="mayRepeat">A second execution would be recognised or would change nothing.</param>
    /// <param name="unit">A random number in [0, 1).</param>
    /// <param name="options">The limits.</param>
    public static TimeSpan? Wait(
        UnavailableReason reason, TimeSpan retryAfter, int attempt, TimeSpan remaining, bool mayRepeat, double unit, RoutingOptions options)
    {
        var again = reason switch
        {
            UnavailableReason.Acquiring or UnavailableReason.Moving => true,
            UnavailableReason.Crashed => mayRepeat, // the crash may have come after the commit
            _ => false,
        };
        if (!again)
            return null;
        var ceilingMs = Math.Min(options.RetryFirst.TotalMilliseconds * (1L << Math.Clamp(attempt - 1, 0, 20)), options.RetryMax.TotalMilliseconds);
        var wait = TimeSpan.FromMilliseconds(Math.Min(retryAfter.TotalMilliseconds, options.RetryMax.TotalMilliseconds) + (ceilingMs * unit));
        return wait < remaining ? wait : null;
    }
}
