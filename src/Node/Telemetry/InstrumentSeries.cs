using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace Backhaul.Node.Telemetry;

/// <summary>All series of one instrument. A series is found by its labels written into one key, without an allocation when they fit a small buffer.</summary>
internal sealed class InstrumentSeries
{
    /// <summary>More label sets than this are a mistake; they are counted together.</summary>
    public const int SeriesMax = 500;

    private const string OverflowKey = "otel.metric.overflow\u001ftrue\u001e";

    private static readonly double[] SecondsBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
    private static readonly double[] PlainBounds = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000];

    private readonly ConcurrentDictionary<string, Series> _series = new(StringComparer.Ordinal);
    private readonly double[] _bounds;
    private readonly Mode _mode;

    private InstrumentSeries(Instrument instrument, Mode mode)
    {
        Name = instrument.Name;
        Unit = instrument.Unit;
        Description = instrument.Description;
        _mode = mode;
        _bounds = mode == Mode.Histogram ? BoundsOf(instrument) : [];
        Kind = mode switch
        {
            Mode.Add or Mode.ObservedTotal => MetricKind.Counter,
            Mode.Histogram => MetricKind.Histogram,
            _ => MetricKind.Gauge,
        };
    }

    private enum Mode
    {
        Add,
        AddEitherWay,
        Set,
        Histogram,
        ObservedTotal,
        Observed,
    }

    public string Name { get; }

    public string? Unit { get; }

    public string? Description { get; }

    public MetricKind Kind { get; }

    /// <summary>Null for an instrument of a kind that this exporter does not know.</summary>
    public static InstrumentSeries? TryCreate(Instrument instrument)
    {
        var type = instrument.GetType();
        var generic = type.IsGenericType ? type.GetGenericTypeDefinition() : null;
        Mode? mode = generic switch
        {
            _ when generic == typeof(Counter<>) => Mode.Add,
            _ when generic == typeof(UpDownCounter<>) => Mode.AddEitherWay,
            _ when generic == typeof(Gauge<>) => Mode.Set,
            _ when generic == typeof(Histogram<>) => Mode.Histogram,
            _ when generic == typeof(ObservableCounter<>) => Mode.ObservedTotal,
            _ when generic == typeof(ObservableUpDownCounter<>) || generic == typeof(ObservableGauge<>) => Mode.Observed,
            _ => null,
        };
        return mode is { } known ? new InstrumentSeries(instrument, known) : null;
    }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, long round)
    {
        var series = Find(tags);
        lock (series)
        {
            switch (_mode)
            {
                case Mode.Add or Mode.AddEitherWay:
                    series.Value += value;
                    break;
                case Mode.Set:
                    series.Value = value;
                    break;
                case Mode.Histogram:
                    series.Value += value;
                    series.Counts[Bucket(value)]++;
                    break;
                default:
                    // Label sets that fall together because a label was dropped are one number.
                    series.Value = series.Round == round ? series.Value + value : value;
                    series.Round = round;
                    break;
            }
        }
    }

    /// <summary>What was counted so far; of observed values, those of this round, and the others are forgotten.</summary>
    public IEnumerable<MetricPoint> Read(long round)
    {
        foreach (var (key, series) in _series)
        {
            MetricPoint? point = null;
            lock (series)
            {
                if (_mode is not (Mode.Observed or Mode.ObservedTotal) || series.Round == round)
                    point = new MetricPoint(series.Labels, series.Value, _mode == Mode.Histogram ? new HistogramSnapshot(_bounds, [.. series.Counts], series.Value) : null);
            }
            if (point is null)
                _series.TryRemove(key, out _);
            else
                yield return point;
        }
    }

    private Series Find(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        Span<char> buffer = stackalloc char[256];
        if (TryWriteKey(tags, buffer, out var length))
        {
            var lookup = _series.GetAlternateLookup<ReadOnlySpan<char>>();
            if (lookup.TryGetValue(buffer[..length], out var found))
                return found;
        }
        var labels = Labels(tags);
        return Add(length > 0 || tags.Length == 0 ? buffer[..length].ToString() : string.Concat(labels.Select(l => $"{l.Key}\u001f{l.Value}\u001e")), labels);
    }

    private Series Add(string key, IReadOnlyList<KeyValuePair<string, string>> labels)
    {
        if (_series.TryGetValue(key, out var found))
            return found;
        return _series.Count < SeriesMax
            ? _series.GetOrAdd(key, static (_, made) => made, new Series(labels, _bounds.Length + 1))
            : _series.GetOrAdd(OverflowKey, static (_, made) => made, new Series([new("otel.metric.overflow", "true")], _bounds.Length + 1));
    }

    /// <summary>False, with length 0, when the labels do not fit.</summary>
    private static bool TryWriteKey(ReadOnlySpan<KeyValuePair<string, object?>> tags, Span<char> buffer, out int length)
    {
        length = 0;
        var at = 0;
        foreach (var (name, value) in tags)
        {
            if (IsUnbounded(name))
                continue;
            if (!buffer[at..].TryWrite(CultureInfo.InvariantCulture, $"{name}\u001f{value}\u001e", out var written))
                return false;
            at += written;
        }
        length = at;
        return true;
    }

    private static KeyValuePair<string, string>[] Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new List<KeyValuePair<string, string>>(tags.Length);
        foreach (var (name, value) in tags)
        {
            if (!IsUnbounded(name))
                labels.Add(new(name, value is bool truth ? (truth ? "true" : "false") : Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""));
        }
        return [.. labels.OrderBy(l => l.Key, StringComparer.Ordinal)];
    }

    private static bool IsUnbounded(string label)
    {
        foreach (var name in MetricsCollector.UnboundedLabels)
        {
            if (name == label)
                return true;
        }
        return false;
    }

    private int Bucket(double value)
    {
        var at = Array.BinarySearch(_bounds, value);
        return at < 0 ? ~at : at;
    }

    private static double[] BoundsOf(Instrument instrument)
    {
        double[]? advised = instrument switch
        {
            Histogram<double> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds],
            Histogram<long> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(static b => (double)b)],
            Histogram<int> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(static b => (double)b)],
            _ => null,
        };
        return advised ?? (instrument.Unit == "s" ? SecondsBounds : PlainBounds);
    }

    private sealed class Series(IReadOnlyList<KeyValuePair<string, string>> labels, int buckets)
    {
        public IReadOnlyList<KeyValuePair<string, string>> Labels { get; } = labels;
        public long[] Counts { get; } = new long[buckets];
        public double Value { get; set; }
        public long Round { get; set; } = -1;
    }
}
