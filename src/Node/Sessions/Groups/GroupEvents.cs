using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>An event about one group. Persisted as all of <see cref="SessionEvent"/>.</summary>
internal abstract record GroupEvent(GroupName Group, DateTimeOffset At) : SessionEvent(At);

/// <summary>A client created a group, or changed how it runs.</summary>
internal sealed record GroupConfigured(GroupName Group, GroupMode Mode, DateTimeOffset At) : GroupEvent(Group, At);

/// <summary>Something is to be done to the tasks of a group up to <see cref="UpToOrdinal"/>; it is done a few at a time.</summary>
internal sealed record GroupActing(GroupName Group, GroupAct Act, long UpToOrdinal, DateTimeOffset At) : GroupEvent(Group, At);

/// <summary>It was done to those up to here.</summary>
internal sealed record GroupActed(GroupName Group, long ThroughOrdinal, DateTimeOffset At) : GroupEvent(Group, At);

/// <summary>No task of the group is left; the outcomes since the last time.</summary>
internal sealed record GroupCompleted(GroupName Group, EndedCounts Counts, DateTimeOffset At) : GroupEvent(Group, At);

/// <summary>The task and those after it in its group go first.</summary>
internal sealed record TaskMadeCurrent(TaskId Task, DateTimeOffset At) : TaskEvent(Task, At);

/// <summary>An event about one completion group.</summary>
internal abstract record CompletionEvent(GroupName Group, DateTimeOffset At) : SessionEvent(At);

/// <summary>A client created it.</summary>
internal sealed record CompletionOpened(GroupName Group, DateTimeOffset At) : CompletionEvent(Group, At);

/// <summary>It takes no more tasks.</summary>
internal sealed record CompletionEnabled(GroupName Group, DateTimeOffset At) : CompletionEvent(Group, At);

/// <summary>All of its tasks have ended.</summary>
internal sealed record CompletionFired(GroupName Group, EndedCounts Counts, DateTimeOffset At) : CompletionEvent(Group, At);
