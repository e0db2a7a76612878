using System.Diagnostics.Metrics;

namespace Backhaul.Node.Telemetry;

/// <summary>What ownership and routing count.</summary>
internal static class ShardInstruments
{
    private static readonly LevelGauge OwnedShards = new("backhaul.shard.owned", "{shard}", "Shards that this node holds.");

    private static int _count;

    static ShardInstruments() => NodeMeter.Meter.CreateObservableGauge(
        "backhaul.shard.count", static () => Volatile.Read(ref _count), "{shard}", "Shards that the cluster has, on whichever nodes.");

    private static readonly Counter<long> Claims = NodeMeter.Meter.CreateCounter<long>(
        "backhaul.shard.claims", "{shard}", "Shards taken by this node, by reason.");

    private static readonly Counter<long> FencedShards = NodeMeter.Meter.CreateCounter<long>(
        "backhaul.shard.fenced", "{shard}", "Shards lost because a write was refused by the fence.");

    private static readonly Counter<long> Retries = NodeMeter.Meter.CreateCounter<long>(
        "backhaul.router.retries", "{retry}", "Commands sent again, by the answer that asked for it.");

    /// <summary>How many there are in all; fixed for the cluster's life.</summary>
    public static void Counted(int shards) => Volatile.Write(ref _count, shards);

    /// <summary>Taken (positive) or given back or lost (negative).</summary>
    public static void Owned(int delta) => OwnedShards.Add(delta);

    /// <summary><paramref name="reason"/> is one of <c>start rebalance takeover</c>.</summary>
    public static void Claimed(string reason, int count = 1) => Claims.Add(count, new KeyValuePair<string, object?>("reason", reason));

    public static void Fenced() => FencedShards.Add(1);

    /// <summary><paramref name="answer"/> is the name of the answer's reason, for instance <c>moving</c>.</summary>
    public static void Retried(string answer) => Retries.Add(1, new KeyValuePair<string, object?>("answer", answer));
}
