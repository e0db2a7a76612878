namespace Backhaul.Node.Actors;

/// <summary>What a parent sets for a child it spawns.</summary>
internal sealed record ActorOptions
{
    internal static ActorOptions Default { get; } = new();

    /// <summary>Messages that may wait; more are refused, so that memory stays bounded and callers feel the load.</summary>
    public int InboxMax { get; init; } = 256;

    /// <summary>
    /// How long each child of this actor has to stop, whoever told it to. Then its <c>Abandoned</c> token is cancelled and it has
    /// <see cref="AbandonGrace"/> left. Must be longer than what the child gives to its own children.
    /// </summary>
    public TimeSpan ChildStopTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>From the cancelled token to being left behind.</summary>
    public TimeSpan AbandonGrace { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>An actor that ran this long without a failure starts its back-off from the beginning.</summary>
    public TimeSpan FailuresForgottenAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Entered before each start and left when the start is over, so that many actors do not load at once; null: no waiting.</summary>
    public IStartGate? StartGate { get; init; }

    /// <summary>The parent's <c>ChildStartedAsync</c> is called after each start.</summary>
    public bool ReportsStart { get; init; }

    /// <summary>A turn that takes longer is logged as a warning, while it still runs.</summary>
    public TimeSpan TurnWarningAfter { get; init; } = TimeSpan.FromSeconds(1);
}
