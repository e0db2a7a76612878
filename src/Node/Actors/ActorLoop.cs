using System.Diagnostics;
using System.Threading.Channels;

namespace Backhaul.Node.Actors;

/// <summary>
/// The loop of one actor: signals first, then what is due (timers, ended children), then one message. The states are drawn at
/// <see cref="Actor{TMessage}"/>; everything here but the posting belongs to the loop's one logical thread.
/// </summary>
internal sealed class ActorLoop<TMessage> : ActorCell
{
    /// <summary>Turns in a row before others get the thread.</summary>
    private const int Quantum = 64;

    private readonly Mailbox<TMessage> _mailbox;
    private readonly Queue<DueTurn> _due = new();
    private readonly TurnRunner<TMessage> _turns;
    private readonly ActorContext<TMessage> _context;
    private Phase _phase = Phase.Starting;
    private bool _torn;
    private Exception? _cause;
    private int _failures;
    private long _failureNumber;
    private long? _startedAt;
    private ITimer? _restart;
    private IDisposable? _permit;

    public ActorLoop(ActorSystem system, IActorParent parent, string name, Func<Actor<TMessage>> create, ActorOptions options)
        : base(system, parent, name, options)
    {
        _mailbox = new Mailbox<TMessage>(options.InboxMax);
        _context = new ActorContext<TMessage>(this);
        _turns = new TurnRunner<TMessage>(this, create, _mailbox, _context);
        Timers = new ActorTimers<TMessage>(this);
    }

    private enum Phase
    {
        Starting,
        Running,
        Failed,
        BackingOff,
        Stopping,
    }

    public ActorRef<TMessage> Self => _context.Self;

    public ActorTimers<TMessage> Timers { get; }

    public ActivityContext Trace => _mailbox.Trace;

    protected override string StateName => _phase switch
    {
        Phase.Starting => "starting",
        Phase.Running => "running",
        Phase.Failed => "failed",
        Phase.BackingOff => "backingOff",
        _ => "stopping",
    };

    protected override string TypeName => _turns.TypeName;

    protected override int InboxDepth => _mailbox.Depth;

    protected override long Handled => _turns.Handled;

    // ---- what other threads call ----

    public bool Accepts(bool forChildren) => forChildren ? !HasEnded : StopRequested is null;

    public bool TryPost(TMessage message, bool forChildren)
    {
        if (!Accepts(forChildren) || !_mailbox.Lane(forChildren, HasEnded).TryWrite(new Envelope<TMessage>(message, CurrentTrace())))
            return false;
        Wake.Set();
        return true;
    }

    public async ValueTask<bool> PostAsync(TMessage message, bool forChildren, CancellationToken stop)
    {
        if (TryPost(message, forChildren))
            return true;
        if (!Accepts(forChildren))
            return false;
        try
        {
            await _mailbox.Lane(forChildren, HasEnded).WriteAsync(new Envelope<TMessage>(message, CurrentTrace()), stop);
        }
        catch (ChannelClosedException)
        {
            return false; // it ended while we waited for room; the message was never in the mailbox
        }
        Wake.Set();
        return true;
    }

    // ---- what the actor's context calls ----

    public bool HasChild(string name) => HasChildNamed(name);

    public void StopChild(string name, StopReason reason) => FindChild(name)?.Stop(reason);

    public ActorRef<TChild> Spawn<TChild>(string name, Func<Actor<TChild>> create, ActorOptions? options)
    {
        var child = new ActorLoop<TChild>(System, this, name, create, options ?? ActorOptions.Default);
        Adopt(child);
        return child.Self;
    }

    public bool TryTakeNext(out TMessage message)
    {
        message = default!;
        return !HasEnded && _mailbox.TryTake(StopRequested is null ? MailboxLanes.Both : MailboxLanes.Reports, out message);
    }

    // ---- the loop ----

    protected override async Task RunAsync()
    {
        try
        {
            await LoopAsync();
        }
        catch (Exception bug)
        {
            Logger.LoopBroke(bug, Path);
            End(ActorEnd.Crashed, bug);
        }
    }

    private async Task LoopAsync()
    {
        var turns = 0;
        while (!HasEnded)
        {
            while (TryReadSignal(out var signal))
                await HandleAsync(signal);
            if (StopRequested is { } reason)
            {
                await FinishAsync(reason);
                return;
            }
            if (IsPaused || !await StepAsync())
                await Wake.WaitAsync();
            else if (++turns % Quantum == 0)
                await Task.Yield();
        }
    }

