namespace Backhaul.Node.Telemetry;

/// <summary>How a metric behaves over time.</summary>
internal enum MetricKind
{
    /// <summary>Only grows.</summary>
    Counter = 1,

    /// <summary>Goes up and down, or is a present value.</summary>
    Gauge = 2,

    Histogram = 3,
}

/// <summary>A metric at one moment, with all its series.</summary>
internal sealed record MetricSnapshot(string Name, string? Unit, string? Description, MetricKind Kind, IReadOnlyList<MetricPoint> Points);

/// <summary>One series. Labels are sorted by name.</summary>
internal sealed record MetricPoint(IReadOnlyList<KeyValuePair<string, string>> Labels, double Value, HistogramSnapshot? Histogram);

/// <summary>Counts by bucket (not cumulative; one more than there are bounds), and their sum.</summary>
internal sealed record HistogramSnapshot(IReadOnlyList<double> Bounds, IReadOnlyList<long> Counts, double Sum)
{
    public long Count { get; } = Counts.Sum();
}
