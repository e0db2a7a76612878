using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>Decisions about groups: what clients ask for, and what follows when their tasks have ended. Pure.</summary>
internal static class GroupDecider
{
    /// <summary>Tasks that one step looks at; how many of them it may end or change is bounded besides.</summary>
    private const int StepLooksMax = 10_000;

    public static Decision Put(Session session, GroupName name, GroupMode? mode, DateTimeOffset now)
    {
        if (session.Phase is not SessionPhase.Active)
            return Ended();
        var exists = session.Groups.TryFind(name, out var group);
        if (!exists && session.Groups.Count >= session.Options.GroupsMax)
            return Decision.Refuse(TooMany(session));
        var wanted = mode ?? group?.State.Mode ?? GroupMode.Parallel;
        IReadOnlyList<SessionEvent> events = group is { State: { Kept: true } known } && known.Mode == wanted ? [] : [new GroupConfigured(name, wanted, now)];
        return new Decision(events, (after, _) => GroupViews.Reply(exists ? 200 : 201, after.Groups[name]));
    }

    public static Decision Act(Session session, GroupName name, GroupAct act, DateTimeOffset now)
    {
        if (!session.Groups.TryFind(name, out var group))
            return NotFound(session, name);
        if (group.State.Under is { } under && under.Act != act)
        {
            return Decision.Refuse(409, ProblemCodes.Busy,
                $"The {GroupViews.WordOf(under.Act)} of the group {name} is being carried out. Send the same request again in a moment.");
        }
        IReadOnlyList<SessionEvent> events = group.Live == 0
            ? []
            : [new GroupActing(name, act, session.LastOrdinal, now), .. Step(session, group, new GroupProgress(act, session.LastOrdinal, 0), now)];
        return new Decision(events, (after, _) => GroupViews.Reply(202, after.Groups.TryFind(name, out var left) ? left : group));
    }

    public static Decision MakeCurrent(Session session, TaskId id, IReadOnlyDictionary<TaskId, TaskState> archived, DateTimeOffset now)
    {
        if (!session.Tasks.TryFind(id, out var task))
            return TaskDecider.Gone(session, id, archived);
        if (task.Spec.Group is not { } name)
        {
            return Decision.Refuse(409, ProblemCodes.NoGroup,
                $"Task {id} is in no group, so there is nothing that it could go before. Change its priority, or create it with a group.");
        }
        IReadOnlyList<SessionEvent> events = session.Groups[name].State.Current == TaskRank.Of(task) ? [] : [new TaskMadeCurrent(id, now)];
        return new Decision(events, (after, conditions) => TaskViews.Reply(202, after.Tasks[id], after, conditions));
    }

    /// <summary>What is left to do and to say; called until it has nothing more to say.</summary>
    public static IReadOnlyList<SessionEvent> Continue(Session session, DateTimeOffset now)
    {
        if (session.Groups.Under is { State.Under: { } under } acting)
            return Step(session, acting, under, now);
        return session.Groups.Done is { } done ? [new GroupCompleted(done.Name, done.State.Ended, now)] : [];
    }

    /// <summary>Null when a task of this spec may join its group. Tasks of the same request may have begun others.</summary>
    public static Problem? Check(Session session, TaskSpec spec, HashSet<GroupName> begun) =>
        spec.Group is { } name && !session.Groups.TryFind(name, out _) && !begun.Contains(name) && session.Groups.Count + begun.Count >= session.Options.GroupsMax
            ? TooMany(session)
            : null;

    internal static Decision NotFound(Session session, GroupName name) => Decision.Refuse(404, ProblemCodes.GroupNotFound,
        $"Session {session.Key.Identifier} has no group {name}. A group begins with its first task, or with PUT /v1/sessions/{session.Key.Identifier}/groups/{name}.");

    /// <summary>An act on the next few tasks of a group.</summary>
    private static List<SessionEvent> Step(Session session, TaskGroup group, GroupProgress under, DateTimeOffset now)
    {
        List<SessionEvent> events = [];
        var (through, looks) = (under.Through, 0);
        foreach (var task in session.Tasks.InGroup(group, under.Through).TakeWhile(task => task.Ordinal <= under.UpTo))
        {
            if (events.Count >= AttemptDecider.StepTasksMax || looks++ >= StepLooksMax)
                return [.. events, new GroupActed(group.Name, through, now)];
            through = task.Ordinal;
            events.AddRange(under.Act switch
            {
                GroupAct.Suspend => TaskDecider.SuspendEvents(task, now),
                GroupAct.Resume => TaskDecider.ResumeEvents(task, now),
                GroupAct.Cancel => TaskDecider.CancelEvents(task, now),
                _ => throw new InvalidOperationException($"Unknown act {under.Act}."),
            });
        }
        events.Add(new GroupActed(group.Name, under.UpTo, now));
        return events;
    }

    internal static Decision Ended() => Decision.Refuse(409, ProblemCodes.SessionInvalidated,
        "This session takes no more tasks: it was ended. Create it anew with PUT when its sessionInvalidated event is there.");

    private static Problem TooMany(Session session) => new()
    {
        Status = 429,
        Code = ProblemCodes.SessionLimit,
        Detail = $"This session has {session.Groups.Count} groups, which is the limit. Use one that exists, or wait for groups that tasks began to complete.",
        Field = "group",
    };
}
