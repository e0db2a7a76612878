using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>Decisions about completion groups. Pure.</summary>
internal static class CompletionDecider
{
    public static Decision Open(Session session, GroupName name, DateTimeOffset now)
    {
        if (session.Completions.TryFind(name, out _))
            return Answered(200, name, []);
        if (session.Phase is not SessionPhase.Active)
            return GroupDecider.Ended();
        return session.Completions.Count >= session.Options.GroupsMax
            ? Decision.Refuse(TooMany(session))
            : Answered(201, name, [new CompletionOpened(name, now)]);
    }

    /// <summary>Closes the set; an empty one fires at once. Repeating it changes nothing.</summary>
    public static Decision Enable(Session session, GroupName name, DateTimeOffset now)
    {
        if (!session.Completions.TryFind(name, out var group))
            return NotFound(session, name);
        if (group.State.Phase is not CompletionPhase.Open)
            return Answered(200, name, []);
        List<SessionEvent> events = [new CompletionEnabled(name, now)];
        if (group.Left == 0)
            events.Add(new CompletionFired(name, group.State.Ended, now));
        return Answered(200, name, events);
    }

    /// <summary>What is left to say.</summary>
    public static IReadOnlyList<SessionEvent> Continue(Session session, DateTimeOffset now) =>
        session.Completions.Due is { } due ? [new CompletionFired(due.State.Name, due.State.Ended, now)] : [];

    /// <summary>Null when a task of this spec may join its completion group. Tasks of the same request may have begun others.</summary>
    public static Problem? Check(Session session, TaskSpec spec, HashSet<GroupName> begun)
    {
        if (spec.CompletionGroup is not { } name)
            return null;
        if (!session.Completions.TryFind(name, out var group))
            return begun.Contains(name) || session.Completions.Count + begun.Count < session.Options.GroupsMax ? null : TooMany(session);
        return group.State.Phase is CompletionPhase.Open ? null : new Problem
        {
            Status = 409,
            Code = ProblemCodes.CompletionGroupClosed,
            Detail = $"The completion group {name} was enabled, so it takes no more tasks. Use another name; this one is free again when its event is acknowledged.",
            Field = "completionGroup",
        };
    }

    public static CompletionGroupView View(CompletionGroup group) => new()
    {
        Name = group.State.Name.ToString(),
        State = group.State.Phase switch
        {
            CompletionPhase.Open => "open",
            CompletionPhase.Enabled => "enabled",
            _ => "fired",
        },
        Counts = new CompletionCounts
        {
            Left = group.Left,
            Succeeded = group.State.Ended.Succeeded,
            Failed = group.State.Ended.Failed,
            Cancelled = group.State.Ended.Cancelled,
            Expired = group.State.Ended.Expired,
        },
        Event = group.State.Number,
    };

    internal static Decision NotFound(Session session, GroupName name) => Decision.Refuse(404, ProblemCodes.GroupNotFound,
        $"Session {session.Key.Identifier} has no completion group {name}. One begins with its first task, or with PUT, and is forgotten when its event was acknowledged.");

    private static Decision Answered(int status, GroupName name, IReadOnlyList<SessionEvent> events) => new(events, (after, _) => SessionViews.Json(
        status, View(after.Completions[name]) with { Created = status == 201 ? true : null }, ProtocolJson.Default.CompletionGroupView));

    private static Problem TooMany(Session session) => new()
    {
        Status = 429,
        Code = ProblemCodes.SessionLimit,
        Detail = $"This session has {session.Completions.Count} completion groups, which is the limit. Enable those that are complete and acknowledge their events.",
        Field = "completionGroup",
    };
}
