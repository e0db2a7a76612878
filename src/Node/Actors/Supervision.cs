namespace Backhaul.Node.Actors;

/// <summary>What a parent does about a child that threw.</summary>
internal abstract record SupervisionDecision
{
    private SupervisionDecision()
    {
    }

    /// <summary>A new instance after the back-off; the mailbox stays, the failing message does not.</summary>
    internal sealed record Restart(RestartBackoff Backoff) : SupervisionDecision;

    /// <summary>The child ends as <see cref="ActorEnd.Crashed"/>.</summary>
    internal sealed record Stop : SupervisionDecision;

    /// <summary>The child ends, and the parent fails with the same exception.</summary>
    internal sealed record Escalate : SupervisionDecision;

    internal static SupervisionDecision Default { get; } = new Restart(RestartBackoff.Default);
}

/// <summary>
/// How long a failed actor waits before it starts again: <see cref="First"/> × 2ⁿ, ± <see cref="Jitter"/>, never above <see cref="Longest"/>.
/// Only bugs are waited out here; what a network does is the session's business and survives restarts there.
/// </summary>
internal sealed record RestartBackoff
{
    internal static RestartBackoff Default { get; } = new();

    public TimeSpan First { get; init; } = TimeSpan.FromMilliseconds(200);

    public TimeSpan Longest { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A share of the delay, so that actors that failed together do not return together.</summary>
    public double Jitter { get; init; } = 0.2;

    /// <summary>The delay after failure number <paramref name="failures"/> (the first is 1), with a random number in [0, 1).</summary>
    public TimeSpan Delay(int failures, double unit)
    {
        var doublings = Math.Clamp(failures - 1, 0, 30);
        var delayMs = Math.Min(First.TotalMilliseconds * (1L << doublings), Longest.TotalMilliseconds);
        delayMs *= 1 - Jitter + (2 * Jitter * unit);
        return TimeSpan.FromMilliseconds(Math.Min(delayMs, Longest.TotalMilliseconds));
    }
}
