namespace Backhaul.Node.Tests.Delivery;

/// <summary>Timers that fire a little before the clock says so: the system's are counted by another clock than the one that measures spans.</summary>
internal sealed class EarlyTimers(TimeProvider inner) : TimeProvider
{
    public static readonly TimeSpan By = TimeSpan.FromMilliseconds(1);

    public override long TimestampFrequency => inner.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => inner.GetUtcNow();

    public override long GetTimestamp() => inner.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Timer(inner.CreateTimer(callback, state, Earlier(dueTime), period));

    private static TimeSpan Earlier(TimeSpan due) => due > By ? due - By : due;

    private sealed class Timer(ITimer inner) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => inner.Change(Earlier(dueTime), period);

        public void Dispose() => inner.Dispose();

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