    private async ValueTask<bool> StepAsync()
    {
        switch (_phase)
        {
            case Phase.Starting:
                await StartInstanceAsync();
                return true;
            case Phase.Running when IsDue():
                await DueTurnAsync(_due.Dequeue());
                return true;
            case Phase.Running when _mailbox.TryTake(MailboxLanes.Both, out var message):
                await TurnOrFailAsync(new ActorTurn<TMessage>(TurnKind.Receive, message));
                return true;
            default:
                return false; // failed and backing off: only a signal goes on
        }
    }

    private async ValueTask StartInstanceAsync()
    {
        if (Options.StartGate is { } gate)
        {
            try
            {
                _permit = await gate.EnterAsync(Stopping);
            }
            catch (OperationCanceledException) when (StopRequested is not null)
            {
                return; // the loop finds the stop
            }
        }
        var failure = HasEnded ? null : await _turns.RunAsync(new ActorTurn<TMessage>(TurnKind.Start));
        Interlocked.Exchange(ref _permit, null)?.Dispose();
        if (failure is not null)
        {
            await FailAsync(failure, whileStarting: true);
            return;
        }
        _phase = Phase.Running;
        _startedAt = System.Time.GetTimestamp();
        if (Options.ReportsStart)
            Parent.ChildStarted(this);
    }

    private async ValueTask HandleAsync(ActorSignal signal)
    {
        switch (signal)
        {
            case ActorSignal.ChildFailed failed when IsChild(failed.Child):
                await SuperviseAsync(failed);
                break;
            case ActorSignal.ChildEnded ended when IsChild(ended.Child):
                // heard after everything the child had posted before its end
                _due.Enqueue(new DueTurn(signal, _mailbox.End));
                break;
            case ActorSignal.TimerDue or ActorSignal.ChildStarted:
                _due.Enqueue(new DueTurn(signal, default));
                break;
            case ActorSignal.Decided { Decision: SupervisionDecision.Restart restart } when _phase == Phase.Failed:
                BackOff(restart.Backoff);
                break;
            case ActorSignal.Decided { Decision: not SupervisionDecision.Restart } decided:
                _cause = decided.Failure;
                Logger.ActorCrashed(decided.Failure, Path);
                Stop(StopReason.Failed);
                break;
            case ActorSignal.RestartDue due when _phase == Phase.BackingOff && due.Failure == _failureNumber:
                _phase = Phase.Starting;
                break;
        }
    }

    private async ValueTask SuperviseAsync(ActorSignal.ChildFailed failed)
    {
        SupervisionDecision decision;
        Exception? own = null;
        try
        {
            decision = _turns.Supervise(failed.Failure);
            if (decision is SupervisionDecision.Escalate)
                own = failed.Failure.Exception;
        }
        catch (Exception broken)
        {
            decision = new SupervisionDecision.Stop();
            own = broken;
        }
        failed.Child.Decide(decision, failed.Failure.Exception);
        if (own is not null)
            await FailAsync(own);
    }

    /// <summary>True when the turn at the head of the due ones may run now.</summary>
    private bool IsDue() => _due.TryPeek(out var due) && _mailbox.HasPassed(due.After);

    private async ValueTask DueTurnAsync(DueTurn due)
    {
        switch (due.Signal)
        {
            case ActorSignal.TimerDue timer when Timers.TryTake(timer.Key, timer.Generation, out var message):
                _mailbox.Take(message);
                await TurnOrFailAsync(new ActorTurn<TMessage>(TurnKind.Timer, message));
                break;
            case ActorSignal.ChildStarted started when IsChild(started.Child):
                _mailbox.Forget();
                await TurnOrFailAsync(new ActorTurn<TMessage>(TurnKind.ChildStarted, Signal: started));
                break;
            case ActorSignal.ChildEnded ended when Forget(ended.Child):
                _mailbox.Forget();
                await TurnOrFailAsync(new ActorTurn<TMessage>(TurnKind.ChildStopped, Signal: ended));
                break;
        }
    }

    private async ValueTask TurnOrFailAsync(ActorTurn<TMessage> turn)
    {
        if (await _turns.RunAsync(turn) is { } failure)
            await FailAsync(failure);
    }

    // ---- failure ----

