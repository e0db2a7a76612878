namespace Backhaul.Node.Transfers.Origins;

/// <summary>The gates before this node's origins: every request that opens a connection or counts as one asks here first, and says what came of it.</summary>
internal sealed class OriginGates
{
    private long _inside;

    /// <summary>Whether a request may go to an origin now; a short wait for a limit of requests is waited here.</summary>
    public ValueTask<GateAnswer> EnterAsync(string origin, AttemptOrder order, AttemptWatch watch)
    {
        Interlocked.Increment(ref _inside);
        return ValueTask.FromResult<GateAnswer>(GateAnswer.Open.Now);
    }

    /// <summary>Called once for each entry that was open.</summary>
    public void Report(string origin, OriginContact contact) => Interlocked.Decrement(ref _inside);
}
