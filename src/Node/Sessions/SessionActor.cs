using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Telemetry;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// The shell around a <see cref="Session"/>: mailbox → decide → apply → append → reply. One turn takes the message at hand and those
/// that already wait, decides and applies them one after the other, and appends all their events at once; only when the append is
/// committed are replies given, children started and streams woken. So memory may be ahead of the journal inside a turn, never
/// outside: any other outcome than Committed throws, the instance is dropped, and the next one loads what is durable.
///
/// Called by ShardHost, which starts it, restarts it with back-off and quarantines it when it cannot be loaded. Its children are
/// <see cref="TaskActor"/>s, one for each running attempt; what they report arrives as messages and is fenced by the attempt's number.
/// Queries that need the archive or the journal read beside the mailbox, after the turn's commit.
/// </summary>
internal sealed class SessionActor(SessionEnvironment environment) : Actor<SessionMessage>
{
    private const int TurnBytesMax = 1024 * 1024;

    /// <summary>Single tasks whose destinations are looked up in one read.</summary>
    private const int GatheredMax = 32;

    /// <summary>Later moments are looked at again then: timers do not reach months ahead.</summary>
    private static readonly TimeSpan TimerMax = TimeSpan.FromDays(1);

    private readonly SessionEnvironment _environment = environment;
    private readonly ILogger _logger = environment.Loggers.CreateLogger<SessionActor>();
    private readonly Session _session = new(environment.Session, environment.Options);
    private RunningAttempts _attempts = null!;
    private StartConditions _conditions = null!;
    private SlotSeeker _seeker = null!;
    private SessionRemains _remains = null!;
    private SessionLookups _lookups = null!;
    private PartKeeper _keeper = null!;
    private EndWaiters? _waiters;
    private PrefetchSteps _prefetch = null!;
    private SessionStorage? _storage;
    private SessionWebhooks? _webhooks;
    private SessionTally? _tally;
    private ActorContext<SessionMessage> _context = null!;

    protected internal override async ValueTask StartAsync(ActorContext<SessionMessage> context)
    {
        _context = context;
        _attempts = new RunningAttempts(_environment, _session, context);
        _keeper = new PartKeeper(_environment, _session, _logger);
        _waiters = new EndWaiters(_session);
        _conditions = new StartConditions(_environment, _session, context.Self, () => _webhooks!.Presence);
        _seeker = new SlotSeeker(_environment, _session, _conditions);
        _remains = new SessionRemains(_environment, _session, _logger);
        _prefetch = new PrefetchSteps(_environment, _session, _logger);
        _webhooks = new SessionWebhooks(_environment, _session, context);
        _tally = SessionInstruments.Activated();
        var started = _environment.Time.GetTimestamp();
        _storage = await SessionStorage.LoadAsync(_environment, _session, _logger, context.Stopping);
        _lookups = new SessionLookups(_session, _storage, context.Stopping);
        SessionInstruments.Loaded(_environment.Time.GetElapsedTime(started));
        _webhooks.Start(Now);
        _logger.SessionLoaded(_session.Key, _session.Tasks.Count, _session.Delivery.LastNumber, _storage.Sequence);
        var turn = new SessionTurn();
        var interrupted = AttemptDecider.Recover(_session, Now);
        if (interrupted.Count > 0)
            _logger.AttemptsInterrupted(_session.Key, interrupted.Count);
        Apply(turn, await KeptAsync(interrupted), null);
        await FinishOrDropAsync(turn);
    }

    protected internal override async ValueTask ReceiveAsync(SessionMessage message, ActorContext<SessionMessage> context)
    {
        var turn = new SessionTurn();
        try
        {
            while (true)
            {
                var messages = Gather(message, turn);
                turn.Claimed = await _lookups.FindClaimedAsync(messages);
                foreach (var taken in messages)
                    await HandleAsync(taken, turn);
                if (turn.Messages >= _session.Options.TurnMessagesMax || turn.Bytes >= TurnBytesMax || !context.TryTakeNext(out message))
                    break;
            }
        }
        catch
        {
            turn.ReturnSlots();
            throw;
        }
        await FinishOrDropAsync(turn);
        if (_session.Phase is SessionPhase.Absent)
            context.StopSelf(StopReason.Passivate); // asked for, and not there
    }

