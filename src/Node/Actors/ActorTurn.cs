namespace Backhaul.Node.Actors;

/// <summary>What a turn does.</summary>
internal enum TurnKind
{
    Start = 1,
    Receive = 2,

    /// <summary>A timer's message, if the timer still has that generation.</summary>
    Timer = 3,
    ChildStarted = 4,
    ChildStopped = 5,
    Stop = 6,
}

/// <summary>One turn of an actor: everything that runs its code goes through one of these.</summary>
internal readonly record struct ActorTurn<TMessage>(
    TurnKind Kind, TMessage Message = default!, ActorSignal? Signal = null, StopReason Reason = default);

/// <summary>A message on its way, with the trace of whoever posted it.</summary>
internal readonly record struct Envelope<TMessage>(TMessage Message, System.Diagnostics.ActivityContext Trace);
