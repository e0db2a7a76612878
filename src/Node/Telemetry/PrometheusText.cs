using System.Globalization;
using System.Text;

namespace Backhaul.Node.Telemetry;

/// <summary>
/// Metrics as the Prometheus text format 0.0.4. Names follow the OpenTelemetry rules: dots become underscores, the unit is the
/// suffix when the name does not say it already, counters end with <c>_total</c>.
/// </summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public static string Write(IReadOnlyList<MetricSnapshot> metrics)
    {
        var text = new StringBuilder(16 * 1024);
        var written = new HashSet<string>(StringComparer.Ordinal);
        foreach (var metric in metrics)
        {
            var name = NameOf(metric);
            // Two instruments that end up with one name would make the whole answer invalid: the first one stays.
            if (!written.Add(name))
                continue;
            if (!string.IsNullOrEmpty(metric.Description))
                text.Append("# HELP ").Append(name).Append(' ').Append(EscapeHelp(metric.Description)).Append('\n');
            text.Append("# TYPE ").Append(name).Append(' ').Append(metric.Kind switch
            {
                MetricKind.Counter => "counter",
                MetricKind.Gauge => "gauge",
                _ => "histogram",
            }).Append('\n');
            foreach (var point in metric.Points)
                WritePoint(text, name, point);
        }
        return text.ToString();
    }

    /// <summary>For instance <c>backhaul.session.load.duration</c> in s → <c>backhaul_session_load_duration_seconds</c>.</summary>
    public static string NameOf(MetricSnapshot metric)
    {
        var name = Sanitize(metric.Name);
        if (UnitSuffix(metric.Unit, metric.Kind) is { } unit && !name.EndsWith(unit, StringComparison.Ordinal))
            name = $"{name}_{unit}";
        return metric.Kind == MetricKind.Counter && !name.EndsWith("_total", StringComparison.Ordinal) ? name + "_total" : name;
    }

    private static void WritePoint(StringBuilder text, string name, MetricPoint point)
    {
        if (point.Histogram is not { } histogram)
        {
            WriteSample(text, name, point.Labels, null, point.Value);
            return;
        }
        var cumulative = 0L;
        for (var i = 0; i < histogram.Counts.Count; i++)
        {
            cumulative += histogram.Counts[i];
            WriteSample(text, name + "_bucket", point.Labels, i < histogram.Bounds.Count ? Number(histogram.Bounds[i]) : "+Inf", cumulative);
        }
        WriteSample(text, name + "_sum", point.Labels, null, histogram.Sum);
        WriteSample(text, name + "_count", point.Labels, null, histogram.Count);
    }

    private static void WriteSample(StringBuilder text, string name, IReadOnlyList<KeyValuePair<string, string>> labels, string? le, double value)
    {
        text.Append(name);
        if (labels.Count > 0 || le is not null)
        {
            text.Append('{');
            var separator = "";
            foreach (var (label, labelValue) in labels)
            {
                text.Append(separator).Append(Sanitize(label)).Append("=\"").Append(EscapeValue(labelValue)).Append('"');
                separator = ",";
            }
            if (le is not null)
                text.Append(separator).Append("le=\"").Append(le).Append('"');
            text.Append('}');
        }
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string? UnitSuffix(string? unit, MetricKind kind) => unit switch
    {
        null or "" => null,
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "1" => kind == MetricKind.Gauge ? "ratio" : null,
        "%" => "percent",
        ['{', ..] => null,
        _ => Sanitize(unit),
    };

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private static string Sanitize(string name) => string.Create(name.Length, name, static (span, from) =>
    {
        for (var i = 0; i < span.Length; i++)
            span[i] = char.IsAsciiLetter(from[i]) || from[i] == '_' || (i > 0 && char.IsAsciiDigit(from[i])) ? from[i] : '_';
    });

    private static string EscapeHelp(string text) => text.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal);

    private static string EscapeValue(string text) => EscapeHelp(text).Replace("\"", "\\\"", StringComparison.Ordinal);
}
