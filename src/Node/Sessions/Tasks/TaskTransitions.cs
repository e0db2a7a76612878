using Backhaul.Node.Files;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>The task's state machine: the diagram of <see cref="TaskState"/> as one function from state and event to state.</summary>
internal static class TaskTransitions
{
    public static TaskState Create(TaskCreated created) => new()
    {
        Id = created.Task,
        Ordinal = created.Ordinal,
        Spec = created.Spec,
        ConfigurationVersion = created.ConfigurationVersion,
        CreatedAt = created.At,
        Phase = created.Spec.Start ? TaskPhase.Waiting : TaskPhase.Suspended,
        Reason = created.Spec is { Start: true, EarliestBeginAt: not null } ? WaitReasons.EarliestBegin : null,
        NotBefore = created.Spec.Start ? created.Spec.EarliestBeginAt : null,
        TraceParent = created.TraceParent,
        Discretionary = created.Discretionary,
        Unconstrained = created.Unconstrained,
        IsPrefetch = created.Prefetch,
    };

    public static TaskState Apply(TaskState task, TaskEvent happened) => happened switch
    {
        TaskChanged changed => Change(task, changed.Change, changed.At) with
        {
            Unconstrained = changed.Change.Unconstrained is null ? task.Unconstrained : changed.Unconstrained,
        },
        TaskSuspended suspended => task with { Phase = TaskPhase.Suspended, Reason = null, NotBefore = null, Run = StopClock(task.Run, suspended.At) },
        TaskReleased released => Release(task, released.At),
        TaskCancelRequested cancel => task with { Phase = TaskPhase.Canceling, Reason = null, NotBefore = null, Run = task.Run! with { CancelCode = cancel.Code, Keep = cancel.Keep } },
        TaskStarted started => Start(task, started),
        TaskResponded responded => WithAttempt(task with { Run = task.Run! with { Response = responded.Response, Challenge = null, ChallengeCount = 0 } }, attempt => attempt with { Status = responded.Response.Status, Phases = PhasesOf(responded.Response) ?? attempt.Phases }),
        TaskContinued => task,
        TaskExpectationExceeded => task with { Run = task.Run! with { IsExpectationExceeded = true } },
        TaskDeadlineNear => task with { IsDeadlineNear = true },
        TaskRestarted restarted => task with
        {
            Run = task.Run! with { Generation = restarted.Generation, Part = null },
            Ranges = task.Ranges is { } ranges ? ranges with { Announced = RangeSet.Empty } : null,
        },
        TaskRedirected => task,
        TaskCheckpointed checkpointed => task with
        {
            Run = Progressed(task.Run!, checkpointed.Part),
            Ranges = RangeDecider.Fulfilled(task.Ranges, checkpointed.Part.Durable),
        },
        TaskRangesWanted or TaskRangesReleased or TaskRangesDownloaded => RangeDecider.Apply(task, happened),
        TaskAttemptEnded ended => EndAttempt(task, ended),
        TaskWaiting waiting => task with { Phase = TaskPhase.Waiting, Reason = waiting.Reason, NotBefore = waiting.Until, Run = task.Run is { } run ? run with { Error = waiting.Error, Pausing = waiting.Response } : null },
        TaskChallenged challenged => task with { Run = task.Run! with { Challenge = challenged.Challenge, ChallengeCount = challenged.Count } },
        TaskDelayedRequest => task,
        TaskRequestDecided decided => Change(task, new TaskChange { Url = decided.Url, Headers = decided.Headers }, decided.At) with { Phase = TaskPhase.Waiting, Reason = null, NotBefore = null, Allowed = true },
        TaskChallengeAnswered answered => Answer(task, answered),
        TaskFinishedFile => task,
        TaskCompleted completed => Complete(task, completed),
        _ => throw new InvalidOperationException($"A task does not know the event {happened.GetType().Name}."),
    };

