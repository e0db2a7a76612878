using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Questions before a task starts. One that is due is asked when its session has fewer than <see cref="OpenMax"/> questions open, so that a
/// client is not asked about tasks that start in hours. The answer, or the default when its time is over, lets one attempt start. Pure.
/// </summary>
internal static class DelayedRequestDecider
{
    public const int OpenMax = 32;
    public const string Continue = "continue";
    public const string Cancel = "cancel";
    public const string EveryAttempt = "everyAttempt";
    public static readonly TimeSpan TimeoutDefault = TimeSpan.FromMinutes(5);

    /// <summary>The client has a say before its next attempt.</summary>
    public static bool MustAsk(TaskState task) => task is { Allowed: false, Spec.AskBeforeStart: { } ask } && (task.Run is null || ask.When == EveryAttempt);

    /// <summary>The next question, and defaults of those whose time is over; called until there is nothing more to say.</summary>
    public static IReadOnlyList<SessionEvent> Step(Session session, DateTimeOffset now)
    {
        if (session.Tasks.TryFindUnanswered(now, out var unanswered))
        {
            return unanswered.Spec.AskBeforeStart?.Default == Cancel
                ? TaskDecider.EndTask(unanswered, Transfers.TransferCodes.Cancelled, now)
                : [new TaskRequestDecided(unanswered.Id, null, null, ByDefault: true, now)];
        }
        if (session.Paused || session.Phase is not (SessionPhase.Active or SessionPhase.Invalidating)
            || session.Tasks.WaitingByReason.GetValueOrDefault(WaitReasons.DelayedRequest) >= OpenMax || !session.Tasks.TryFindToAsk(out var task))
        {
            return [];
        }
        var ask = task.Spec.AskBeforeStart!;
        var until = now + (ask.Timeout ?? TimeoutDefault);
        return
        [
            new TaskDelayedRequest(task.Id, NextAttempt(task), task.Spec.Url, until, ask.Default ?? Continue, now),
            new TaskWaiting(task.Id, WaitReasons.DelayedRequest, until, task.Run?.Error, now),
        ];
    }

    public static Decision Answer(Session session, SessionCommand.AnswerDelayedRequest answer, IReadOnlyDictionary<TaskId, TaskState> archived, DateTimeOffset now)
    {
        if (!session.Tasks.TryFind(answer.Task, out var task))
            return TaskDecider.Gone(session, answer.Task, archived);
        if (task is not { Phase: TaskPhase.Waiting, Reason: WaitReasons.DelayedRequest } || (answer.Attempt ?? NextAttempt(task)) != NextAttempt(task))
        {
            return Decision.Refuse(409, ProblemCodes.NoQuestion,
                $"Task {answer.Task} does not wait for this answer: it was answered already, or its time was over, or the task is suspended. Its newest delayedRequest event says what it asks.");
        }
        return answer.Cancel
            ? TaskDecider.Cancel(session, answer.Task, archived, now)
            : new Decision(
                [new TaskRequestDecided(answer.Task, answer.Url, answer.Headers, ByDefault: false, now)],
                (after, conditions) => TaskViews.Reply(202, after.Tasks[answer.Task], after, conditions));
    }

    private static int NextAttempt(TaskState task) => (task.Run?.Attempt ?? 0) + 1;
}
