namespace Backhaul.Node.Transfers.Downloads;

/// <summary>A repeating sign that something may be due, which can be waited for beside a read.</summary>
internal sealed class PumpTick : IDisposable
{
    private readonly ITimer _timer;
    private volatile TaskCompletionSource _next = New();

    public PumpTick(TimeProvider time, TimeSpan period) =>
        _timer = time.CreateTimer(static tick => ((PumpTick)tick!)._next.TrySetResult(), this, period, period);

    public bool IsDue => _next.Task.IsCompleted;

    public Task Next => _next.Task;

    /// <summary>Waits for the next one.</summary>
    public void Clear() => _next = New();

    public void Dispose() => _timer.Dispose();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