    private static TaskState Change(TaskState task, TaskChange change, DateTimeOffset at)
    {
        var spec = task.Spec with
        {
            Url = change.Url ?? task.Spec.Url,
            Headers = change.Headers ?? task.Spec.Headers,
            Priority = change.Priority ?? task.Spec.Priority,
            Description = change.Description ?? task.Spec.Description,
            EarliestBeginAt = change.EarliestBeginAt ?? task.Spec.EarliestBeginAt,
            Unconstrained = change.Unconstrained ?? task.Spec.Unconstrained,
            Notify = change.Notify is { } notify ? (TellsNobody(notify) ? null : notify) : task.Spec.Notify,
            BytesPerSecondMax = change.BytesPerSecondMax is { } most ? (most == 0 ? null : most) : task.Spec.BytesPerSecondMax,
        };
        var begins = change.EarliestBeginAt is not null && task.Phase is TaskPhase.Waiting && task.Reason is null or WaitReasons.EarliestBegin;
        var changed = task with
        {
            Spec = spec,
            Run = change.Url is null ? task.Run : Readdressed(task.Run, spec.Sha256 is not null),
            Reason = begins ? WaitReasons.EarliestBegin : task.Reason,
            NotBefore = begins ? spec.EarliestBeginAt : task.NotBefore,
        };
        var answers = changed.WaitsForClient && (change.Url is not null || change.Headers is not null);
        return answers ? Release(changed, at) with { Allowed = task.Allowed || task.Reason is WaitReasons.DelayedRequest } : changed;
    }

    /// <summary>How a change lifts what was said before.</summary>
    public static bool TellsNobody(TaskNotify notify) => notify is { Success: null, Failure: null };

    /// <summary>The session has other credentials now: a task that waits for one tries with them.</summary>
    public static TaskState Reaccess(TaskState task, int version, DateTimeOffset now)
    {
        var released = Release(task, now);
        return released with { Run = released.Run! with { AccessVersion = version } };
    }

    private static TaskState Answer(TaskState task, TaskChallengeAnswered answered)
    {
        var released = Release(task, answered.At);
        return released with { Run = ChallengeDecider.Apply(released.Run!, answered) };
    }

    /// <summary>
    /// Bytes are kept for another URL only where the origin can prove that they are its own: an unfinished part of known length with an
    /// entity tag. A date is no proof, and a complete part would be published without asking anybody; so would one that has all its bytes, because of those an
    /// origin says no more than that there are none behind them (416, often without a tag), unless the task's digest proves them.
    /// </summary>
    private static TaskRun? Readdressed(TaskRun? run, bool hasDigest) => run is { Part: { } part }
        && (part.Complete || part.Total is null || (part.Bytes >= part.Total && !hasDigest) || part.Validator?.StartsWith('"') is not true)
        ? run with { Part = null, Generation = run.Generation + 1 }
        : run;

    private static TaskState Release(TaskState task, DateTimeOffset now) => task with
    {
        Phase = TaskPhase.Waiting,
        Reason = task.Spec.EarliestBeginAt is not null ? WaitReasons.EarliestBegin : null,
        NotBefore = task.Spec.EarliestBeginAt,
        Run = task.Run is { ResourceLeft: { } left } run ? run with { ResourceDeadline = now + left, ResourceLeft = null } : task.Run,
    };

    /// <summary>The resource time-out does not run while a task is suspended.</summary>
    private static TaskRun? StopClock(TaskRun? run, DateTimeOffset now) =>
        run is { ResourceDeadline: { } deadline } ? run with { ResourceDeadline = null, ResourceLeft = deadline - now } : run;

    private static TaskState Start(TaskState task, TaskStarted started)
    {
        var run = task.Run ?? new TaskRun { StartedAt = started.At, ResourceDeadline = started.ResourceDeadline };
        var attempt = new AttemptView { Number = started.Attempt, StartedAt = started.At, From = started.From };
        return task with
        {
            Phase = TaskPhase.Running,
            Allowed = false,
            Reason = null,
            NotBefore = null,
            Run = run with { Active = true, Pausing = null, Attempt = started.Attempt, Attempts = [.. run.Attempts.TakeLast(TaskRun.AttemptsKept - 1), attempt] },
        };
    }

