using Backhaul.Protocol;

namespace Backhaul.Node.Journal;

/// <summary>What a session wants appended; the writer adds the grant in force at the commit.</summary>
internal sealed record AppendRequest(
    IGrantHolder Holder, SessionKey Session, long FirstSequence, IReadOnlyList<NewRow> Rows, HeadUpdate Head, IReadOnlyList<ArchivedTask> Archive)
{
    /// <summary>Destinations that become a task's or nobody's with these rows, in the order it happened.</summary>
    public IReadOnlyList<ClaimChange> Claims { get; init; } = [];

    /// <summary>Files of tasks that end with these rows, to be removed later.</summary>
    public IReadOnlyList<FileExpiry> Expiries { get; init; } = [];
}

/// <summary>How an append ended. Every request gets exactly one.</summary>
internal enum AppendOutcome
{
    /// <summary>Durable.</summary>
    Committed = 1,

    /// <summary>The shard is lost: stop its host, write nothing more.</summary>
    Fenced = 2,

    /// <summary>The sequence is taken: state and journal disagree, reload the session.</summary>
    Conflict = 3,

    /// <summary>Too large or malformed; nothing was written.</summary>
    Rejected = 4,

    /// <summary>Not written in time although tried again (disk full, database away); nothing was written.</summary>
    Unavailable = 5,

    /// <summary>The writer stopped before it could find out.</summary>
    Unknown = 6,

    /// <summary>A destination was claimed by another session since it was looked up; nothing was written.</summary>
    Taken = 7,
}

/// <summary>Appends of many sessions, gathered into group commits.</summary>
internal interface IJournal
{
    /// <summary>Waits for room in the writer's queue, then for the outcome. Never throws for an expected outcome.</summary>
    ValueTask<AppendOutcome> AppendAsync(AppendRequest request, CancellationToken stop);
}