    protected internal override async ValueTask StopAsync(StopReason reason, ActorContext<SessionMessage> context)
    {
        foreach (var waiting in _waiters?.TakeAll() ?? [])
            Unhandled(waiting, reason is StopReason.Failed ? UnhandledReason.Failed : UnhandledReason.Stopped);
        _attempts.ReturnSlots();
        _conditions?.Dispose();
        _environment.Slots.Forget(_session.Key);
        _environment.Conditions.Unconstrained.Forget(_session.Key);
        _webhooks?.Stop();
        _tally?.Dispose();
        if (reason is not (StopReason.Failed or StopReason.Fenced) && _storage is not null)
            await _storage.SaveBeforeStopAsync(_session, context.Abandoned);
        _environment.Feed.Closed(_session.Key);
    }

    protected internal override void Unhandled(SessionMessage message, UnhandledReason reason)
    {
        switch (message)
        {
            case SessionMessage.Execute execute:
                execute.Reply.TryAnswer(reason is UnhandledReason.Failed
                    ? new CommandReply.Unavailable(UnavailableReason.Crashed, TimeSpan.FromSeconds(1), "The session is being loaded again after a failure. Send the same request again.")
                    : new CommandReply.Unavailable(UnavailableReason.Moving, TimeSpan.FromMilliseconds(200), "The session is moving. Send the same request again."));
                break;
            case SessionMessage.Report report:
                report.Accepted.TryAnswer(false);
                break;
            case SessionMessage.WebhookEnded ended:
                ended.Recorded.TryAnswer(false);
                break;
        }
    }

    /// <summary>A child that broke is not restarted: its attempt ends as interrupted and the next one starts by the session's rules.</summary>
    protected internal override SupervisionDecision Supervise(ChildFailure failure) => new SupervisionDecision.Stop();

    protected internal override async ValueTask ChildStoppedAsync(ChildStopped stopped, ActorContext<SessionMessage> context)
    {
        if (_webhooks!.Ended(stopped.Name, Now))
        {
            ArmTimers();
            return;
        }
        // An attempt that reported its end is not active any more; one that was abandoned or broke never did.
        var (id, attempt) = TaskActor.ParseName(stopped.Name);
        if (!_attempts.Ended(id, attempt) || !_session.Tasks.TryFind(id, out var task) || task.Run is not { Active: true } run || run.Attempt != attempt)
        {
            ArmTimers();
            return;
        }
        var turn = new SessionTurn();
        var ended = new AttemptReport.Ended(new AttemptOutcome.Stopped(run.Part?.Bytes ?? 0));
        Apply(turn, await KeptAsync(AttemptDecider.Report(_session, id, attempt, ended, Now, Unit, _conditions.HoldOf) ?? []), null);
        await FinishOrDropAsync(turn);
    }

    private DateTimeOffset Now => _environment.Time.GetUtcNow();

    private ValueTask<IReadOnlyList<SessionEvent>> KeptAsync(IReadOnlyList<SessionEvent> events) => _keeper.KeepAsync(events, _storage!.Epoch);

    private double Unit => _environment.Random.NextUnit();

    private SessionConditions Conditions() => new(
        Now, _environment.Feed.IsAttached(_session.Key), _environment.Slots.Use, _attempts.Read)
    {
        Held = _environment.Slots.HoldOf,
        StartHold = _conditions.HoldOf,
        Unconstrained = _environment.Conditions.Unconstrained.Use,
    };

    // ---- one message ----

    /// <summary>
    /// Single tasks that wait one behind the other are looked up together: one read for all their destinations instead of one for each. A list of tasks,
    /// and everything else, is handled before more is taken, so that a turn does not grow beyond its bytes.
    /// </summary>
    private List<SessionMessage> Gather(SessionMessage first, SessionTurn turn)
    {
        List<SessionMessage> messages = [first];
        while (messages[^1] is SessionMessage.Execute { Command: SessionCommand.AddTask } && messages.Count < GatheredMax
            && turn.Messages + messages.Count < _session.Options.TurnMessagesMax && _context.TryTakeNext(out var next))
        {
            messages.Add(next);
        }
        return messages;
    }

    private async ValueTask HandleAsync(SessionMessage message, SessionTurn turn)
    {
        turn.Messages++;
        switch (message)
        {
            case SessionMessage.Execute { Reply.IsAnswered: true }:
                break; // its deadline passed while it waited, and the caller was told so
            case SessionMessage.Execute { Command: SessionCommand.Query query } ask:
                new SessionQueries(_session, _environment, _logger, Conditions(), _webhooks!.Test).Answer(query, ask.Reply, turn);
                break;
            case SessionMessage.Execute execute:
                await ExecuteAsync(execute, turn);
                break;
            case SessionMessage.Report report:
                await ReportAsync(report, turn);
                break;
            case SessionMessage.GaveUp gaveUp:
                Apply(turn, _remains.GaveUp(gaveUp, Now), null);
                break;
            case SessionMessage.Prefetch { Step: var step }:
                Apply(turn, _prefetch.Take(step, turn.Claimed, Now), null);
                break;
            case SessionMessage.WebhookEnded ended:
                Apply(turn, _webhooks!.Report(ended.What, Now, Unit), null);
                turn.Answer(ended.Recorded, true);
                break;
            case SessionMessage.IdleCheck:
                if (IsIdle())
                    _context.StopSelf(StopReason.Passivate);
                break;
            case SessionMessage.Wake:
                break; // the turn's end looks at everything
        }
    }

