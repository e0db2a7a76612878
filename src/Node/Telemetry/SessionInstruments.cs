using System.Diagnostics.Metrics;

namespace Backhaul.Node.Telemetry;

/// <summary>What sessions count.</summary>
internal static class SessionInstruments
{
    private static readonly LevelGauge Active = new("backhaul.session.active", "{session}", "Sessions in memory on this node.");

    private static readonly LevelGauge Waiting =
        new("backhaul.task.waiting", "{task}", "Waiting tasks of the sessions in memory, by reason.", "reason");

    private static readonly Histogram<double> LoadDuration = NodeMeter.Meter.CreateHistogram(
        "backhaul.session.load.duration", "s", "From the start of a session's actor to its first answer.", advice: NodeMeter.Seconds);

    private static readonly Counter<long> Ended = NodeMeter.Meter.CreateCounter<long>(
        "backhaul.task.ended", "{task}", "Tasks that reached their end, by outcome.");

    private static readonly Histogram<double> QueueAge = NodeMeter.Meter.CreateHistogram(
        "backhaul.task.queue.age", "s", "From a task's creation to its first attempt.", advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14400, 86400, 604800],
        });

    /// <summary>A session came into memory; <see cref="SessionTally.Dispose"/> takes all it counted back.</summary>
    public static SessionTally Activated()
    {
        Active.Add(1);
        return new SessionTally(Active, Waiting);
    }

    public static void Loaded(TimeSpan duration) => LoadDuration.Record(duration.TotalSeconds);

    /// <summary><paramref name="outcome"/> is one of <c>succeeded failed cancelled expired</c>.</summary>
    public static void TaskEnded(string outcome) => Ended.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public static void TaskFirstStarted(TimeSpan sinceCreation) => QueueAge.Record(Math.Max(0, sinceCreation.TotalSeconds));
}
