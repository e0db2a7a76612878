using System.Diagnostics.Metrics;

namespace Backhaul.Node.Telemetry;

/// <summary>What the sweeper removed, by kind: <c>part result staging upload</c>.</summary>
internal static class SweepInstruments
{
    private static readonly Counter<long> Files = NodeMeter.Meter.CreateCounter<long>(
        "backhaul.sweep.files", "{file}", "Leftovers that nothing referred to any more, removed.");

    private static readonly Counter<long> Bytes = NodeMeter.Meter.CreateCounter<long>(
        "backhaul.sweep.bytes", "By", "Bytes of leftovers removed.");

    public static void Swept(string kind, long count, long bytes)
    {
        var label = new KeyValuePair<string, object?>("kind", kind);
        Files.Add(count, label);
        Bytes.Add(bytes, label);
    }
}
