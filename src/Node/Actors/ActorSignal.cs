namespace Backhaul.Node.Actors;

/// <summary>What travels in the lane that a full mailbox cannot block. Few, internal, never lost.</summary>
internal abstract record ActorSignal
{
    private ActorSignal()
    {
    }

    internal sealed record ChildStarted(ActorCell Child) : ActorSignal;

    internal sealed record ChildFailed(ActorCell Child, ChildFailure Failure) : ActorSignal;

    internal sealed record ChildEnded(ActorCell Child, ActorEnd End, Exception? Failure) : ActorSignal;

    /// <summary>The parent's answer to a failure of this actor.</summary>
    internal sealed record Decided(SupervisionDecision Decision, Exception Failure) : ActorSignal;

    /// <summary>The back-off after failure number <paramref name="Failure"/> of this cell is over.</summary>
    internal sealed record RestartDue(long Failure) : ActorSignal;

    internal sealed record TimerDue(string Key, long Generation) : ActorSignal;
}
