using Backhaul.Protocol;

namespace Backhaul.Node.Sharding;

internal static partial class ShardingLog
{
    [LoggerMessage(3000, LogLevel.Error, "Shard {Shard} is lost: a write of epoch {Epoch} was refused by the fence. Another process owns it now")]
    public static partial void ShardFenced(this ILogger logger, int shard, long epoch);

    [LoggerMessage(3001, LogLevel.Warning, "Shard {Shard} was acquired again with epoch {Epoch}, to find out what became of an append")]
    public static partial void ShardReacquired(this ILogger logger, int shard, long epoch);

    [LoggerMessage(3002, LogLevel.Information, "This node {Node} holds {Count} shards; first epoch {Epoch}")]
    public static partial void ShardsOpened(this ILogger logger, string node, int count, long epoch);

    [LoggerMessage(3003, LogLevel.Information, "Draining {Count} shards with {Sessions} sessions in memory")]
    public static partial void DrainBegins(this ILogger logger, int count, int sessions);

    [LoggerMessage(3004, LogLevel.Information, "All shards were given back after {Seconds} s")]
    public static partial void DrainDone(this ILogger logger, double seconds);

    [LoggerMessage(3005, LogLevel.Warning, "Shard {Shard} did not stop in time; it is given back all the same, and its stragglers are fenced")]
    public static partial void ShardLeftBehind(this ILogger logger, int shard);

    [LoggerMessage(3006, LogLevel.Warning, "The shards could not be given back; the next start takes them")]
    public static partial void ReleaseFailed(this ILogger logger, Exception failure);

    [LoggerMessage(3007, LogLevel.Information, "Session {Session} could not be loaded (try {Failures}, counts: {Counts}); it is tried again after a back-off")]
    public static partial void SessionLoadFailed(this ILogger logger, SessionKey session, int failures, bool counts);

    [LoggerMessage(3008, LogLevel.Error, "Session {Session} is quarantined: it could not be loaded {Times} times in a row. Other sessions go on; it stays as it is in the journal until an operator releases it or the node starts anew")]
    public static partial void SessionQuarantined(this ILogger logger, Exception failure, SessionKey session, int times);

    [LoggerMessage(3009, LogLevel.Information, "Session {Session} is loaded again after its failure")]
    public static partial void SessionThrew(this ILogger logger, SessionKey session);

    [LoggerMessage(3010, LogLevel.Error, "Session {Session} did not stop in time and was left behind")]
    public static partial void SessionLeftBehind(this ILogger logger, SessionKey session);

    [LoggerMessage(3011, LogLevel.Error, "Slot of session {Session} should go from {From} to {To}: that is a bug; the message of it is ignored")]
    public static partial void IllegalTransition(this ILogger logger, SessionKey session, SlotState from, SlotState to);

    [LoggerMessage(3012, LogLevel.Warning, "A session has been loading for over {Seconds} s and gives its permit up; {Loading} load and {Waiting} wait")]
    public static partial void LoadTakesLong(this ILogger logger, double seconds, int loading, int waiting);

    [LoggerMessage(3013, LogLevel.Warning, "Due sessions could not be listed; asked again in {Seconds} s")]
    public static partial void DueNotListed(this ILogger logger, Exception failure, double seconds);

    [LoggerMessage(3014, LogLevel.Information, "Waking {Count} due sessions ({Starting} already start)")]
    public static partial void WakesSessions(this ILogger logger, int count, int starting);

    [LoggerMessage(3015, LogLevel.Information, "Session {Session} was released from quarantine")]
    public static partial void QuarantineReleased(this ILogger logger, SessionKey session);

    [LoggerMessage(3016, LogLevel.Error, "Shard {Shard}, held with epoch {Epoch}, belongs to another node by now; its sessions stop here and nothing is saved")]
    public static partial void ShardDropped(this ILogger logger, int shard, long epoch);
}
