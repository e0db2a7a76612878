using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// What the reports of attempts, the passing of time and a recovery mean. Pure. A report of an attempt that is not the present one is
/// late and means nothing: the attempt's number fences a child as the epoch fences a node.
/// </summary>
internal static class AttemptDecider
{
    /// <summary>How many tasks one step of an ending, an expiry or a recovery may end: the next step follows in the same or the next turn.</summary>
    internal const int StepTasksMax = 16; // with specs of the largest size, every character escaped, still below one append

    private const int DigestMismatchesMax = 3;

    /// <summary>The events of a report; null when it is late. A task that <paramref name="holdOf"/> does not let run waits for that when it was stopped.</summary>
    public static IReadOnlyList<SessionEvent>? Report(
        Session session, TaskId id, int attempt, AttemptReport report, DateTimeOffset now, double unit, Func<TaskState, StartHold?>? holdOf = null)
    {
        if (!session.Tasks.TryFind(id, out var task) || task.Run is not { Active: true } run || run.Attempt != attempt)
            return null;
        return report switch
        {
            AttemptReport.Responded { Response: var response } => Respond(task, attempt, response, now),
            AttemptReport.Checkpointed { Part: var part } => RangeDecider.OnCheckpoint(task, new TaskCheckpointed(id, attempt, part, now)),
            AttemptReport.Redirected redirected => [new TaskRedirected(id, attempt, redirected.ToUrl, redirected.Status, now)],
            AttemptReport.Restarted restarted => [new TaskRestarted(id, attempt, run.Generation + 1, restarted.Why, now)],
            AttemptReport.Ended { Outcome: var outcome } => End(session, task, run, outcome, now, unit, holdOf),
            _ => throw new InvalidOperationException($"Unknown report {report.GetType().Name}."),
        };
    }

    /// <summary>After a load: the attempts that were under way died with the node. Each is started anew or ends as was asked.</summary>
    public static IReadOnlyList<SessionEvent> Recover(Session session, DateTimeOffset now) =>
    [
        .. session.Tasks.Active().OrderBy(task => task.Ordinal).Select(SessionEvent (task) => task.Phase is TaskPhase.Canceling
            ? PartKeeping.Ended(session, task, now)
            : new TaskAttemptEnded(task.Id, task.Run!.Attempt, AttemptDecisions.Interrupted, task.Run.Part?.Bytes ?? 0, null, null, DiscardPart: false, now)),
    ];

    /// <summary>What time and a pending end ask for now; called until it has nothing more to say.</summary>
    /// <param name="session">The state.</param>
    /// <param name="now">Now.</param>
    /// <param name="live">How far running attempts are.</param>
    public static IReadOnlyList<SessionEvent> Continue(Session session, DateTimeOffset now, Func<TaskId, LiveProgress?>? live = null)
    {
        if (session.Tasks.TryFindStruck(now, out var struck))
        {
            if (TaskBook.LimitOf(struck) is not { } limit || limit > now)
                return [DeadlineWarning.Of(struck, live?.Invoke(struck.Id), now)];
            var code = struck.Spec.Deadline <= now ? TransferCodes.Expired : TransferCodes.TimedOut;
            return TaskDecider.EndTask(struck, code, now);
        }
        if (session.Tasks.TryFindDeferred(now, out var deferred))
            return RangeDecider.Release(deferred, now);
        if (DelayedRequestDecider.Step(session, now) is { Count: > 0 } questions)
            return questions;
        if (GroupDecider.Continue(session, now) is { Count: > 0 } ofGroups)
            return ofGroups;
        if (CompletionDecider.Continue(session, now) is { Count: > 0 } ofSets)
            return ofSets;
        if (PrefetchDecider.Continue(session, now) is { Count: > 0 } ofPrefetch)
            return ofPrefetch;
        return session.Ending is { } ending ? ContinueEnding(session, ending, now) : [];
    }

    /// <summary>The next start that the limits allow; the caller has taken the slot when it applies it.</summary>
    public static TaskStarted Start(Session session, TaskId id, DateTimeOffset now)
    {
        var task = session.Tasks[id];
        var from = task.Run?.Part?.Bytes ?? 0; // of an upload: what the target confirmed last
        return new TaskStarted(id, (task.Run?.Attempt ?? 0) + 1, from, now)
        {
            ResourceDeadline = task.Run is null ? now + session.Configurations[task.ConfigurationVersion].ResourceTimeout!.Value : null,
        };
    }

    private static List<SessionEvent> ContinueEnding(Session session, SessionEnding ending, DateTimeOffset now)
    {
        List<SessionEvent> events = [];
        if (ending.Mode is not EndMode.Finish)
        {
            var code = ending.Mode is EndMode.ForceQuit ? TransferCodes.ForceQuit : TransferCodes.Cancelled;
            foreach (var task in session.Tasks.After(0).TakeWhile(task => task.Ordinal <= ending.UpToOrdinal))
            {
                if (task.Phase is not TaskPhase.Canceling)
                    events.AddRange(TaskDecider.EndTask(task, code, now));
                if (events.Count >= StepTasksMax)
                    break;
            }
        }
        if (events.Count > 0)
            return events;
        if (ending.Mode is EndMode.ForceQuit)
            return session.Tasks.After(0).Any(task => task.Ordinal <= ending.UpToOrdinal) ? [] : [new SessionForceQuitEnded(now)];
        return session.Tasks.Count == 0 ? [new SessionInvalidated(now)] : [];
    }

