using Backhaul.Node.Journal;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>Decisions about tasks that clients ask for. Pure, like <see cref="SessionDecider"/>.</summary>
internal static class TaskDecider
{
    public static Decision Add(
        Session session, TaskSpec spec, IReadOnlyDictionary<TaskId, TaskState> archived, ClaimedElsewhere claimed, DateTimeOffset now, string? traceParent)
    {
        if (RefuseNew(session) is { } refused)
            return Decision.Refuse(refused.Status, refused.Code, refused.Detail);
        var (repeated, problem) = Check(session, spec, archived, claimed, session.Tasks.Count, [], [], now);
        if (problem is not null)
            return Decision.Refuse(problem.Status, problem.Code, problem.Detail, problem.Field);
        if (repeated is not null)
            return new Decision([], (after, conditions) => TaskViews.Reply(200, after.Tasks.TryFind(repeated.Id, out var live) ? live : repeated, after, conditions));
        var created = Create(session, spec, session.LastOrdinal + 1, now, traceParent);
        return new Decision([created], (after, conditions) => TaskViews.Reply(201, after.Tasks[created.Task], after, conditions));
    }

    public static Decision AddMany(
        Session session, IReadOnlyList<BatchEntry> entries, IReadOnlyDictionary<TaskId, TaskState> archived, ClaimedElsewhere claimed, DateTimeOffset now,
        string? traceParent)
    {
        if (RefuseNew(session) is { } refused)
            return Decision.Refuse(refused.Status, refused.Code, refused.Detail);
        var events = new List<SessionEvent>(entries.Count);
        var results = new List<TaskResult>(entries.Count);
        Dictionary<TaskId, TaskSpec> chosen = [];
        HashSet<string> destinations = new(StringComparer.Ordinal);
        HashSet<GroupName> begun = [], begunSets = [];
        foreach (var entry in entries)
        {
            var result = AddOne(entry);
            results.Add(result);
        }
        return new Decision(events, (_, _) => SessionViews.Json(200, results, ProtocolJson.Default.IReadOnlyListTaskResult));

        TaskResult AddOne(BatchEntry entry)
        {
            if (entry.Problem is { } invalid)
                return Failed(entry.Index, invalid);
            var spec = entry.Spec!;
            var (repeated, problem) = Check(session, spec, archived, claimed, session.Tasks.Count + events.Count, begun, begunSets, now);
            if (problem is null && repeated is null && spec.Id is { } own && chosen.TryGetValue(own, out var earlier))
            {
                if (SessionDecider.AreSame(earlier, spec))
                    return new TaskResult { Index = entry.Index, Status = 200, Id = own.ToString() };
                problem = Exists(own);
            }
            if (problem is null && repeated is null && spec.Destination is { } destination
                && !destinations.Add($"{destination.Container ?? session.Configurations.Container}/{destination.Path}"))
            {
                problem = DestinationTaken(destination);
            }
            if (problem is not null)
                return Failed(entry.Index, problem);
            if (repeated is not null)
                return new TaskResult { Index = entry.Index, Status = 200, Id = repeated.Id.ToString(), UnconstrainedVerdict = TaskViews.VerdictOf(repeated.Unconstrained) };
            var created = Create(session, spec, session.LastOrdinal + 1 + events.Count, now, traceParent);
            events.Add(created);
            if (spec.Group is { } group && !session.Groups.TryFind(group, out _))
                begun.Add(group);
            if (spec.CompletionGroup is { } set && !session.Completions.TryFind(set, out _))
                begunSets.Add(set);
            if (spec.Id is { } id)
                chosen.Add(id, spec);
            return new TaskResult { Index = entry.Index, Status = 201, Id = created.Task.ToString(), UnconstrainedVerdict = TaskViews.VerdictOf(created.Unconstrained) };
        }
    }

    public static Decision Change(
        Session session, TaskId id, TaskChange change, IReadOnlyDictionary<TaskId, TaskState> archived, DateTimeOffset now)
    {
        if (!session.Tasks.TryFind(id, out var task))
            return Gone(session, id, archived);
        if (task.IsPrefetch && (change.Url is not null || change.Headers is not null))
        {
            // What it fetches lies under the name of the URL that was named, and is asked about by later rounds as if it had come from there.
            return Decision.Refuse(409, ProblemCodes.ImmutableField,
                $"Task {id} prefetches a URL that PUT /v1/sessions/{session.Key.Identifier}/prefetch or its list named: its url and headers cannot change. "
                + "Name another URL there, or change additionalHeaders of the session, or add a task of your own.",
                change.Url is not null ? "url" : "headers");
        }
        // What its attempt does not go by may change at any time, and the bandwidth.
        var mayRun = change with { BytesPerSecondMax = null, Notify = null } == new TaskChange();
        if (IsStopping(task) && !mayRun)
            return Decision.AfterEnd([]);
        if ((task.IsActive || task.Phase is TaskPhase.Canceling) && !mayRun)
        {
            return Decision.Refuse(409, ProblemCodes.TaskRunning,
                $"Task {id} is running. Suspend it, change it when it is suspended, then resume it. Only bytesPerSecondMax and notify may change while it runs.");
        }
        if (NotificationDecider.Check(session, change.Notify) is { } unsigned)
            return Decision.Refuse(unsigned);
        var changed = new TaskChanged(id, change, now) { Unconstrained = change.Unconstrained is true ? Grants(session) : null };
        return new Decision([changed], (after, conditions) => TaskViews.Reply(200, after.Tasks[id], after, conditions));
    }

