namespace Backhaul.Node.Sessions;

/// <summary>
/// A task that has not ended shortly before its deadline says so once, while there is still time to do something: move it forward, lift its limits, tell somebody.
/// That is when a tenth of the time from its creation to its deadline is left, an hour at most. What has less than ten seconds in all is not warned of. Pure.
/// </summary>
internal static class DeadlineWarning
{
    private const int Part = 10;
    private static readonly TimeSpan ShortestNotice = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestNotice = TimeSpan.FromHours(1);

    /// <summary>Null: it has no deadline that a client gave it, one that is too near for a warning, was warned of, or its end is under way.</summary>
    public static DateTimeOffset? At(TaskState task)
    {
        if (task is { IsDeadlineNear: true } or { IsPrefetch: true } or { Phase: TaskPhase.Canceling or TaskPhase.Completed } || task.Spec.Deadline is not { } deadline)
            return null;
        var notice = (deadline - task.CreatedAt) / Part;
        return notice < ShortestNotice ? null : deadline - (notice < LongestNotice ? notice : LongestNotice);
    }

    /// <param name="task">Its warning is due.</param>
    /// <param name="live">How far its attempt is, when one is under way.</param>
    /// <param name="now">Now.</param>
    public static TaskDeadlineNear Of(TaskState task, LiveProgress? live, DateTimeOffset now)
    {
        var progress = TaskViews.ProgressOf(task, live);
        return new TaskDeadlineNear(task.Id, task.Spec.Deadline!.Value, TaskViews.StateOf(task.Phase), progress.BytesReceived, progress.BytesSent, now)
        {
            Total = task.Spec.Kind is TaskKind.Upload ? progress.TotalToSend : progress.TotalToReceive,
            Eta = progress.Eta,
        };
    }
}
