using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Sharding;

/// <summary>
/// One shard on this node: the parent of its sessions' actors. It answers by the phase of its <see cref="ShardTenure"/> (the table is
/// at <see cref="ShardPhases"/>), starts a session when a message or its own due time asks for it (<see cref="SessionSlots{TMessage}"/>),
/// starts it again after a failure, and quarantines it when it cannot be loaded, so that its neighbours live on.
///
/// Invariants: every Execute is answered exactly once, here or by the session; a session has at most one actor; nothing is started
/// unless the shard is open. Called by CommandRouter (commands), WakeClock (due sessions) and NodeShards (phases, stop).
/// When the host itself breaks, the kernel starts it anew with its mailbox: its sessions are stopped first and load again on demand
/// or when they are due.
/// </summary>
internal sealed class ShardHost(ShardTenure tenure, ShardHostParts parts) : Actor<ShardMessage>
{
    private static readonly TimeSpan SoonAgain = TimeSpan.FromMilliseconds(200);

    private readonly ILogger _logger = parts.Logger;
    private readonly SessionSlots<ShardMessage.Execute> _slots = new(
        parts.Options.ParkedMax, parts.Options.LoadFailuresMax, static waiting => waiting.Reply.IsAnswered, parts.Logger.IllegalTransition);
    private readonly Dictionary<SessionKey, ActorRef<SessionMessage>> _actors = [];
    private readonly Queue<ShardMessage.Execute> _waiters = new();
    private readonly ActorOptions _whenAsked = SessionActorOptions(parts, parts.Permits.Asked);
    private readonly ActorOptions _whenDue = SessionActorOptions(parts, parts.Permits.Due);
    private ShardPhase _followed = ShardPhase.Acquiring;

    protected internal override ValueTask ReceiveAsync(ShardMessage message, ActorContext<ShardMessage> context)
    {
        FollowPhase(context);
        switch (message)
        {
            case ShardMessage.Execute execute:
                Execute(execute, context);
                break;
            case ShardMessage.Wake wake:
                if (tenure.Phase == ShardPhase.Open && _slots.Wake(wake.Session))
                    StartSession(wake.Session, _whenDue, context);
                break;
            case ShardMessage.PhaseChanged:
                break;
            case ShardMessage.Release release:
                release.Reply.TryAnswer(ReleaseFromQuarantine(release.Session));
                break;
        }
        return default;
    }

    protected internal override ValueTask StopAsync(StopReason reason, ActorContext<ShardMessage> context)
    {
        foreach (var session in _slots.Sessions)
            parts.Residents.Remove(session);
        var answer = reason switch
        {
            StopReason.Failed => Unavailable(UnavailableReason.Crashed, "The shard is being opened again after a failure. Send the same request again."),
            StopReason.Fenced => NotOwned,
            _ => Moving,
        };
        foreach (var parked in _slots.Clear())
            parked.Reply.TryAnswer(answer);
        while (_waiters.TryDequeue(out var waiter))
            waiter.Reply.TryAnswer(answer);
        return default;
    }

    protected internal override void Unhandled(ShardMessage message, UnhandledReason reason)
    {
        switch (message)
        {
            case ShardMessage.Execute execute:
                execute.Reply.TryAnswer(reason == UnhandledReason.Failed
                    ? Unavailable(UnavailableReason.Crashed, "The shard is being opened again after a failure. Send the same request again.")
                    : Moving);
                break;
            case ShardMessage.Release release:
                release.Reply.TryAnswer(false);
                break;
        }
    }

    // ---- commands ----

    private void Execute(ShardMessage.Execute execute, ActorContext<ShardMessage> context)
    {
        if (execute.Reply.IsAnswered)
            return; // its deadline passed while it waited here
        switch (ShardPhases.AnswerTo(tenure.Phase, execute.Command is SessionCommand.Query))
        {
            case ShardAnswer.Execute:
                Offer(execute, context);
                break;
            case ShardAnswer.Park when _waiters.Count < parts.Options.ParkedMax:
                _waiters.Enqueue(execute);
                break;
            case var other:
                execute.Reply.TryAnswer(ShardReplies.For(other)!);
                break;
        }
    }

    private void Offer(ShardMessage.Execute execute, ActorContext<ShardMessage> context)
    {
        switch (_slots.Offer(execute.Session, execute))
        {
            case SlotOffer.Deliver:
                Deliver(execute);
                break;
            case SlotOffer.ParkedAndStart:
                StartSession(execute.Session, _whenAsked, context);
                break;
            case SlotOffer.Full:
                execute.Reply.TryAnswer(LoadingAndFull);
                break;
            case SlotOffer.Quarantined:
                execute.Reply.TryAnswer(Quarantined);
                break;
        }
    }

    private void Deliver(ShardMessage.Execute execute)
    {
        if (execute.Reply.IsAnswered)
            return;
        var actor = _actors[execute.Session];
        if (actor.TryPost(new SessionMessage.Execute(execute.Command, execute.Key, execute.Reply)))
            return;
        if (actor.IsAccepting)
            execute.Reply.TryAnswer(SessionIsFull);
        else if (_slots.Bounce(execute.Session, execute) is var offer and not SlotOffer.Parked)
            execute.Reply.TryAnswer(offer == SlotOffer.Quarantined ? Quarantined : LoadingAndFull);
    }

