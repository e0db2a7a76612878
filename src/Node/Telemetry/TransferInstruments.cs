using System.Diagnostics.Metrics;

namespace Backhaul.Node.Telemetry;

/// <summary>What transfers count. Directions are <c>receive</c> and <c>send</c>.</summary>
internal static class TransferInstruments
{
    private static readonly KeyValuePair<string, object?> Receive = new("direction", "receive");
    private static readonly KeyValuePair<string, object?> Send = new("direction", "send");

    private static readonly Counter<long> Bytes = NodeMeter.Meter.CreateCounter<long>(
        "backhaul.transfer.bytes", "By", "Bytes of bodies received from origins and sent to targets.");

    private static readonly LevelGauge Active = new("backhaul.transfer.active", "{attempt}", "Attempts under way.", "direction", "send", "receive");

    /// <summary>How many may run at once, as the search for the best number has it now.</summary>
    public static LevelGauge RunningLimit { get; } = new("backhaul.transfer.limit", "{attempt}", "Attempts that may run at once now.");

    public static void Received(long bytes) => Bytes.Add(bytes, Receive);

    public static void Sent(long bytes) => Bytes.Add(bytes, Send);

    /// <summary>An attempt began; call <see cref="Ended"/> with the same direction once.</summary>
    public static void Started(bool upload) => Active.Add(1, upload ? "send" : "receive");

    public static void Ended(bool upload) => Active.Add(-1, upload ? "send" : "receive");

    /// <summary>Attempts under way, for operators.</summary>
    public static long ActiveNow => Active.Read("send") + Active.Read("receive");
}
