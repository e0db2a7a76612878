namespace Backhaul.Client.Calls;

/// <summary>Ends an attempt that makes no progress, or whose caller gave up. Every step of progress gives it its whole time again.</summary>
internal sealed class AttemptLimit : IDisposable
{
    private readonly TimeSpan _idle;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _expired;
    private readonly CancellationTokenSource _either;

    public AttemptLimit(TimeSpan idle, TimeProvider time, CancellationToken stop)
    {
        _idle = idle;
        _time = time;
        _expired = new CancellationTokenSource(idle, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_expired.Token, stop);
    }

    public CancellationToken Token => _either.Token;

    public bool IsExpired => _expired.IsCancellationRequested;

    /// <summary>When a byte last moved; null when none did.</summary>
    public long? ProgressedAt { get; private set; }

    public void Progressed()
    {
        ProgressedAt = _time.GetTimestamp();
        _expired.CancelAfter(_idle);
    }

    public void Dispose()
    {
        _either.Dispose();
        _expired.Dispose();
    }
}