    private static TaskRun Progressed(TaskRun run, PartCheckpoint part) => run with
    {
        Part = part,
        Failures = part.Durable.Length > (run.Part?.Durable.Length ?? 0) ? 0 : run.Failures,
    };

    private static TaskState EndAttempt(TaskState task, TaskAttemptEnded ended)
    {
        var run = task.Run! with
        {
            Active = false,
            Failures = ended.Decision is AttemptDecisions.Retried ? task.Run.Failures + 1 : task.Run.Failures,
            Error = ended.Error ?? task.Run.Error,
            Part = ended.DiscardPart ? null : task.Run.Part,
        };
        var after = WithAttempt(task with { Run = run }, attempt => attempt with
        {
            EndedAt = ended.At,
            Decision = ended.Decision,
            To = ended.To,
            Status = ended.Status ?? attempt.Status,
            Error = ended.Error,
        });
        return after.Phase is TaskPhase.Running ? after with { Phase = TaskPhase.Waiting } : after;
    }

    private static TaskState Complete(TaskState task, TaskCompleted completed)
    {
        var after = task with
        {
            Phase = TaskPhase.Completed,
            Reason = null,
            NotBefore = null,
            Run = task.Run is { } run ? run with { Active = false, Response = completed.Response ?? run.Response, Part = null, Access = null } : null,
            End = new TaskEnd
            {
                Outcome = completed.Outcome,
                At = completed.At,
                Error = completed.Error,
                Status = completed.Status ?? 0,
                BytesReceived = completed.BytesReceived,
                BytesSent = completed.BytesSent,
                Integrity = completed.Integrity,
                Sha256 = completed.Sha256,
                File = completed.File,
                Temporary = completed.Outcome is TaskOutcomes.Succeeded && task.Spec.Destination is null && (task.Spec.Kind is TaskKind.Download || completed.File is not null),
                Kept = completed.Kept,
                KeptWhy = completed.KeptWhy,
            },
        };
        return task.IsActive
            ? WithAttempt(after, attempt => attempt with
            {
                EndedAt = completed.At,
                Decision = completed.Outcome is TaskOutcomes.Succeeded ? AttemptDecisions.Succeeded : AttemptDecisions.Failed,
                To = completed.BytesReceived + completed.BytesSent,
                Status = completed.Status ?? attempt.Status,
                Phases = PhasesOf(completed.Response) ?? attempt.Phases,
                Error = completed.Error,
            })
            : after;
    }

    private static PhasesView? PhasesOf(AttemptResponse? response) => response?.Phases is { } phases
        ? new PhasesView { Dns = Span(phases.DnsMs), Connect = Span(phases.ConnectMs), Tls = Span(phases.TlsMs), FirstByte = TimeSpan.FromMilliseconds(phases.FirstByteMs) }
        : null;

    private static TimeSpan? Span(int? milliseconds) => milliseconds is { } known ? TimeSpan.FromMilliseconds(known) : null;

    private static TaskState WithAttempt(TaskState task, Func<AttemptView, AttemptView> change) => task.Run is { Attempts.Count: > 0 } run
        ? task with { Run = run with { Attempts = [.. run.Attempts.SkipLast(1), change(run.Attempts[^1])] } }
        : task;
}

/// <summary>What was decided at the end of an attempt; the words of the wire.</summary>
internal static class AttemptDecisions
{
    public const string Succeeded = "succeeded";
    public const string Retried = "retried";
    public const string Failed = "failed";
    public const string Stopped = "stopped";
    public const string Interrupted = "interrupted";

    /// <summary>A status of the task's choice: the client says how it goes on.</summary>
    public const string Paused = "paused";
    public const string Challenged = "challenged";
}
