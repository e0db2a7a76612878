using System.Diagnostics.Metrics;

namespace Backhaul.Node.Telemetry;

/// <summary>What delivery counts.</summary>
internal static class DeliveryInstruments
{
    private static readonly Histogram<double> Lag = NodeMeter.Meter.CreateHistogram(
        "backhaul.delivery.lag", "s", "From an event's time to its hand-over to an open stream.", advice: NodeMeter.Seconds);

    private static readonly LevelGauge Streams = new("backhaul.delivery.streams", "{stream}", "Open event streams.");

    public static void Delivered(TimeSpan lag) => Lag.Record(Math.Max(0, lag.TotalSeconds));

    /// <summary>A stream was opened (1) or closed (-1).</summary>
    public static void Stream(int delta) => Streams.Add(delta);
}
