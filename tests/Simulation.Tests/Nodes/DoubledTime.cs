namespace Backhaul.Simulation.Tests.Nodes;

/// <summary>A mutant: a session for which the time of day passes twice as fast as for everybody else.</summary>
internal sealed class DoubledTime(TimeProvider time) : TimeProvider
{
    private readonly DateTimeOffset _from = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => time.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => time.LocalTimeZone;

    public override DateTimeOffset GetUtcNow() => _from + ((time.GetUtcNow() - _from) * 2);

    public override long GetTimestamp() => time.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => time.CreateTimer(callback, state, dueTime, period);
}
