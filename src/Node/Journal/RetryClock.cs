using Backhaul.Node.Actors;

namespace Backhaul.Node.Journal;

/// <summary>
/// The time a failing batch has, counted from its oldest request, and the pauses in it: exponential with full jitter. While the node
/// drains the limit is shorter, and a pause that runs ends at once.
/// </summary>
internal sealed class RetryClock(JournalOptions options, TimeProvider time, IRandom random, long startedAt, CancellationToken draining)
{
    private long? _drainStartedAt;
    private int _pauses;

    /// <summary>No other call, then: in a network that is cut each of them takes its whole time-out.</summary>
    public bool IsUsedUp
    {
        get
        {
            if (draining.IsCancellationRequested)
                _drainStartedAt ??= time.GetTimestamp();
            return time.GetElapsedTime(startedAt) >= options.RetryLimit
                || (_drainStartedAt is { } since && time.GetElapsedTime(since) >= options.DrainRetryLimit);
        }
    }

    /// <summary>False when the time is used up; else true after a pause.</summary>
    public async ValueTask<bool> PauseAsync()
    {
        if (IsUsedUp)
            return false;
        var ceiling = Math.Min(options.RetryPauseMin.Ticks * Math.Pow(2, Math.Min(_pauses++, 20)), options.RetryPauseMax.Ticks);
        var pause = TimeSpan.FromMilliseconds(1) + TimeSpan.FromTicks((long)(ceiling * random.NextUnit()));
        try
        {
            await Task.Delay(pause, time, _drainStartedAt is null ? draining : CancellationToken.None);
        }
        catch (OperationCanceledException) when (draining.IsCancellationRequested)
        {
            _drainStartedAt ??= time.GetTimestamp();
        }

        return true;
    }
}
