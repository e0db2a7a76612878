using Backhaul.Node.Sessions;

namespace Backhaul.Node.Sharding;

/// <summary>What a caller is told when a shard does not execute; the same sentences wherever it is found out.</summary>
internal static class ShardReplies
{
    private static readonly CommandReply Acquiring = new CommandReply.Unavailable(
        UnavailableReason.Acquiring, TimeSpan.FromMilliseconds(200), "The session's shard is being opened. Send the same request again.");

    private static readonly CommandReply Suspended = new CommandReply.Unavailable(
        UnavailableReason.Suspended, TimeSpan.FromSeconds(1), "This node cannot be sure that it still owns the session. Send the same request again.");

    private static readonly CommandReply Moving = new CommandReply.Unavailable(
        UnavailableReason.Moving, TimeSpan.FromSeconds(1), "The session's shard is being handed over. Send the same request again.");

    private static readonly CommandReply NotOwned = new CommandReply.Unavailable(
        UnavailableReason.NotOwned, TimeSpan.FromSeconds(1), "This node does not own the session's shard. Send the same request again.");

    /// <summary>Null for <see cref="ShardAnswer.Execute"/>.</summary>
    public static CommandReply? For(ShardAnswer answer) => answer switch
    {
        ShardAnswer.Execute => null,
        ShardAnswer.Park or ShardAnswer.Acquiring => Acquiring,
        ShardAnswer.Suspended => Suspended,
        ShardAnswer.Moving => Moving,
        _ => NotOwned,
    };
}
