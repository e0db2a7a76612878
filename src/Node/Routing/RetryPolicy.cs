using Backhaul.Node.Sessions;

namespace Backhaul.Node.Routing;

/// <summary>What became of one try that decided nothing.</summary>
internal enum TryResult
{
    /// <summary>The owner is loading the session or opening the shard.</summary>
    Acquiring = 1,

    /// <summary>The owner hands the shard over.</summary>
    Moving = 2,

    /// <summary>The owner is not sure that it is still the owner.</summary>
    Suspended = 3,

    /// <summary>A mailbox is full.</summary>
    Full = 4,

    /// <summary>The session broke while it handled this, perhaps after the commit.</summary>
    Crashed = 5,

    /// <summary>Not the owner, and who is came along.</summary>
    Redirected = 6,

    /// <summary>Not the owner, and nobody newer is known; or nobody owns the shard at the moment.</summary>
    NotOwned = 7,

    /// <summary>Certainly not executed: no connection, or one that ended before the command was read.</summary>
    NotSent = 8,

    /// <summary>Perhaps executed: the connection broke after the command was sent.</summary>
    Unknown = 9,

    /// <summary>The peer does not take commands of this node; another process may have its address.</summary>
    NotAccepted = 10,

    /// <summary>No repetition helps: the store is away, or the time is over.</summary>
    Final = 11,
}

/// <summary>What to do next: wait, then try again.</summary>
/// <param name="Refresh">Ask for a newer view meanwhile.</param>
internal readonly record struct RetryStep(TimeSpan Wait, bool Refresh);

/// <summary>
/// Whether a command that was not decided is sent again by the node, and after how long; pure. What the caller would do anyway is done for
/// it while its deadline lasts.
/// <code>
///   answer                        next
///   421 with an owner             at once, up to three times; then a newer view, and wait
///   421 without, nobody owns it   ask for a newer view, wait
///   503 acquiring, suspended      wait
///   503 moving                    ask for a newer view, wait
///   429                           wait longer, the same node (a node alone tells its caller at once)
///   not sent                      ask for a newer view, wait; forget the address if nobody is there
///   unknown, crashed              wait, if a repetition is recognised or changes nothing; else tell the caller
///   not accepted                  ask for a newer view, wait
///   store away, time over         tell the caller
/// </code>
/// Without a budget to ask the same owner again, see <see cref="Unasked"/>.
/// </summary>
internal static class RetryPolicy
{
    /// <summary>Redirections that are followed without a wait.</summary>
    public const int RedirectsMax = 3;

    /// <summary>Null: give the answer at hand to the caller.</summary>
    /// <param name="result">What became of the last try.</param>
    /// <param name="retryAfter">How long whoever answered asked to wait; honoured as the least, up to the longest wait.</param>
    /// <param name="attempt">1 after the first try.</param>
    /// <param name="redirects">Redirections of this command, this one included.</param>
    /// <param name="remaining">Until the caller's deadline.</param>
    /// <param name="mayRepeat">A second execution would be recognised or would change nothing.</param>
    /// <param name="isAlone">There is no other node.</param>
    /// <param name="unit">A random number in [0, 1).</param>
    /// <param name="options">The limits.</param>
    public static RetryStep? Next(
        TryResult result, TimeSpan retryAfter, int attempt, int redirects, TimeSpan remaining, bool mayRepeat, bool isAlone, double unit, RoutingOptions options)
    {
        var again = result switch
        {
            TryResult.Final => false,
            TryResult.Full or TryResult.NotOwned => !isAlone,
            TryResult.Crashed or TryResult.Unknown => mayRepeat,
            _ => true,
        };
        if (!again || remaining <= TimeSpan.Zero)
            return null;
        if (result == TryResult.Redirected && redirects <= RedirectsMax)
            return new RetryStep(TimeSpan.Zero, Refresh: false);
        var ceilingMs = result == TryResult.Full
            ? options.RetryMax.TotalMilliseconds
            : Math.Min(options.RetryFirst.TotalMilliseconds * (1L << Math.Clamp(attempt - 1, 0, 20)), options.RetryMax.TotalMilliseconds);
        var wait = TimeSpan.FromMilliseconds(Math.Min(retryAfter.TotalMilliseconds, options.RetryMax.TotalMilliseconds) + (ceilingMs * unit));
        return wait < remaining ? new RetryStep(wait, NeedsView(result)) : null;
    }

    /// <summary>
    /// What follows when the same owner may not be asked again. Whoever waits for another owner watches the table, which costs nobody
    /// anything; everybody else would only wait blind, and gets the answer at hand, with its time to come back.
    /// </summary>
    /// <param name="result">What became of the last try.</param>
    /// <param name="step">What would follow otherwise.</param>
    /// <param name="blind">How long it has not been asked.</param>
    /// <param name="options">The limits.</param>
    public static RetryStep? Unasked(TryResult result, RetryStep step, TimeSpan blind, RoutingOptions options)
    {
        if (result is TryResult.Moving or TryResult.NotOwned or TryResult.Redirected)
            return step;
        var left = options.RetryMax - blind;
        return left <= TimeSpan.Zero ? null : step with { Wait = step.Wait < left ? step.Wait : left };
    }

    public static TryResult ResultOf(UnavailableReason reason) => reason switch
    {
        UnavailableReason.Acquiring => TryResult.Acquiring,
        UnavailableReason.Moving => TryResult.Moving,
        UnavailableReason.Suspended => TryResult.Suspended,
        UnavailableReason.Full => TryResult.Full,
        UnavailableReason.Crashed => TryResult.Crashed,
        UnavailableReason.NotOwned => TryResult.NotOwned,
        _ => TryResult.Final,
    };

    private static bool NeedsView(TryResult result) => result is
        TryResult.Redirected or TryResult.NotOwned or TryResult.Moving or TryResult.NotSent or TryResult.Unknown or TryResult.NotAccepted;
}
