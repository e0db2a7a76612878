using System.Diagnostics;

namespace Backhaul.Node.Actors;

/// <summary>
/// The present instance of an actor and the only place that runs its code: what it throws ends here. It knows which messages the turn in
/// hand has taken, so that all of them are answered when the turn throws.
/// </summary>
internal sealed class TurnRunner<TMessage>(ActorCell cell, Func<Actor<TMessage>> create, Mailbox<TMessage> mailbox, ActorContext<TMessage> context)
{
    private readonly TurnWatch _watch = new(cell);
    private Actor<TMessage>? _actor;
    private long _handled;

    /// <summary>StartAsync of this instance was called, and its StopAsync was not.</summary>
    public bool IsOpen { get; private set; }

    public string TypeName => Volatile.Read(ref _actor)?.GetType().Name ?? typeof(TMessage).Name;

    /// <summary>Messages of turns that ended well.</summary>
    public long Handled => Volatile.Read(ref _handled);

    /// <summary>Null when it went well.</summary>
    public async ValueTask<Exception?> RunAsync(ActorTurn<TMessage> turn)
    {
        cell.System.ObserveInboxDepth(mailbox.Depth + mailbox.Taken.Count);
        _watch.Begin(turn.Kind);
        try
        {
            var work = Invoke(turn);
            if (!work.IsCompleted)
                _watch.Arm();
            await work;
            Volatile.Write(ref _handled, _handled + mailbox.Taken.Count);
            mailbox.Forget();
            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
        finally
        {
            _watch.End();
        }
    }

    public SupervisionDecision Supervise(ChildFailure failure) => _actor!.Supervise(failure);

    /// <summary>Gives the messages of the turn in hand to Unhandled.</summary>
    public void AnswerTaken(UnhandledReason reason)
    {
        foreach (var message in mailbox.Taken)
            Answer(message, reason);
        mailbox.Forget();
    }

    /// <summary>An actor that was stopped before its start still answers what was posted to it.</summary>
    public void Answer(TMessage message, UnhandledReason reason)
    {
        try
        {
            if (_actor is null)
                Volatile.Write(ref _actor, create());
            _actor!.Unhandled(message, reason);
        }
        catch (Exception broken)
        {
            cell.System.Logger.UnhandledThrew(broken, cell.Path);
        }
    }

    private ValueTask Invoke(in ActorTurn<TMessage> turn)
    {
        switch (turn.Kind)
        {
            case TurnKind.Start:
                Volatile.Write(ref _actor, create());
                IsOpen = true;
                return _actor!.StartAsync(context);
            case TurnKind.Receive or TurnKind.Timer:
                return _actor!.ReceiveAsync(turn.Message, context);
            case TurnKind.ChildStarted:
                return _actor!.ChildStartedAsync(((ActorSignal.ChildStarted)turn.Signal!).Child.Name, context);
            case TurnKind.ChildStopped:
                var ended = (ActorSignal.ChildEnded)turn.Signal!;
                return _actor!.ChildStoppedAsync(new ChildStopped(ended.Child.Name, ended.End, ended.Child.StopRequested, ended.Failure), context);
            case TurnKind.Stop:
                IsOpen = false;
                return _actor!.StopAsync(turn.Reason, context);
            default:
                throw new UnreachableException();
        }
    }
}
