using System.Diagnostics.Metrics;

namespace Backhaul.Node.Telemetry;

/// <summary>What the heartbeat of a clustered node feeds.</summary>
internal static class LeaseInstruments
{
    private static readonly Histogram<double> RenewDuration = NodeMeter.Meter.CreateHistogram(
        "backhaul.lease.renew.duration", "s", "From the start of a renewal of the lease to its answer or failure.", advice: NodeMeter.Seconds);

    private static readonly Histogram<double> TickDelay = NodeMeter.Meter.CreateHistogram(
        "backhaul.lease.tick.delay", "s", "How much later than planned a heartbeat began; must stay far below a second.", advice: NodeMeter.Seconds);

    public static void Renewed(TimeSpan duration) => RenewDuration.Record(duration.TotalSeconds);

    public static void Ticked(TimeSpan late) => TickDelay.Record(Math.Max(0, late.TotalSeconds));
}
