using System.Diagnostics.Metrics;

namespace Backhaul.Node.Telemetry;

/// <summary>
/// Gathers the process's metrics for <c>/metrics</c> and <c>system metrics</c>: the node's own meter and the built-in ones of the
/// runtime, the server and the HTTP client. A small listener of our own, because the exporter packages for Prometheus do not belong
/// to the SDK, and because it lets us bound the label sets: labels that name hosts are dropped, and an instrument with too many
/// series puts the rest into one that says so.
/// It is created with the host, before anything counts; measurements come from any thread and take one short lock of their series.
/// </summary>
internal sealed class MetricsCollector : IDisposable
{
    /// <summary>The meters whose numbers are exported, here and by OTLP.</summary>
    public static readonly IReadOnlyList<string> Meters =
    [
        NodeMeter.Name, "System.Runtime", "System.Net.Http", "System.Net.NameResolution",
        "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel",
    ];

    /// <summary>Labels whose values are other people's hosts: without bound, and none of an operator's dashboard.</summary>
    public static readonly IReadOnlyList<string> UnboundedLabels = ["server.address", "server.port", "network.peer.address", "dns.question.name", "url.full"];

    private readonly Lock _collecting = new();
    private readonly MeterListener _listener;
    private readonly List<InstrumentSeries> _instruments = [];
    private readonly Lock _gate = new();
    private long _round;

    public MetricsCollector(IReadOnlyList<string>? meters = null)
    {
        var wanted = (meters ?? Meters).ToHashSet(StringComparer.Ordinal);
        _listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (!wanted.Contains(instrument.Meter.Name) || InstrumentSeries.TryCreate(instrument) is not { } series)
                    return;
                lock (_gate)
                    _instruments.Add(series);
                listener.EnableMeasurementEvents(instrument, series);
            },
            MeasurementsCompleted = (_, state) =>
            {
                lock (_gate)
                    _instruments.Remove((InstrumentSeries)state!);
            },
        };
        _listener.SetMeasurementEventCallback<double>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<float>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<long>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<int>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<short>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<byte>((_, value, tags, state) => Record(value, tags, state));
        _listener.SetMeasurementEventCallback<decimal>((_, value, tags, state) => Record((double)value, tags, state));
        _listener.Start();
    }

    /// <summary>Every metric now, by name. A gauge whose callback fails is left out of this one collection.</summary>
    public IReadOnlyList<MetricSnapshot> Collect()
    {
        lock (_collecting)
        {
            _round++;
            try
            {
                _listener.RecordObservableInstruments();
            }
            catch (AggregateException failed)
            {
                // Those that failed measured nothing, and are missing below; the others must not be lost with them.
                CallbackFailures += failed.InnerExceptions.Count;
            }
            InstrumentSeries[] instruments;
            lock (_gate)
                instruments = [.. _instruments];
            // The same instrument may exist more than once, for instance from two servers in one process: their series are summed.
            return [.. instruments
                .GroupBy(i => (i.Name, i.Unit, i.Kind))
                .Select(same => new MetricSnapshot(same.Key.Name, same.Key.Unit, same.First().Description, same.Key.Kind, Merge(same.SelectMany(i => i.Read(_round)))))
                .Where(metric => metric.Points.Count > 0)
                .OrderBy(metric => metric.Name, StringComparer.Ordinal)];
        }
    }

    /// <summary>How often a callback of a gauge threw.</summary>
    public long CallbackFailures { get; private set; }

    public void Dispose() => _listener.Dispose();

    private void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state) =>
        ((InstrumentSeries)state!).Record(value, tags, Volatile.Read(ref _round));

    private static List<MetricPoint> Merge(IEnumerable<MetricPoint> points) =>
        [.. points
            .GroupBy(point => string.Join('\u001e', point.Labels.Select(l => $"{l.Key}\u001f{l.Value}")), StringComparer.Ordinal)
            .OrderBy(same => same.Key, StringComparer.Ordinal)
            .Select(same => same.Aggregate(Sum))];

    private static MetricPoint Sum(MetricPoint a, MetricPoint b) => a.Histogram is { } first && b.Histogram is { } second && first.Bounds.SequenceEqual(second.Bounds)
        ? a with { Histogram = new HistogramSnapshot(first.Bounds, [.. first.Counts.Zip(second.Counts, static (x, y) => x + y)], first.Sum + second.Sum) }
        : a with { Value = a.Value + b.Value };
}
