using Backhaul.Node.Actors;
using Backhaul.Node.Sessions;
using Backhaul.Node.Sharding;
using Backhaul.Protocol;

namespace Backhaul.Node.Routing;

/// <summary>
/// A command on this node's own shard, tried once: the shard's phase → its mailbox → the answer, or the deadline, whichever comes first.
/// Invariant: exactly one answer before the deadline; a request that got none is marked answered, so that nobody executes it afterwards
/// for a caller who is gone (unless it had begun). Called by <see cref="CommandRouter"/> and, for other nodes, by <see cref="IncomingCommands"/>.
/// </summary>
internal sealed class LocalCommands(NodeShards shards, TimeProvider time)
{
    private static readonly CommandReply ShardIsFull = new CommandReply.Unavailable(
        UnavailableReason.Full, TimeSpan.FromSeconds(1), "Too many requests wait on this node already. Send the same request again later, and fewer at once.");

    /// <summary>Nothing new is started here any more.</summary>
    public bool IsDraining => shards.IsDraining;

    /// <summary>How many sessions load, and how many wait to: what a late answer is explained with.</summary>
    public (int Loading, int Waiting) Loads => (shards.Permits.Loading, shards.Permits.Waiting);

    /// <summary>The session's shard, whoever owns it.</summary>
    public int ShardOf(SessionKey session) => shards.HostOf(session).Tenure.ShardId;

    /// <summary>The shard is here: open, being opened or closed, or perhaps ours.</summary>
    public bool Holds(SessionKey session) => shards.HostOf(session).Tenure.Phase is not (ShardPhase.NotOwned or ShardPhase.Closed);

    /// <summary>The shard is here and stays, as far as is known.</summary>
    public bool Stays(SessionKey session) => shards.HostOf(session).Tenure.Phase is ShardPhase.Acquiring or ShardPhase.Open or ShardPhase.Suspended;

    /// <summary>The shard is here, and this node is not sure that it is still the owner: another may have taken it over without a word reaching us.</summary>
    public bool IsSuspended(SessionKey session) => shards.HostOf(session).Tenure.Phase is ShardPhase.Suspended;

    public async ValueTask<CommandReply> TryOnceAsync(SessionKey session, SessionCommand command, CommandKey? key, TimeSpan remaining, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        var host = shards.HostOf(session);
        var answer = ShardPhases.AnswerTo(host.Tenure.Phase, command is SessionCommand.Query);
        if (host.Actor is not { } actor || answer is not (ShardAnswer.Execute or ShardAnswer.Park))
            return ShardReplies.For(answer)!;
        var request = new Request<CommandReply>();
        if (!actor.TryPost(new ShardMessage.Execute(session, command, key, request)))
            return actor.IsAccepting ? ShardIsFull : ShardReplies.For(ShardAnswer.Moving)!;
        if (remaining <= TimeSpan.Zero)
            remaining = TimeSpan.FromMilliseconds(1);
        try
        {
            return await request.Reply.WaitAsync(remaining, time, stop);
        }
        catch (TimeoutException)
        {
            request.TryAnswer(Late(remaining));
            return await request.Reply; // the session's answer when it came in the same moment
        }
        catch (OperationCanceledException)
        {
            request.TryAnswer(Late(remaining));
            throw;
        }
    }

    internal static CommandReply.Unavailable Late(TimeSpan waited) => new(
        UnavailableReason.Deadline, TimeSpan.FromSeconds(1),
        $"The session did not answer within {waited.TotalSeconds:0.###} s. Whether the request was executed is not known: send it again with the same Idempotency-Key.");
}
