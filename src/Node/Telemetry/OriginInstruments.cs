using System.Diagnostics.Metrics;

namespace Backhaul.Node.Telemetry;

/// <summary>What the governor of origins counts: sums over all origins, never a host by its name.</summary>
internal static class OriginInstruments
{
    private static readonly LevelGauge Circuits = new("backhaul.origin.circuits.open", "{origin}", "Origins that cannot be reached and are only probed.");

    private static readonly Counter<double> HeldSeconds = NodeMeter.Meter.CreateCounter<double>(
        "backhaul.transfer.held", "s", "Time in which transfers were held back by limits of bandwidth, summed over all of them.");

    private static readonly Counter<long> Refusals = NodeMeter.Meter.CreateCounter<long>(
        "backhaul.origin.held", "{request}", "Requests that were not sent because their origin was held back.");

    private static readonly Counter<long> DealsFailed = NodeMeter.Meter.CreateCounter<long>(
        "backhaul.origin.deals.failed", "{deal}", "Deals of shares of cluster-wide limits that did not reach the store.");

    public static void CircuitOpened() => Circuits.Add(1);

    public static void CircuitClosed() => Circuits.Add(-1);

    public static void Held(TimeSpan time) => HeldSeconds.Add(time.TotalSeconds);

    public static void Refused() => Refusals.Add(1);

    public static void DealFailed() => DealsFailed.Add(1);
}