    /// <summary>It was suspended, and its attempt has not ended yet: that one may still finish the task, with what it began with.</summary>
    public static bool IsStopping(TaskState task) => task is { Phase: TaskPhase.Suspended, IsActive: true };

    public static Decision Resume(Session session, TaskId id, IReadOnlyDictionary<TaskId, TaskState> archived, DateTimeOffset now)
    {
        if (!session.Tasks.TryFind(id, out var task))
            return Gone(session, id, archived);
        return Accepted(id, ResumeEvents(task, now));
    }

    /// <summary>A task that waits for its next try is tried at once; an earliest begin still holds.</summary>
    public static IReadOnlyList<SessionEvent> ResumeEvents(TaskState task, DateTimeOffset now) =>
        task is { Phase: TaskPhase.Waiting, Reason: WaitReasons.DelayedRequest } ? [new TaskRequestDecided(task.Id, null, null, ByDefault: false, now)]
        : task.Phase is TaskPhase.Suspended || (task.Phase is TaskPhase.Waiting && task.Reason is not (null or WaitReasons.EarliestBegin))
            ? [new TaskReleased(task.Id, now)]
            : [];

    public static IReadOnlyList<SessionEvent> SuspendEvents(TaskState task, DateTimeOffset now) =>
        task.Phase is TaskPhase.Waiting or TaskPhase.Running ? [new TaskSuspended(task.Id, now)] : [];

    public static IReadOnlyList<SessionEvent> CancelEvents(TaskState task, DateTimeOffset now) =>
        task.Phase is TaskPhase.Canceling ? [] : EndTask(task, TransferCodes.Cancelled, now);

    public static Decision Suspend(Session session, TaskId id, IReadOnlyDictionary<TaskId, TaskState> archived, DateTimeOffset now)
    {
        if (!session.Tasks.TryFind(id, out var task))
            return Gone(session, id, archived);
        return Accepted(id, SuspendEvents(task, now));
    }

    public static Decision Cancel(Session session, TaskId id, IReadOnlyDictionary<TaskId, TaskState> archived, DateTimeOffset now)
    {
        if (!session.Tasks.TryFind(id, out var task))
        {
            return archived.TryGetValue(id, out var ended) && ended.End!.Outcome is TaskOutcomes.Cancelled
                ? new Decision([], (after, conditions) => TaskViews.Reply(202, ended, after, conditions))
                : Gone(session, id, archived);
        }
        if (task.Phase is TaskPhase.Canceling)
            return Accepted(id, []);
        var events = EndTask(task, TransferCodes.Cancelled, now);
        return events is [TaskCompleted completed]
            ? new Decision(events, (after, conditions) => TaskViews.Reply(202, TaskTransitions.Apply(task, completed), after, conditions))
            : Accepted(id, events);
    }

    /// <summary>
    /// Ends a task that has not finished: at once when no attempt is under way, else the attempt is asked to stop first.
    /// The code says by whom: <c>cancelled forceQuit expired timedOut</c>.
    /// </summary>
    public static IReadOnlyList<SessionEvent> EndTask(TaskState task, string code, DateTimeOffset now) =>
        task.IsActive ? [new TaskCancelRequested(task.Id, code, now)] : [Ended(task, code, now)];

    public static TaskCompleted Ended(TaskState task, string code, DateTimeOffset now)
    {
        var (outcome, message) = code switch
        {
            TransferCodes.Expired => (TaskOutcomes.Expired, $"The deadline {task.Spec.Deadline:u} passed before the transfer finished."),
            TransferCodes.TimedOut => (TaskOutcomes.Failed, "The resource time-out passed before the transfer finished." + Because(task)),
            TransferCodes.ForceQuit => (TaskOutcomes.Cancelled, "An operator quit the session by force."),
            _ => (TaskOutcomes.Cancelled, "The task was cancelled."),
        };
        var (isUpload, bytes) = (task.Spec.Kind is TaskKind.Upload, task.Run?.Part?.Bytes ?? 0);
        return new TaskCompleted(
            task.Id, outcome, new TaskError { Code = code, Message = message }, task.Run?.Response?.Status,
            isUpload ? 0 : bytes, isUpload ? bytes : 0, null, null, null, now);
    }

