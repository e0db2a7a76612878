using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Backhaul.Node.Telemetry;

/// <summary>
/// The one meter and the one activity source of the node. Instruments live beside it, a file for each folder that feeds them
/// (<c>XInstruments.cs</c>); folders call their methods and never see an instrument.
/// Names are those of docs/operations.md. Labels come from small fixed sets: never a tenant, a session, a host or a URL.
/// </summary>
internal static class NodeMeter
{
    public const string Name = "Backhaul";

    public static Meter Meter { get; } = new(Name, typeof(NodeMeter).Assembly.GetName().Version?.ToString(3));

    public static ActivitySource Source { get; } = new(Name, typeof(NodeMeter).Assembly.GetName().Version?.ToString(3) ?? "");

    /// <summary>Buckets for durations in seconds, from a fast commit to a slow load.</summary>
    public static InstrumentAdvice<double> Seconds { get; } = new()
    {
        HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    };
}
