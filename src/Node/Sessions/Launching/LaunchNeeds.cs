namespace Backhaul.Node.Sessions;

/// <summary>
/// Which events an absent client has to be told of. One line for each: a part of the session whose event asks for its client adds it here, and nothing
/// else. The need stands from the event on until the event is acknowledged, or a launch that came after it is completed. Pure.
/// </summary>
internal static class LaunchNeeds
{
    /// <param name="happened">An event that clients see.</param>
    /// <param name="after">The state after it.</param>
    /// <returns>One of <see cref="LaunchReasons"/>; null when it can wait until somebody asks.</returns>
    public static string? Of(SessionEvent happened, Session after) => happened switch
    {
        TaskCompleted when after.ClientTasks == 0 => LaunchReasons.TasksEnded,
        TaskChallenged => LaunchReasons.Challenge,
        TaskDelayedRequest => LaunchReasons.DelayedRequest,
        CompletionFired => LaunchReasons.CompletionGroup,
        _ => null,
    };
}

/// <summary>Words of the wire. Persisted: append only.</summary>
internal static class LaunchReasons
{
    public const string TasksEnded = "tasksEnded";
    public const string Challenge = "challenge";
    public const string CompletionGroup = "completionGroup";
    public const string DelayedRequest = "delayedRequest";
}

/// <summary>Something that a client has to be told of. Persisted.</summary>
/// <param name="Reason">One of <see cref="LaunchReasons"/>.</param>
/// <param name="Number">Of the newest event that says so.</param>
/// <param name="Since">When the first one did that is not handled.</param>
internal sealed record LaunchNeed(string Reason, long Number, DateTimeOffset Since);