    private static string Because(TaskState task) => task.Run?.Error is { } error ? $" The last error was {error.Code}: {error.Message}" : "";

    private static (TaskState? Repeated, Problem? Problem) Check(
        Session session, TaskSpec spec, IReadOnlyDictionary<TaskId, TaskState> archived, ClaimedElsewhere claimed, int liveCount,
        HashSet<GroupName> begun, HashSet<GroupName> begunSets, DateTimeOffset now)
    {
        if (spec.Id is { } id && (session.Tasks.TryFind(id, out var existing) || archived.TryGetValue(id, out existing)))
            return SessionDecider.AreSame(existing.Spec, spec) ? (existing, null) : (null, Exists(id));
        if (spec.Kept is { } kept && kept.Until <= now)
        {
            return (null, NewProblem(410, ProblemCodes.ResumeDataExpired,
                $"The resume data expired at {kept.Until:u}: its part is not kept any longer. Start the download without it.") with
            { Field = "resumeData" });
        }
        if (NotificationDecider.Check(session, spec.Notify) is { } unsigned)
            return (null, unsigned);
        if (liveCount >= session.Options.LiveTasksMax)
        {
            return (null, NewProblem(429, ProblemCodes.SessionLimit,
                $"This session has {liveCount} tasks that have not ended, which is the limit. Wait for some to end, or use another session."));
        }
        if ((GroupDecider.Check(session, spec, begun) ?? CompletionDecider.Check(session, spec, begunSets)) is { } refused)
            return (null, refused);
        if (spec.Destination is not { } destination)
            return (null, null);
        if (session.Tasks.IsDestinationTaken(destination.Container ?? session.Configurations.Container, destination.Path))
            return (null, DestinationTaken(destination));
        return (null, claimed.Find(session.DestinationOf(spec)!.Value) is { } other ? DestinationTaken(destination, other) : null);
    }

    private static Problem? RefuseNew(Session session) => session.Phase is SessionPhase.Active
        ? null
        : NewProblem(409, ProblemCodes.SessionInvalidated,
            "This session takes no more tasks: it was ended. Create it anew with PUT when its sessionInvalidated event is there.");

    private static TaskCreated Create(Session session, TaskSpec spec, long ordinal, DateTimeOffset now, string? traceParent) =>
        new(spec.Id ?? TaskId.FromOrdinal(ordinal), ordinal, spec, session.Configurations.Version, now, traceParent)
        {
            Discretionary = session.Launching.Open is { Tries: null } ? true : null, // its receiver may handle it before it answers; one that failed is handled by nobody
            Unconstrained = spec.Unconstrained ? Grants(session) : null,
        };

    /// <summary>What is said now holds for the task: another policy is for tasks that ask later.</summary>
    private static bool Grants(Session session) => session.Options.Unconstrained.Grants(session.Key.Tenant);

    private static Decision Accepted(TaskId id, IReadOnlyList<SessionEvent> events) =>
        new(events, (after, conditions) => TaskViews.Reply(202, after.Tasks[id], after, conditions));

    internal static Decision Gone(Session session, TaskId id, IReadOnlyDictionary<TaskId, TaskState> archived) => archived.TryGetValue(id, out var ended)
        ? Decision.Refuse(409, ProblemCodes.TaskEnded, $"Task {id} has ended ({ended.End!.Outcome}): it cannot change any more.")
        : NotFound(session, id);

    internal static Decision NotFound(Session session, TaskId id) => Decision.Refuse(404, ProblemCodes.TaskNotFound,
        $"Session {session.Key.Identifier} has no task {id}. List its tasks with GET /v1/sessions/{session.Key.Identifier}/tasks.");

    private static Problem Exists(TaskId id) => NewProblem(409, ProblemCodes.TaskExists,
        $"A task with the id {id} exists and asks for something else. Choose another id, or leave the id out.") with
    { Field = "id" };

    private static Problem DestinationTaken(FileReference destination, DestinationClaim other) => NewProblem(409, ProblemCodes.DestinationTaken,
        $"Task {other.Task} of session {other.Session.Identifier}, which has not ended, writes to {destination}. Choose another path, or cancel that task.") with
    { Field = "destination" };

    private static Problem DestinationTaken(FileReference destination) => NewProblem(409, ProblemCodes.DestinationTaken,
        $"Another task that has not ended writes to {destination}. Choose another path, or cancel that task.") with
    { Field = "destination" };

    private static Problem NewProblem(int status, string code, string detail) => new() { Status = status, Code = code, Detail = detail };

    private static TaskResult Failed(long index, Problem problem) => new()
    {
        Index = index,
        Status = problem.Status,
        Error = new TaskError { Code = problem.Code, Message = problem.Detail },
    };
}
