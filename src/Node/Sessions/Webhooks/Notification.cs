using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>That a task has succeeded or failed, to be told to the URL that it named for that. Persisted in snapshots.</summary>
/// <param name="Number">Of the task's last event: there is one, so a task is told of once.</param>
/// <param name="Generation">Of the session: the archive has the rest.</param>
/// <param name="Task">The task.</param>
/// <param name="Url">Who is told.</param>
/// <param name="Secret">What signs; null: a secret of the session.</param>
/// <param name="Version">Of the configuration that the task was created under.</param>
/// <param name="At">When the task ended.</param>
internal sealed record Notification(long Number, int Generation, TaskId Task, string Url, string? Secret, int Version, DateTimeOffset At)
{
    /// <summary>Failures so far.</summary>
    public WebhookTries? Tries { get; init; }

    /// <summary>Not sent before.</summary>
    public DateTimeOffset Due() => Tries?.NextAt ?? At;
}

/// <summary>A notification that is not sent any more. Persisted in snapshots.</summary>
internal sealed record GivenUpNotification(TaskId Task, int Generation, string Url, int Attempts, string Why, DateTimeOffset At);

/// <summary>Persisted.</summary>
internal sealed record NotificationsSnapshot(IReadOnlyList<Notification> Pending, long GivenUpCount, IReadOnlyList<GivenUpNotification> GivenUp);