    private async ValueTask FailAsync(Exception failure, bool whileStarting = false)
    {
        if (StopRequested is not null)
        {
            _turns.AnswerTaken(UnhandledReason.Stopped);
            _torn = true;
            if (failure is not OperationCanceledException)
            {
                Logger.StopThrew(failure, Path);
                _cause ??= failure;
            }
            return;
        }
        _turns.AnswerTaken(UnhandledReason.Failed);
        if (_startedAt is { } startedAt && System.Time.GetElapsedTime(startedAt) >= Options.FailuresForgottenAfter)
            _failures = 0;
        _failures++;
        _failureNumber++;
        _phase = Phase.Failed;
        _startedAt = null;
        Logger.ActorFailed(failure, Path, _failures);
        Timers.CancelAll();
        await StopChildrenAsync(StopReason.ParentStopped, serve: false);
        await CloseInstanceAsync(StopReason.Failed);
        _due.Clear();
        Parent.ChildFailed(this, new ChildFailure(Name, failure, _failures, whileStarting));
    }

    private void BackOff(RestartBackoff backoff)
    {
        var delay = backoff.Delay(_failures, System.Random.NextUnit());
        Logger.ActorRestarts(Path, delay.TotalMilliseconds, _failures);
        _phase = Phase.BackingOff;
        var due = new ActorSignal.RestartDue(_failureNumber);
        _restart?.Dispose();
        _restart = System.Time.CreateTimer(_ => Signal(due), null, delay, Timeout.InfiniteTimeSpan);
    }

    // ---- the end ----

    private async ValueTask FinishAsync(StopReason reason)
    {
        var serve = _phase == Phase.Running && !_torn;
        _phase = Phase.Stopping;
        _restart?.Dispose();
        Timers.CancelAll();
        var childrenReason = reason is StopReason.Drain or StopReason.Fenced ? reason : StopReason.ParentStopped;
        await StopChildrenAsync(childrenReason, serve);
        await CloseInstanceAsync(_torn || !serve ? StopReason.Failed : reason);
        if (ChildCount > 0)
            await StopChildrenAsync(childrenReason, serve: false); // spawned while it stopped
        End(_cause is null ? ActorEnd.Completed : ActorEnd.Crashed, _cause);
    }

    private async ValueTask CloseInstanceAsync(StopReason reason)
    {
        if (!_turns.IsOpen || HasEnded)
            return;
        if (await _turns.RunAsync(new ActorTurn<TMessage>(TurnKind.Stop, Reason: reason)) is { } failure)
        {
            _turns.AnswerTaken(UnhandledReason.Stopped);
            Logger.StopThrew(failure, Path);
            if (StopRequested is not null && failure is not OperationCanceledException)
                _cause ??= failure;
        }
    }

    /// <summary>
    /// Stops all children in parallel and waits for their ends; each has its own deadline, so this ends. Serving: their reports are
    /// received and their ends heard, while messages of others are answered. Not serving (the instance failed): reports are refused.
    /// </summary>
    private async ValueTask StopChildrenAsync(StopReason reason, bool serve)
    {
        foreach (var child in ChildrenNow())
            child.Stop(reason);
        while (!HasEnded)
        {
            while (TryReadSignal(out var signal))
            {
                if (signal is ActorSignal.ChildEnded or ActorSignal.Decided { Decision: not SupervisionDecision.Restart })
                    await HandleAsync(signal);
            }
            serve = serve && !_torn;
            if (_mailbox.TryTake(MailboxLanes.Reports, out var report))
            {
                if (serve)
                    await TurnOrFailAsync(new ActorTurn<TMessage>(TurnKind.Receive, report));
                else
                    _turns.AnswerTaken(UnhandledReason.Failed);
            }
            else if (StopRequested is not null && _mailbox.TryTake(MailboxLanes.Inbox, out _))
            {
                _turns.AnswerTaken(UnhandledReason.Stopped);
            }
            else if (_due.TryDequeue(out var due))
            {
                if (serve)
                    await DueTurnAsync(due);
                else if (due.Signal is ActorSignal.ChildEnded gone)
                    Forget(gone.Child);
            }
            else if (ChildCount == 0)
            {
                return;
            }
            else
            {
                await Wake.WaitAsync();
            }
        }
    }

    protected override void CloseMailbox(UnhandledReason reason)
    {
        Interlocked.Exchange(ref _permit, null)?.Dispose();
        foreach (var waiting in _mailbox.Close())
            _turns.Answer(waiting, reason);
    }

    private static ActivityContext CurrentTrace() => Activity.Current?.Context ?? default;

    /// <summary>A turn that signals brought; an ended child's waits for what stood in the mailbox before it.</summary>
    private readonly record struct DueTurn(ActorSignal Signal, MailboxPosition After);
}
