using Backhaul.Node.Files;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Cancelling a download so that later tasks go on from its bytes. Pure: what is decided here is a part that is worth keeping; the actor keeps it before the
/// event is journaled, and says in the event what became of that.
/// <code>
///   no attempt under way ─────────────────────────────────────────────► keep ─► completed(kept)
///   under way ─► cancel requested(keep) ─► last checkpoint, attempt ended ──┘      │
///                             └── a crash: decided anew by the load ────────┘      └─► the answer, as often as it is asked for
/// </code>
/// </summary>
internal static class PartKeeping
{
    private const string IsKept = "Its part is kept.";

    public static Decision Decide(Session session, TaskId id, IReadOnlyDictionary<TaskId, TaskState> archived, DateTimeOffset now)
    {
        if (!session.Tasks.TryFind(id, out var task))
        {
            return archived.TryGetValue(id, out var ended) && ended is { Spec.Kind: TaskKind.Download, End.Outcome: TaskOutcomes.Cancelled }
                ? new Decision([], (_, _) => Answer(ended))
                : TaskDecider.Gone(session, id, archived);
        }
        if (task.Spec.Kind is TaskKind.Upload)
        {
            return Decision.Refuse(409, ProblemCodes.NotDownload,
                $"Task {id} is an upload: only downloads have resume data. Suspend it to go on later, or cancel it.");
        }
        IReadOnlyList<SessionEvent> events = task switch
        {
            { Phase: TaskPhase.Canceling } => [],
            { IsActive: true } => [new TaskCancelRequested(id, TransferCodes.Cancelled, now) { Keep = true }],
            _ => [Kept(session, task, TransferCodes.Cancelled, now)],
        };
        return Decision.AfterEnd(events);
    }

    /// <summary>The end of a task that was to be cancelled.</summary>
    /// <param name="session">Its session.</param>
    /// <param name="task">The task.</param>
    /// <param name="now">When.</param>
    /// <param name="wrong">By what its last attempt found that the part is of no use, such as another digest: nobody is to start from that.</param>
    public static TaskCompleted Ended(Session session, TaskState task, DateTimeOffset now, AttemptFailure? wrong = null)
    {
        var run = task.Run!;
        if (!run.Keep)
            return TaskDecider.Ended(task, run.CancelCode!, now);
        return wrong is null
            ? Kept(session, task, run.CancelCode!, now)
            : WithoutPart(TaskDecider.Ended(task, run.CancelCode!, now), $"Its part is of no use. {wrong.Message}");
    }

    /// <summary>The part could not be kept.</summary>
    public static TaskCompleted WithoutPart(TaskCompleted ended, string why) => ended with { Kept = null, KeptWhy = why };

    private static TaskCompleted Kept(Session session, TaskState task, string code, DateTimeOffset now)
    {
        var why = WhyNot(task);
        return TaskDecider.Ended(task, code, now) with { Kept = why is null ? PartOf(session, task, now) : null, KeptWhy = why ?? IsKept };
    }

    /// <summary>Null when a later start can go on from the part.</summary>
    private static string? WhyNot(TaskState task)
    {
        if (task.Spec.Method != "GET")
            return $"Only a GET can be resumed; the task's method is {task.Spec.Method}.";
        if (task.Run is { Response: { Resumable: false } head })
            return head.ResumableWhy;
        if (task.Run?.Part is not { Durable.IsEmpty: false } part)
            return "Nothing had been received and made durable.";
        if (part.Object is not null)
            return "Its bytes lie in an object store, where unfinished objects are not kept.";
        return part.Validator is null ? "The origin gave no strong validator (ETag or Last-Modified), so nobody could prove that the bytes go on." : null;
    }

    private static KeptPart PartOf(Session session, TaskState task, DateTimeOffset now)
    {
        var (files, part) = (session.FilesOf(task), task.Run!.Part!);
        return new KeptPart
        {
            Tenant = session.Key.Tenant,
            Container = files.Container,
            Id = KeptPart.IdOf(files),
            Part = part.Part,
            Url = task.Spec.Url,
            Bytes = part.Bytes,
            Ranges = part.Ranges,
            Total = part.Total,
            Validator = part.Validator!,
            At = now,
        };
    }

    private static CommandReply.Done Answer(TaskState ended) => SessionViews.Json(
        200,
        new KeptAnswer { Task = ended.Id, Kept = ended.End!.Kept, Why = ended.End.KeptWhy ?? "The task was cancelled without resume data." },
        SessionJson.Default.KeptAnswer);
}
