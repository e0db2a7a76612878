using Backhaul.Node.Files;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Decisions about the ranges of downloads with random access: what is wanted first, and what is told when. Pure.
/// A change is told by the checkpoint that made it durable; a deferral gathers what comes while it is open into one event.
/// </summary>
internal static class RangeDecider
{
    public static Decision Want(Session session, SessionCommand.WantRanges want, IReadOnlyDictionary<TaskId, TaskState> archived, DateTimeOffset now)
    {
        if (!session.Tasks.TryFind(want.Task, out var task))
            return TaskDecider.Gone(session, want.Task, archived);
        if (!task.Spec.RandomAccess)
        {
            return Decision.Refuse(409, ProblemCodes.NotRandomAccess,
                $"Task {want.Task} was created without randomAccess, so its bytes come in the origin's order. Create it with \"randomAccess\": true.");
        }
        var wanted = (task.Ranges?.Wanted ?? RangeSet.Empty).Add(want.Ranges).Remove(DurableOf(task));
        if (wanted.Count > TaskRanges.WantedMax)
            return Decision.Refuse(409, ProblemCodes.TooManyItems, $"Task {want.Task} would have {wanted.Count} wanted ranges; at most {TaskRanges.WantedMax} may be open at once.", "ranges");
        List<SessionEvent> events = [];
        if (!want.Ranges.IsEmpty || want.Deferral is not null)
            events.Add(new TaskRangesWanted(want.Task, want.Ranges, now) { DeferredUntil = want.Deferral is { } deferral ? now + deferral : null });
        if (want.Release && want.Deferral is null && task.Ranges?.DeferredUntil is not null)
            events.AddRange(Release(task, now));
        return new Decision(events, (after, _) => SessionViews.Json(202, View(after.Tasks[want.Task]), ProtocolJson.Default.RangesView));
    }

    /// <summary>A checkpoint, and what it has to tell.</summary>
    public static IReadOnlyList<SessionEvent> OnCheckpoint(TaskState task, TaskCheckpointed checkpointed)
    {
        var news = checkpointed.Part.Durable.Remove(task.Ranges?.Announced ?? RangeSet.Empty);
        return task.Spec.RandomAccess && !news.IsEmpty && !(task.Ranges?.DeferredUntil > checkpointed.At)
            ? [checkpointed, new TaskRangesDownloaded(task.Id, news, checkpointed.Part.Total, checkpointed.At)]
            : [checkpointed];
    }

    /// <summary>The deferral is over.</summary>
    public static IReadOnlyList<SessionEvent> Release(TaskState task, DateTimeOffset now)
    {
        var released = new TaskRangesReleased(task.Id, now);
        var news = DurableOf(task).Remove(task.Ranges?.Announced ?? RangeSet.Empty);
        return news.IsEmpty ? [released] : [released, new TaskRangesDownloaded(task.Id, news, task.Run?.Part?.Total, now)];
    }

    public static TaskState Apply(TaskState task, TaskEvent happened)
    {
        var ranges = task.Ranges ?? new TaskRanges();
        return task with
        {
            Ranges = happened switch
            {
                TaskRangesWanted wanted => ranges with
                {
                    Wanted = ranges.Wanted.Add(wanted.Ranges).Remove(DurableOf(task)),
                    DeferredUntil = wanted.DeferredUntil ?? ranges.DeferredUntil,
                },
                TaskRangesReleased => ranges with { DeferredUntil = null },
                TaskRangesDownloaded downloaded => ranges with { Announced = ranges.Announced.Add(downloaded.Ranges) },
                _ => throw new InvalidOperationException($"{happened.GetType().Name} says nothing about ranges."),
            },
        };
    }

    /// <summary>What is there is not wanted any more.</summary>
    public static TaskRanges? Fulfilled(TaskRanges? ranges, RangeSet durable) =>
        ranges is null || ranges.Wanted.IsEmpty ? ranges : ranges with { Wanted = ranges.Wanted.Remove(durable) };

    public static RangesView View(TaskState task)
    {
        var whole = task.End is { Outcome: TaskOutcomes.Succeeded, File: { } file } ? RangeSet.Of(0, file.Length) : null;
        return new RangesView
        {
            Id = task.Id.ToString(),
            Downloaded = Pairs(whole ?? DurableOf(task)),
            Wanted = Pairs(whole is null ? task.Ranges?.Wanted ?? RangeSet.Empty : RangeSet.Empty),
            Total = task.End?.File?.Length ?? task.Run?.Part?.Total ?? task.Run?.Response?.Total,
            Generation = task.Run?.Generation ?? 1,
            DeferredUntil = task.Ranges?.DeferredUntil,
        };
    }

    public static RangeSet DurableOf(TaskState task) => task.Spec.Kind is TaskKind.Download ? task.Run?.Part?.Durable ?? RangeSet.Empty : RangeSet.Empty;

    private static IReadOnlyList<IReadOnlyList<long>> Pairs(RangeSet ranges) => [.. ranges.Select(IReadOnlyList<long> (range) => [range.From, range.To])];
}