    private async ValueTask ExecuteAsync(SessionMessage.Execute execute, SessionTurn turn, bool hasWaited = false)
    {
        if (execute.Key is { } key && _session.Ledger.TryFind(key.Id.Value, Now, out var answered))
        {
            turn.Answer(execute.Reply, answered.ContentHash == key.ContentHash
                ? new CommandReply.Done(answered.Status, answered.Answer)
                : CommandReply.Refuse(422, ProblemCodes.IdempotencyKeyReused,
                    "This Idempotency-Key was used for another request. Use a new key for a new intent, and the same one only to repeat the same request."));
            return;
        }
        if (_lookups.FindHindrance(execute.Command) is { } hindrance)
        {
            turn.Answer(execute.Reply, hindrance);
            return;
        }
        Apply(turn, _webhooks!.Before(execute.Command, Now), null);
        var archived = await _lookups.FindArchivedAsync(execute.Command, turn);
        var oldestKept = await _lookups.FindOldestEventAsync(execute.Command);
        var decision = SessionDecider.Decide(_session, execute.Command, archived, Now, execute.Command.TraceParent, turn.Claimed, oldestKept);
        Apply(turn, await KeptAsync(decision.Events), execute.Key?.Id);
        if (decision.AwaitsEnd)
        {
            _waiters!.Add(execute);
            return;
        }
        StartReady(turn); // so that the answer shows the task running when it can
        var reply = decision.Reply(_session, Conditions());
        if (execute is { Key: { } remembered, Command: not SessionCommand.IRepeatable } && reply is CommandReply.Done done && (hasWaited || decision.Events.Count > 0))
            Apply(turn, [new CommandAnswered(remembered.Id.Value, remembered.ContentHash, done.Status, done.Json, Now)], remembered.Id);
        turn.Answer(execute.Reply, reply);
    }

    private async ValueTask ReportAsync(SessionMessage.Report report, SessionTurn turn)
    {
        if (report.What is AttemptReport.Ended)
            _attempts.Forget(report.Task, report.Attempt);
        var events = AttemptDecider.Report(_session, report.Task, report.Attempt, report.What, Now, Unit, _conditions.HoldOf);
        if (events is not null)
            Apply(turn, await KeptAsync(events), null);
        turn.Answer(report.Accepted, events is not null);
    }

    // ---- the end of a turn ----

    private async ValueTask FinishOrDropAsync(SessionTurn turn)
    {
        try
        {
            await FinishTurnAsync(turn);
        }
        catch
        {
            turn.ReturnSlots();
            throw;
        }
    }

    private async ValueTask FinishTurnAsync(SessionTurn turn)
    {
        Continue(turn);
        foreach (var waiting in _waiters!.Ready())
            await ExecuteAsync(waiting, turn, hasWaited: true);
        turn.Stops.UnionWith(_conditions.FindStops(Now));
        StartReady(turn);
        if (turn.Rows.Count > 0)
        {
            var outcome = await _storage!.AppendAsync(turn, _session, Head());
            if (outcome is not AppendOutcome.Committed)
            {
                _logger.AppendRefused(_session.Key, outcome);
                turn.Fail(TurnReplies.NotTaken(outcome));
                if (outcome is AppendOutcome.Fenced)
                    _context.StopSelf(StopReason.Fenced);
                throw new SessionAheadOfJournalException(outcome);
            }
            if (turn.Publishes)
                _environment.CrashPoints.Reach("publish.commit");
        }
        else if (_environment.Holder.Ask() is (null, var isSuspended))
        {
            turn.Fail(TurnReplies.NotHeld(isSuspended)); // no commit has proved that what was decided on is not old: a stale read is a lie
        }
        turn.Release();
        Act(turn);
        ArmTimers();
        _storage!.SaveWhenDue(_session);
    }

