using System.Diagnostics.Metrics;

namespace Backhaul.JournalBench;

/// <summary>How many commits the writers of this process have made, by the metric that a node exports.</summary>
internal sealed class CommitCount : IDisposable
{
    private readonly MeterListener _listener = new();
    private long _commits;

    public CommitCount()
    {
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Name == "backhaul.journal.batch.rows")
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((_, _, _, _) => Interlocked.Increment(ref _commits));
        _listener.Start();
    }

    /// <summary>Since the last call.</summary>
    public long Take() => Interlocked.Exchange(ref _commits, 0);

    public void Dispose() => _listener.Dispose();
}
