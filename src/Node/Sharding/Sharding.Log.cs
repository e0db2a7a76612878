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

    [LoggerMessage(3016, LogLevel.Error, "Shard {Shard}, held with epoch {Epoch}, is this node's no more, or not in this form; its sessions stop here and nothing is saved")]
    public static partial void ShardDropped(this ILogger logger, int shard, long epoch);

    [LoggerMessage(3017, LogLevel.Warning, "Shard {Shard} could not be given back (try {Tries}): {Failure}")]
    public static partial void ShardNotReleased(this ILogger logger, int shard, int tries, string failure);

    [LoggerMessage(3018, LogLevel.Warning, "The cluster could not be looked at ({Failure}): {Reason}")]
    public static partial void LookFailed(this ILogger logger, Journal.StoreFailure failure, string reason);

    [LoggerMessage(3019, LogLevel.Warning, "All shards of this node are suspended until its lease is trusted again")]
    public static partial void ShardsSuspended(this ILogger logger);

    [LoggerMessage(3020, LogLevel.Information, "The lease is in force and {Count} shards were found to be this node's still: they go on")]
    public static partial void ShardsResumed(this ILogger logger, int count);

    [LoggerMessage(3021, LogLevel.Information, "The cluster's view {Version}: {Members}")]
    public static partial void ViewChanged(this ILogger logger, long version, string members);

    [LoggerMessage(3022, LogLevel.Warning, "Node {Name} ({Node}) is declared dead: its lease was over for {Seconds:0.0} s. Its shards are free for others")]
    public static partial void DeclaredDead(this ILogger logger, string name, string node, double seconds);

    [LoggerMessage(3023, LogLevel.Error, "Shard {Shard} was taken over {Takeovers} times in a row from nodes that died: it is left alone, but for one try after {Minutes:0} min. Let it go on with pbm when what it did to them is known")]
    public static partial void ShardPoisoned(this ILogger logger, int shard, int takeovers, double minutes);

    [LoggerMessage(3024, LogLevel.Information, "This node {Node} holds every shard that it should: {Count}")]
    public static partial void HoldsAll(this ILogger logger, string node, int count);

    [LoggerMessage(3025, LogLevel.Warning, "Shard {Shard} could not be claimed ({Reason}, {Failure}): {Message}")]
    public static partial void ClaimFailed(this ILogger logger, int shard, string reason, Journal.StoreFailure failure, string message);

    [LoggerMessage(3026, LogLevel.Error, "The claim of shard {Shard} ({Reason}) broke: this is a bug")]
    public static partial void ClaimBroke(this ILogger logger, Exception bug, int shard, string reason);

    [LoggerMessage(3027, LogLevel.Debug, "Shard {Shard} is held with epoch {Epoch} ({Reason})")]
    public static partial void ShardClaimed(this ILogger logger, int shard, long epoch, string reason);

    [LoggerMessage(3028, LogLevel.Information, "Shard {Shard} was handed over")]
    public static partial void ShardHandedOver(this ILogger logger, int shard);

    [LoggerMessage(3029, LogLevel.Error, "The hand-off of shard {Shard} broke: this is a bug")]
    public static partial void HandOffBroke(this ILogger logger, Exception bug, int shard);

    [LoggerMessage(3030, LogLevel.Warning, "The node cannot take part in the cluster yet ({Failure}): {Reason}. It tries again in {Seconds:0.0} s")]
    public static partial void JoinFailed(this ILogger logger, Journal.StoreFailure failure, string reason, double seconds);

    [LoggerMessage(3031, LogLevel.Information, "This node {Node} ({Name}, {Address}) is a member of the cluster {Cluster}: {Shards} shards, a lease of {Seconds} s")]
    public static partial void Joined(this ILogger logger, string node, string name, string address, string cluster, int shards, double seconds);

    [LoggerMessage(3032, LogLevel.Warning, "The store could not be told that this node is {State} ({Failure}); its lease tells the others")]
    public static partial void MoveFailed(this ILogger logger, Membership.MemberState state, string failure);

    [LoggerMessage(3033, LogLevel.Warning, "{Count} shards had not stopped after {Seconds:0.0} s of the drain: what they do is cut off now")]
    public static partial void DrainIsLate(this ILogger logger, int count, double seconds);

    [LoggerMessage(3034, LogLevel.Warning, "The drain ended after {Seconds} s; the store did not say that {Count} shards are free. The others take them when this node has left, or when its lease is over")]
    public static partial void DrainUnanswered(this ILogger logger, double seconds, int count);

    [LoggerMessage(3036, LogLevel.Warning, "What became of an append to shard {Shard} in epoch {Epoch} could not be found out in time: the shard is opened anew, with a higher epoch, and its sessions are loaded again")]
    public static partial void ShardDoubtful(this ILogger logger, int shard, long epoch);

    [LoggerMessage(3035, LogLevel.Error, "The host of shard {Shard} has ended although the shard is held: that is a bug. The shard is opened anew")]
    public static partial void HostEnded(this ILogger logger, int shard);
}
