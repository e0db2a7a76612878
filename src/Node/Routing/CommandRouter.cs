using Backhaul.Node.Actors;
using Backhaul.Node.Sessions;
using Backhaul.Node.Sharding;
using Backhaul.Node.Telemetry;
using Backhaul.Protocol;

namespace Backhaul.Node.Routing;

/// <summary>
/// From an edge to the session's shard and back. This node owns every shard, so the way is: the shard's phase → its mailbox → the
/// answer, or the deadline, whichever comes first. What was not decided is sent again by <see cref="RetryPolicy"/> while the deadline
/// lasts. Invariant: exactly one answer to each call, before its deadline; a request that got none is marked answered, so that nobody
/// executes it afterwards for a caller who is gone (unless it had begun). Called by the edges, from any thread.
/// </summary>
internal sealed class CommandRouter(NodeShards shards, RoutingOptions options, TimeProvider time, IRandom random, ILogger<CommandRouter> logger) : ICommandRouter
{
    private int _retriesInFlight;

    public async ValueTask<CommandReply> ExecuteAsync(
        SessionKey session, SessionCommand command, CommandKey? key, TimeSpan deadline, CancellationToken stop)
    {
        var began = time.GetTimestamp();
        var mayRepeat = key is not null || IsRepeatable(command);
        for (var attempt = 1; ; attempt++)
        {
            var reply = await TryOnceAsync(session, command, key, deadline - time.GetElapsedTime(began), stop);
            if (reply is not CommandReply.Unavailable unavailable)
                return reply;
            var remaining = deadline - time.GetElapsedTime(began);
            if (shards.IsDraining || RetryPolicy.Wait(unavailable.Reason, unavailable.RetryAfter, attempt, remaining, mayRepeat, random.NextUnit(), options) is not { } wait
                || !await TryWaitAsync(wait, stop))
            {
                var waitedMs = time.GetElapsedTime(began).TotalMilliseconds;
                if (unavailable.Reason == UnavailableReason.Deadline)
                    logger.CommandLate(session, command.GetType().Name, attempt, waitedMs, shards.Permits.Loading, shards.Permits.Waiting);
                else
                    logger.CommandUnavailable(session, command.GetType().Name, unavailable.Reason, attempt, waitedMs);
                return reply;
            }
            ShardInstruments.Retried(NameOf(unavailable.Reason));
        }
    }

    private async ValueTask<CommandReply> TryOnceAsync(SessionKey session, SessionCommand command, CommandKey? key, TimeSpan remaining, CancellationToken stop)
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

    /// <summary>False when too many wait already.</summary>
    private async ValueTask<bool> TryWaitAsync(TimeSpan wait, CancellationToken stop)
    {
        if (Interlocked.Increment(ref _retriesInFlight) > options.RetriesInFlightMax)
        {
            Interlocked.Decrement(ref _retriesInFlight);
            return false;
        }
        try
        {
            await Task.Delay(wait, time, stop);
            return true;
        }
        finally
        {
            Interlocked.Decrement(ref _retriesInFlight);
        }
    }

    /// <summary>Deciding it again finds what it did before, or changes nothing.</summary>
    private static bool IsRepeatable(SessionCommand command) => command switch
    {
        SessionCommand.AddTask add => add.Spec.Id is not null,
        SessionCommand.AddTasks add => add.Entries.All(entry => entry.Spec is null or { Id: not null }),
        _ => true,
    };

    private static string NameOf(UnavailableReason reason) => reason switch
    {
        UnavailableReason.Acquiring => "acquiring",
        UnavailableReason.Moving => "moving",
        _ => "crashed",
    };

    private static readonly CommandReply ShardIsFull = new CommandReply.Unavailable(
        UnavailableReason.Full, TimeSpan.FromSeconds(1), "Too many requests wait on this node already. Send the same request again later, and fewer at once.");

    private static CommandReply.Unavailable Late(TimeSpan waited) => new(
        UnavailableReason.Deadline, TimeSpan.FromSeconds(1),
        $"The session did not answer within {waited.TotalSeconds:0.###} s. Whether the request was executed is not known: send it again with the same Idempotency-Key.");
}