    private static IReadOnlyList<SessionEvent> End(
        Session session, TaskState task, TaskRun run, AttemptOutcome outcome, DateTimeOffset now, double unit, Func<TaskState, StartHold?>? holdOf)
    {
        if (outcome is AttemptOutcome.Finished finished)
            return Finish(task, run, finished, now); // a cancel or a suspension that comes too late has lost
        if (task.Phase is TaskPhase.Canceling)
            return [PartKeeping.Ended(session, task, now, outcome is AttemptOutcome.Failed { Failure: { DiscardPart: true } wrong } ? wrong : null)];
        return outcome switch
        {
            AttemptOutcome.Stopped stopped => Stop(session, task, run, stopped, now, holdOf),
            AttemptOutcome.Failed { Failure: var failure } => Fail(session, task, run, failure, now, unit),
            _ => throw new InvalidOperationException($"Unknown outcome {outcome.GetType().Name}."),
        };
    }

    private static List<SessionEvent> Respond(TaskState task, int attempt, AttemptResponse response, DateTimeOffset now)
    {
        List<SessionEvent> events = [new TaskResponded(task.Id, attempt, response, now)];
        if (response is { From: > 0, Status: 206 })
            events.Add(new TaskContinued(task.Id, attempt, response.From, response.Total, now));
        if (Expectation.OnResponse(task, response, now) is { } exceeded)
            events.Add(exceeded);
        return events;
    }

    private static IReadOnlyList<SessionEvent> Stop(
        Session session, TaskState task, TaskRun run, AttemptOutcome.Stopped stopped, DateTimeOffset now, Func<TaskState, StartHold?>? holdOf)
    {
        var ended = new TaskAttemptEnded(task.Id, run.Attempt, AttemptDecisions.Stopped, stopped.BytesReceived, null, null, DiscardPart: false, now);
        return task.Phase is TaskPhase.Running && !session.Paused && holdOf?.Invoke(task) is { } hold
            ? [ended, new TaskWaiting(task.Id, hold.Reason, hold.Until, run.Error, now)]
            : [ended];
    }

    private static List<SessionEvent> Finish(TaskState task, TaskRun run, AttemptOutcome.Finished finished, DateTimeOffset now)
    {
        List<SessionEvent> events = [];
        if (Expectation.OnEnd(task, finished, now) is { } exceeded)
            events.Add(exceeded);
        if (finished.File is { } file && task.Spec.Kind is TaskKind.Download)
            events.Add(new TaskFinishedFile(task.Id, file, now));
        events.Add(new TaskCompleted(
            task.Id, TaskOutcomes.Succeeded, null, finished.Response.Status, finished.BytesReceived, finished.BytesSent,
            task.Spec.Kind is TaskKind.Download ? finished.Verified ? "verified" : "unverified" : null, finished.Sha256, finished.File, now)
        {
            Response = run.Response is null ? finished.Response : null,
            Fetched = finished.Fetched,
            Unchanged = finished.IsUnchanged,
        });
        return events;
    }

    /// <summary>Bytes that were wrong so often will be wrong again: they are not fetched for days.</summary>
    private static bool IsAgain(TaskRun run, string code) => run.Attempts.Count(attempt => attempt.Error?.Code == code) >= DigestMismatchesMax - 1;

    private static IReadOnlyList<SessionEvent> Fail(Session session, TaskState task, TaskRun run, AttemptFailure failure, DateTimeOffset now, double unit)
    {
        var error = new TaskError { Code = failure.Code, Message = failure.Message };
        if (task.Phase is TaskPhase.Suspended)
            return [new TaskAttemptEnded(task.Id, run.Attempt, AttemptDecisions.Stopped, failure.BytesReceived + failure.BytesSent, failure.Status, error, failure.DiscardPart, now)];
        if (!failure.Retryable || (failure.Code is TransferCodes.DigestMismatch && IsAgain(run, failure.Code)))
        {
            return
            [
                new TaskCompleted(task.Id, TaskOutcomes.Failed, error, failure.Status, failure.BytesReceived, failure.BytesSent, null, null, null, now)
                {
                    Response = run.Response is null ? failure.Response : null,
                },
            ];
        }
        if (failure.Challenge is { } challenge)
            return ChallengeDecider.Ask(task, run, failure, challenge, error, now);
        if (failure.WaitReason is WaitReasons.RecoverableStatus)
        {
            return
            [
                new TaskAttemptEnded(task.Id, run.Attempt, AttemptDecisions.Paused, failure.BytesReceived + failure.BytesSent, failure.Status, error, failure.DiscardPart, now),
                new TaskWaiting(task.Id, WaitReasons.RecoverableStatus, Until: null, error, now) { Response = failure.Response },
            ];
        }
        if (failure is { WaitReason: WaitReasons.NodeLimit, RetryAfter: { } pause })
        {
            // Nobody failed: it is looked at again after the pause, however often that was said, and no bound doubles.
            return
            [
                new TaskAttemptEnded(task.Id, run.Attempt, AttemptDecisions.Stopped, failure.BytesReceived + failure.BytesSent, failure.Status, error, failure.DiscardPart, now),
                new TaskWaiting(task.Id, WaitReasons.NodeLimit, now + pause, error, now),
            ];
        }
        var retry = task.Spec.Retry;
        var inherited = session.Configurations[task.ConfigurationVersion].Retry!;
        var wait = TransferRetry.Wait(
            run.Failures + 1, retry?.First ?? inherited.First!.Value, retry?.Longest ?? inherited.Longest!.Value, failure.RetryAfter, unit);
        return
        [
            new TaskAttemptEnded(task.Id, run.Attempt, AttemptDecisions.Retried, failure.BytesReceived + failure.BytesSent, failure.Status, error, failure.DiscardPart, now),
            new TaskWaiting(task.Id, failure.WaitReason ?? WaitReasons.Retry, now + wait, error, now),
        ];
    }
}