    // ---- sessions ----

    private void StartSession(SessionKey session, ActorOptions options, ActorContext<ShardMessage> context)
    {
        parts.Residents.Add(session);
        _actors[session] = context.Spawn(session.ToString(), () => parts.Create(session, tenure), options);
    }

    protected internal override ValueTask ChildStartedAsync(string name, ActorContext<ShardMessage> context)
    {
        var session = SessionKey.Parse(name);
        parts.Residents.Started(session);
        foreach (var waiting in _slots.Started(session))
            Deliver(waiting);
        return default;
    }

    /// <summary>
    /// A failed session is loaded again from the journal, whatever it was. A load that fails because the store is away does not count
    /// towards the quarantine: it says nothing about the session.
    /// </summary>
    protected internal override SupervisionDecision Supervise(ChildFailure failure)
    {
        var session = SessionKey.Parse(failure.Name);
        var isLoadFailure = failure.WhileStarting && tenure.Current is not null
            && failure.Exception is not (OperationCanceledException or JournalStoreException { Failure: StoreFailure.Transient or StoreFailure.Unknown }
                or SessionAheadOfJournalException { IsTheSessions: false });
        if (_slots.Failed(session, isLoadFailure) is { } refused)
        {
            _logger.SessionQuarantined(failure.Exception, session, parts.Options.LoadFailuresMax);
            parts.Residents.Quarantine(new QuarantinedSession(session, tenure.ShardId, parts.Time.GetUtcNow(), failure.Exception.Message));
            foreach (var waiting in refused)
                waiting.Reply.TryAnswer(Quarantined);
            return new SupervisionDecision.Stop();
        }
        parts.Residents.StartsAgain(session);
        if (failure.WhileStarting)
            _logger.SessionLoadFailed(session, failure.Failures, isLoadFailure);
        else
            _logger.SessionThrew(session);
        return SupervisionDecision.Default;
    }

    protected internal override ValueTask ChildStoppedAsync(ChildStopped stopped, ActorContext<ShardMessage> context)
    {
        var session = SessionKey.Parse(stopped.Name);
        _actors.Remove(session);
        if (stopped.End == ActorEnd.Abandoned)
            _logger.SessionLeftBehind(session);
        var startAgain = _slots.Ended(session);
        if (_slots.StateOf(session) == SlotState.Absent)
            parts.Residents.Remove(session);
        if (startAgain && !context.IsStopping && tenure.Phase == ShardPhase.Open)
            StartSession(session, _whenAsked, context);
        return default; // while the shard stops, StopAsync answers what is parked
    }

    private bool ReleaseFromQuarantine(SessionKey session)
    {
        if (!_slots.Release(session))
            return false;
        parts.Residents.Remove(session);
        _logger.QuarantineReleased(session);
        return true;
    }

    // ---- phases ----

    /// <summary>Before every message: the phase may have changed without a message, when there was no room for one.</summary>
    private void FollowPhase(ActorContext<ShardMessage> context)
    {
        var phase = tenure.Phase;
        if (phase == _followed)
            return;
        _followed = phase;
        foreach (var actor in _actors.Values)
        {
            if (phase == ShardPhase.Suspended)
                actor.Pause();
            else
                actor.Resume();
        }
        if (phase == ShardPhase.Acquiring)
            return;
        for (var waiting = _waiters.Count; waiting > 0; waiting--)
            Execute(_waiters.Dequeue(), context);
        if (phase == ShardPhase.Open)
            StartThoseLeft(context);
    }

    /// <summary>Sessions whose actor ended while the shard was suspended, and that messages wait for.</summary>
    private void StartThoseLeft(ActorContext<ShardMessage> context)
    {
        foreach (var session in _slots.Sessions.Where(session => _slots.StateOf(session) == SlotState.Starting && !_actors.ContainsKey(session)).ToList())
            StartSession(session, _whenAsked, context);
    }

    // ---- answers ----

    private static CommandReply Moving => ShardReplies.For(ShardAnswer.Moving)!;

    private static CommandReply NotOwned => ShardReplies.For(ShardAnswer.NotOwned)!;

    private static CommandReply SessionIsFull => Unavailable(
        UnavailableReason.Full, "Too many requests of this session wait already. Send the same request again later, and fewer at once.");

    private CommandReply LoadingAndFull => Unavailable(
        UnavailableReason.Acquiring, $"The session is being loaded and {parts.Options.ParkedMax} requests wait for it already. Send the same request again.");

    private static CommandReply Quarantined => CommandReply.Refuse(
        409, ProblemCodes.SessionQuarantined,
        "The session's stored state cannot be read, so nothing is changed and nothing is lost. Ask an operator of this cluster to look at it.");

    private static CommandReply.Unavailable Unavailable(UnavailableReason reason, string detail) => new(reason, SoonAgain, detail);

    private static ActorOptions SessionActorOptions(ShardHostParts parts, IStartGate gate) => new()
    {
        InboxMax = parts.Options.SessionInboxMax,
        ChildStopTimeout = parts.Options.ChildStop,
        StartGate = gate,
        ReportsStart = true,
    };
}

/// <summary>What all shards of a node share.</summary>
internal sealed record ShardHostParts(
    SessionFactory Create, RecoveryPermits Permits, ResidentSessions Residents, ShardingOptions Options, TimeProvider Time, ILogger Logger);
