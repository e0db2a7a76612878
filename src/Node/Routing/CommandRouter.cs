using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Node.Telemetry;
using Backhaul.Protocol;

namespace Backhaul.Node.Routing;

/// <summary>The ways to other nodes; a node alone has none.</summary>
/// <param name="Self">This incarnation.</param>
/// <param name="Owners">Who owns what.</param>
/// <param name="Peers">The way there.</param>
/// <param name="Ids">Keys for the commands that came without one.</param>
internal sealed record PeerRoutes(NodeId Self, OwnerDirectory Owners, IPeers Peers, IIdSource Ids);

/// <summary>
/// From an edge to the session's owner and back: to this node's own shard (<see cref="LocalCommands"/>) when it is here, else one hop to
/// the node that the <see cref="OwnerDirectory"/> names. What was not decided is tried again by <see cref="RetryPolicy"/> while the deadline
/// lasts; this is the only loop, and peers never forward. To the same owner of the same epoch a command goes again only within the
/// node's <see cref="RetryBudget"/>; without, it waits here for another owner, and only as long as one is to be expected.
///
/// In a cluster every command that changes something carries a key: that of its client, or one that is made here for this call, so that
/// the session's ledger recognises what this loop repeats. Invariants: exactly one answer to each call, before its deadline; a command that
/// was perhaps executed is sent again only when its repetition is recognised or changes nothing; no wait without a limit on how many wait,
/// and on their bytes. Called by the edges, from any thread.
/// </summary>
internal sealed class CommandRouter(
    LocalCommands local, RoutingOptions options, TimeProvider time, IRandom random, ILogger<CommandRouter> logger, PeerRoutes? routes = null) : ICommandRouter
{
    private static readonly TimeSpan SoonAgain = TimeSpan.FromMilliseconds(200);

    private static readonly CommandReply.Unavailable Orphaned = new(
        UnavailableReason.Acquiring, SoonAgain, "No node owns the session's shard at the moment; another takes it over. Send the same request again.");

    private readonly CommandMemory _memory = new(options.HeldBytesMax);
    private readonly RetryBudget _budget = new(options.RetryShare, options.RetryBurst, perSecond: 1);
    private readonly Lock _budgeting = new();
    private readonly long _began = time.GetTimestamp();
    private int _retriesInFlight;

    public async ValueTask<CommandReply> ExecuteAsync(
        SessionKey session, SessionCommand command, CommandKey? key, TimeSpan deadline, CancellationToken stop)
    {
        lock (_budgeting)
            _budget.Earn();
        var isQuery = command is SessionCommand.Query or SessionCommand.Describe;
        var own = key ?? (routes is null || isQuery ? null : new CommandKey(new CommandId(routes.Ids.Next()), ContentHash: 0));
        using var held = new HeldCommand(_memory, command);
        var reply = await ExecuteAsync(new PeerCommand(session, command, own), held, deadline, stop);
        return key is null && !isQuery ? WithoutKey(reply) : reply;
    }

    private async ValueTask<CommandReply> ExecuteAsync(PeerCommand command, HeldCommand held, TimeSpan deadline, CancellationToken stop)
    {
        var began = time.GetTimestamp();
        var mayRepeat = command.Key is not null || IsRepeatable(command.Command);
        var redirects = 0;
        Owner? asked = null;
        TimeSpan? blindSince = null;
        var tried = default(Tried);
        for (var attempt = 1; ; attempt++)
        {
            var peer = RemoteOwnerOf(command.Session);
            if (peer is not null && !held.TryHold())
                return TooMuchHeld;
            if (peer is null || peer != asked || MayAskAgain(tried.Result))
            {
                tried = await TryAsync(command, peer, deadline - time.GetElapsedTime(began), stop);
                asked = peer;
                blindSince = null;
            }
            else
            {
                blindSince ??= time.GetElapsedTime(began);
            }
            if (tried.Result is not { } result)
                return tried.Reply;
            if (result == TryResult.Redirected)
                redirects++;
            var retryAfter = (tried.Reply as CommandReply.Unavailable)?.RetryAfter ?? TimeSpan.Zero;
            var step = RetryPolicy.Next(
                result, retryAfter, attempt, redirects, deadline - time.GetElapsedTime(began), mayRepeat, routes is null, random.NextUnit(), options);
            if (step is { } wanted && blindSince is { } blind)
                step = RetryPolicy.Unasked(result, wanted, time.GetElapsedTime(began) - blind, options);
            if (step is not { } next || (routes is null && local.IsDraining) || !await TryWaitAsync(next, held, stop))
            {
                LogGivenUp(command.Session, command.Command, tried.Reply, attempt, time.GetElapsedTime(began));
                return tried.Reply;
            }
            ShardInstruments.Retried(NameOf(result));
        }
    }

    /// <summary>Null: this node's own shard, or nobody.</summary>
    private Owner? RemoteOwnerOf(SessionKey session) =>
        routes is null || local.Holds(session) || routes.Owners.Find(local.ShardOf(session)) is not { } owner || owner.Node == routes.Self ? null : owner;

    private async ValueTask<Tried> TryAsync(PeerCommand command, Owner? peer, TimeSpan remaining, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        if (peer is not null)
            return Judge(peer, await routes!.Peers.SendAsync(peer, command, remaining > TimeSpan.Zero ? remaining : TimeSpan.FromMilliseconds(1), stop));
        var reply = await local.TryOnceAsync(command.Session, command.Command, command.Key, remaining, stop);
        if (reply is not CommandReply.Unavailable unavailable)
            return new Tried(null, reply);
        return new Tried(
            RetryPolicy.ResultOf(unavailable.Reason), unavailable.Reason == UnavailableReason.NotOwned && routes is not null ? Orphaned : unavailable);
    }

    private Tried Judge(Owner peer, PeerAnswer answer)
    {
        switch (answer)
        {
            case PeerAnswer.Replied { Reply: CommandReply.Unavailable unavailable }:
                return new Tried(RetryPolicy.ResultOf(unavailable.Reason), unavailable);
            case PeerAnswer.Replied replied:
                return new Tried(null, replied.Reply);
            case PeerAnswer.NotOwner { Hint: { } hint } when hint.ShardId == peer.ShardId && routes!.Owners.Accept(hint):
                return new Tried(TryResult.Redirected, Orphaned);
            case PeerAnswer.NotOwner:
                return new Tried(TryResult.NotOwned, Orphaned);
            case PeerAnswer.Failed { Stage: PeerFailure.Unknown } failed:
                logger.PeerLost(peer.Address, failed.Detail);
                return new Tried(TryResult.Unknown, OutcomeUnknown);
            case PeerAnswer.Failed { Stage: PeerFailure.NotAccepted } failed:
                logger.PeerRefused(peer.Address, failed.Detail);
                return new Tried(TryResult.NotAccepted, Unreachable with { Detail = $"The node that owns the session did not take the request ({failed.Detail.TrimEnd('.')}). Send the same request again." });
            case PeerAnswer.Failed { Stage: PeerFailure.NotUnderstood } failed:
                logger.PeerRefused(peer.Address, failed.Detail);
                return new Tried(TryResult.Final, Unreachable with { Detail = $"The node that owns the session cannot carry out the request ({failed.Detail.TrimEnd('.')}). Send it again when all nodes have the same release." });
            case PeerAnswer.Failed { Stage: PeerFailure.TooLate } failed:
                logger.PeerNotAsked(peer.Address, failed.Detail);
                return new Tried(TryResult.Final, NotAsked with { Detail = $"The request was not executed: {failed.Detail} Send the same request again." });
            case PeerAnswer.Failed failed:
                logger.PeerNotReached(peer.Address, failed.Detail);
                if (failed.Stage == PeerFailure.NotSent)
                    routes!.Owners.Drop(peer.Address); // nobody is there; whatever else went wrong, somebody is
                return new Tried(TryResult.NotSent, Unreachable);
            default:
                throw new InvalidOperationException($"The router does not know the answer {answer.GetType().Name}.");
        }
    }

    /// <summary>An owner that said when to come back goes before whatever else failed: those leave half of what may be saved up.</summary>
    private bool MayAskAgain(TryResult? result)
    {
        var keep = result is TryResult.Acquiring or TryResult.Moving or TryResult.Suspended ? 0 : options.RetryBurst / 2;
        lock (_budgeting)
            return _budget.TrySpend(time.GetElapsedTime(_began), keep);
    }

    /// <summary>False when too many wait already, or too much.</summary>
    private async ValueTask<bool> TryWaitAsync(RetryStep step, HeldCommand held, CancellationToken stop)
    {
        if (step.Refresh)
            routes?.Owners.Refresh();
        if (step.Wait == TimeSpan.Zero)
            return true;
        if (!held.TryHold())
            return false;
        if (Interlocked.Increment(ref _retriesInFlight) > options.RetriesInFlightMax)
        {
            Interlocked.Decrement(ref _retriesInFlight);
            return false;
        }
        try
        {
            await Task.Delay(step.Wait, time, stop);
            return true;
        }
        finally
        {
            Interlocked.Decrement(ref _retriesInFlight);
        }
    }

    private void LogGivenUp(SessionKey session, SessionCommand command, CommandReply reply, int attempts, TimeSpan waited)
    {
        var reason = ((CommandReply.Unavailable)reply).Reason;
        if (reason == UnavailableReason.Deadline)
            logger.CommandLate(session, command.GetType().Name, attempts, waited.TotalMilliseconds, local.Loads.Loading, local.Loads.Waiting);
        else
            logger.CommandUnavailable(session, command.GetType().Name, reason, attempts, waited.TotalMilliseconds);
    }

    /// <summary>
    /// Without a key: deciding it again finds what it did before, or changes nothing, whatever others asked for in between. To suspend, to
    /// resume, to change and to end are none of these.
    /// </summary>
    private static bool IsRepeatable(SessionCommand command) => command switch
    {
        SessionCommand.Query or SessionCommand.Describe or SessionCommand.Acknowledge or SessionCommand.CancelTask => true,
        SessionCommand.AddTask add => add.Spec.Id is not null,
        SessionCommand.AddTasks add => add.Entries.All(entry => entry.Spec is null or { Id: not null }),
        _ => false,
    };

    /// <summary>A client that sent no key cannot repeat it.</summary>
    private static CommandReply WithoutKey(CommandReply reply)
    {
        const string again = "send it again with the same Idempotency-Key.";
        return reply is CommandReply.Unavailable unavailable && unavailable.Detail.EndsWith(again, StringComparison.OrdinalIgnoreCase)
            ? unavailable with { Detail = $"{unavailable.Detail[..^again.Length].TrimEnd(' ', ':', '.')}. It had no Idempotency-Key: look whether it was before you send it again." }
            : reply;
    }

    private static string NameOf(TryResult result) => result switch
    {
        TryResult.Acquiring => "acquiring",
        TryResult.Moving => "moving",
        TryResult.Suspended => "suspended",
        TryResult.Full => "full",
        TryResult.Crashed => "crashed",
        TryResult.Redirected => "redirected",
        TryResult.NotOwned => "notOwned",
        TryResult.NotSent => "notSent",
        TryResult.NotAccepted => "notAccepted",
        _ => "unknown",
    };

    private static readonly CommandReply.Unavailable Unreachable = new(
        UnavailableReason.Unreachable, TimeSpan.FromSeconds(1), "The node that owns the session cannot be reached. Send the same request again.");

    private static readonly CommandReply.Unavailable TooMuchHeld = new(
        UnavailableReason.Full, TimeSpan.FromSeconds(1), "Requests for other nodes hold as much memory of this one as they may. Send the same request again later, and fewer at once.");

    private static readonly CommandReply.Unavailable NotAsked = new(UnavailableReason.Deadline, TimeSpan.FromSeconds(1), "");

    private static readonly CommandReply.Unavailable OutcomeUnknown = new(
        UnavailableReason.Deadline, TimeSpan.FromSeconds(1),
        "The connection to the session's node broke. Whether the request was executed is not known: send it again with the same Idempotency-Key.");

    /// <param name="Result">Null when it was decided.</param>
    private readonly record struct Tried(TryResult? Result, CommandReply Reply);
}