    private void Apply(SessionTurn turn, IReadOnlyList<SessionEvent> events, CommandId? command)
    {
        foreach (var happened in events)
        {
            TurnEffects.Note(turn, _session, happened);
            if (happened is TaskCompleted { Outcome: TaskOutcomes.Failed, Error: { } error } failed)
                _logger.TaskFailed(_session.Key, failed.Task, error.Code, error.Message);
            var isNumbered = _session.IsNumbered(happened);
            _session.Apply(happened);
            var encoded = SessionEvent.Codec.Encode(happened);
            turn.Add(new NewRow(encoded.Name, encoded.Payload, isNumbered ? _session.Delivery.LastNumber : null, command));
            if (happened is TaskCreated created && _session.DestinationOf(created.Spec) is { } taken)
                turn.Claims.Add(new ClaimChange(taken, created.Task));
            foreach (var ended in _session.TakeEnded())
            {
                if (_session.DestinationOf(ended.Spec) is { } left)
                    turn.Claims.Add(new ClaimChange(left, null));
                if (_session.ExpiryOf(ended) is { } expiry)
                    turn.Expiries.Add(expiry);
                turn.Ended[ended.Id] = ended;
                if (!ended.IsPrefetch) // what rounds fetched is no history that anybody asks for
                    turn.Add(SessionStorage.Archived(_session.Generation, ended));
                SessionInstruments.TaskEnded(ended.End!.Outcome);
            }
        }
    }

    /// <summary>What time and pending ends ask for.</summary>
    private void Continue(SessionTurn turn)
    {
        _session.Tasks.Promote(Now);
        while (turn.Bytes < TurnBytesMax && (AttemptDecider.Continue(_session, Now, _attempts.Read) is { Count: > 0 } events || (events = _webhooks!.Continue(Now)).Count > 0))
            Apply(turn, events, null);
        if (turn.Bytes >= TurnBytesMax)
            _context.Self.TryPost(new SessionMessage.Wake()); // more to end: the next turn goes on
    }

    /// <summary>As many starts as the limits allow.</summary>
    private void StartReady(SessionTurn turn)
    {
        _session.Tasks.Promote(Now);
        if (_context.IsStopping || _session.Paused || _session.Phase is SessionPhase.Absent)
        {
            _environment.Conditions.Unconstrained.Decline(_session.Key);
            return;
        }
        foreach (var (started, slot) in _seeker.Take(Now, _context.Self))
        {
            if (started.Attempt == 1)
                SessionInstruments.TaskFirstStarted(started.At - _session.Tasks[started.Task].CreatedAt);
            turn.Starts.Add((started, slot));
            Apply(turn, [started], null);
        }
    }

    /// <summary>What is done in the world once the events are durable.</summary>
    private void Act(SessionTurn turn)
    {
        _attempts.Act(turn, _storage!.Epoch);
        foreach (var read in turn.Reads)
            _ = read();
        _webhooks!.SendDue(Now);
        foreach (var (files, resultToo) in turn.Discards)
            _ = _remains.DiscardAsync(files, _storage!.Epoch, resultToo);
        _remains.GiveUp(_storage!.Epoch, _context.Self);
        _prefetch.Act(Now, _context.Self);
        if (turn.Rows.Exists(row => row.Number is not null))
            _environment.Feed.Published(_session.Key, _session.Delivery.LastNumber);
    }

    private HeadUpdate Head() => new(
        SessionViews.StateOf(_session.Phase), _session.Generation, _session.Delivery.LastNumber,
        _session.HasWork ? DateTimeOffset.UnixEpoch : _session.NextDue());

    private void ArmTimers()
    {
        if (_context.IsStopping)
            return;
        if (!IsIdle())
            _context.CancelTimer("idle");
        else
            _context.StartTimer("idle", _session.Options.IdleBeforePassivation, new SessionMessage.IdleCheck());
        if (NextDue() is { } due)
            _context.StartTimer("due", TimeSpan.FromTicks(Math.Clamp((due - Now).Ticks, 0, TimerMax.Ticks)), new SessionMessage.Wake());
        else
            _context.CancelTimer("due");
        foreach (var (reason, count) in _session.Tasks.WaitingByReason)
            _tally?.Waiting(reason, count);
    }

    private DateTimeOffset? NextDue() => Session.Earliest(
        Session.Earliest(_session.Tasks.NextDue(), _webhooks!.NextDue()), Session.Earliest(_conditions.NextDue(Now), PrefetchDecider.BeginsAt(_session)));

    private bool IsIdle() => !_session.HasWork && _context.ChildCount == 0 && !_webhooks!.KeepsAwake
        && !(NextDue() is { } due && due - Now < _session.Options.IdleBeforePassivation);
}
