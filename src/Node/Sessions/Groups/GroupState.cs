namespace Backhaul.Node.Sessions;

/// <summary>How the tasks of a group run. Persisted by name: append only.</summary>
internal enum GroupMode
{
    Parallel = 1,

    /// <summary>One at a time.</summary>
    Serialized = 2,
}

/// <summary>What is done to all tasks of a group. Persisted by name: append only.</summary>
internal enum GroupAct
{
    Suspend = 1,
    Resume = 2,
    Cancel = 3,
}

/// <summary>What is remembered of a group besides its tasks. A section of the snapshot: append only.</summary>
internal sealed record GroupState
{
    public required Protocol.GroupName Name { get; init; }
    public GroupMode Mode { get; init; } = GroupMode.Parallel;

    /// <summary>A client created it by name: it stays when its tasks have ended.</summary>
    public bool Kept { get; init; }

    /// <summary>The place in its order where the group begins, when a task was made current.</summary>
    public TaskRank? Current { get; init; }

    /// <summary>Since the last <c>groupCompleted</c>.</summary>
    public EndedCounts Ended { get; init; } = EndedCounts.None;

    /// <summary>What is being done to its tasks, a few at a time.</summary>
    public GroupProgress? Under { get; init; }
}

/// <summary>How far an act on a group is: tasks up to <paramref name="Through"/> are done, those up to <paramref name="UpTo"/> are concerned.</summary>
internal sealed record GroupProgress(GroupAct Act, long UpTo, long Through);
