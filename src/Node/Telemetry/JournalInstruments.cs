using System.Collections.Immutable;
using System.Diagnostics.Metrics;

namespace Backhaul.Node.Telemetry;

/// <summary>What the journal's writer feeds. The watch figure is the age of the oldest append without an answer: it must stay small.</summary>
internal static class JournalInstruments
{
    private static ImmutableList<Func<TimeSpan>> _ages = [];

    private static readonly Histogram<int> Rows = NodeMeter.Meter.CreateHistogram<int>(
        "backhaul.journal.batch.rows", "{row}", "Rows in one commit.",
        advice: new InstrumentAdvice<int> { HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000] });

    private static readonly Histogram<double> Duration = NodeMeter.Meter.CreateHistogram(
        "backhaul.journal.commit.duration", "s", "From sending a batch to the store's answer.", advice: NodeMeter.Seconds);

    private static readonly Counter<long> Conflicts = NodeMeter.Meter.CreateCounter<long>(
        "backhaul.journal.conflicts", "{append}", "Appends whose sequence was taken; must stay 0.");

    private static readonly ObservableGauge<double> OldestUnanswered = NodeMeter.Meter.CreateObservableGauge(
        "backhaul.journal.oldest_unanswered", Oldest, "s", "Age of the oldest append without an answer.");

    /// <summary>Adds a writer. Disposing the answer removes it.</summary>
    public static IDisposable Watch(Func<TimeSpan> oldestUnanswered)
    {
        _ = OldestUnanswered;
        ImmutableInterlocked.Update(ref _ages, static (list, item) => list.Add(item), oldestUnanswered);
        return new Registration(oldestUnanswered);
    }

    public static void Committed(int rows) => Rows.Record(rows);

    /// <summary>A commit was answered, in whatever way.</summary>
    public static void Answered(TimeSpan duration) => Duration.Record(duration.TotalSeconds);

    public static void Conflicted() => Conflicts.Add(1);

    private static double Oldest() => _ages.Select(static age => age().TotalSeconds).DefaultIfEmpty().Max();

    private sealed class Registration(Func<TimeSpan> age) : IDisposable
    {
        public void Dispose() => ImmutableInterlocked.Update(ref _ages, static (list, item) => list.Remove(item), age);
    }
}
