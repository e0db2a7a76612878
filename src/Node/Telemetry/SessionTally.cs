namespace Backhaul.Node.Telemetry;

/// <summary>
/// One session's share of the gauges that sum over sessions. Owned by the session's actor and used from its turns only; disposing it
/// once gives the share back, however the actor ended.
/// </summary>
internal sealed class SessionTally(LevelGauge active, LevelGauge waiting) : IDisposable
{
    private readonly Dictionary<string, long> _waiting = new(StringComparer.Ordinal);
    private bool _disposed;

    /// <summary>How many of the session's tasks wait for this reason now.</summary>
    public void Waiting(string reason, long count)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var before = _waiting.GetValueOrDefault(reason);
        if (before == count)
            return;
        _waiting[reason] = count;
        waiting.Add(count - before, reason);
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        foreach (var (reason, count) in _waiting)
            waiting.Add(-count, reason);
        active.Add(-1);
    }
}
