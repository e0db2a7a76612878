using Backhaul.Protocol;

namespace Backhaul.Node.Journal;

/// <summary>A row to append. <see cref="Number"/> is set on events that clients see.</summary>
internal readonly record struct NewRow(string EventType, ReadOnlyMemory<byte> Payload, long? Number, CommandId? Command);

/// <summary>A row as stored.</summary>
internal sealed record JournalRow(
    long Sequence, long Epoch, string EventType, ReadOnlyMemory<byte> Payload, long? Number, CommandId? Command, DateTimeOffset RecordedAt);

/// <summary>What a session's head row says after an append.</summary>
internal sealed record HeadUpdate(string State, int Generation, long LastNumber, DateTimeOffset? WakeAt);

/// <summary>The head row: highest sequence in O(1), durable timer, list view.</summary>
internal sealed record SessionHead(
    SessionKey Session, int ShardId, long LastSequence, long LastEpoch, long LastNumber, string State, int Generation,
    long SnapshotSequence, DateTimeOffset? WakeAt);

/// <summary>An ended task, out of the session's live state, in the same transaction as the event that ended it.</summary>
internal sealed record ArchivedTask(int Generation, long Ordinal, TaskId Id, ReadOnlyMemory<byte> Payload);

/// <summary>
/// Where a file of a tenant comes to lie, in one canonical text: <c>tenant/container/path</c>. Neither a tenant nor a container holds a slash,
/// so no two destinations share a text.
/// </summary>
internal readonly record struct Destination(string Text)
{
    public static Destination Of(TenantId tenant, ContainerName container, ContainerPath path) => new($"{tenant}/{container}/{path}");

    public override string ToString() => Text;
}

/// <summary>A task that has not ended owns a destination, whatever session it is of.</summary>
internal sealed record DestinationClaim(Destination Destination, SessionKey Session, TaskId Task);

/// <summary>A destination becomes a task's, or nobody's when <see cref="Task"/> is null.</summary>
internal readonly record struct ClaimChange(Destination Destination, TaskId? Task);

/// <summary>When the file of a download is to be removed, if it is still that file: its ETag says so.</summary>
internal sealed record FileExpiry(DateTimeOffset At, int Generation, long Ordinal, Destination Destination, string ETag);

/// <summary>A file whose time has come.</summary>
internal sealed record ExpiredFile(int ShardId, SessionKey Session, FileExpiry Expiry);

/// <summary>
/// The part of a batch that concerns one session: rows <c>FirstSequence, FirstSequence + 1, …</c>, its head, tasks that go to the archive.
/// Within one batch a session occurs at most once.
/// </summary>
internal sealed record SessionAppend(
    ShardGrant Grant, SessionKey Session, long FirstSequence, IReadOnlyList<NewRow> Rows, HeadUpdate Head, IReadOnlyList<ArchivedTask> Archive)
{
    /// <summary>Each destination at most once. They become durable with the rows, or nothing does.</summary>
    public IReadOnlyList<ClaimChange> Claims { get; init; } = [];

    /// <summary>Files of tasks that end with these rows, to be removed later.</summary>
    public IReadOnlyList<FileExpiry> Expiries { get; init; } = [];
}

/// <summary>Which shards of a batch were refused; everything else is durable.</summary>
internal sealed record CommitReport(IReadOnlySet<int> FencedShards)
{
    /// <summary>Nothing was refused.</summary>
    public static CommitReport Complete { get; } = new(System.Collections.Frozen.FrozenSet<int>.Empty);
}

/// <summary>A snapshot: the state after <see cref="Sequence"/>.</summary>
internal sealed record StoredSnapshot(long Sequence, string Format, ReadOnlyMemory<byte> Payload);

/// <summary>What opening a session reads first; the rows follow in pages.</summary>
internal sealed record SessionOpening(SessionHead? Head, IReadOnlyList<StoredSnapshot> Snapshots);

/// <summary>A session that has something to do.</summary>
internal sealed record DueSession(int ShardId, SessionKey Session, DateTimeOffset WakeAt);

/// <summary>Why a store call failed, as far as it is known.</summary>
internal enum StoreFailure
{
    /// <summary>A row of that sequence exists: the whole transaction was rolled back.</summary>
    Conflict = 1,

    /// <summary>Certainly not applied; trying again may help (busy, disk full, no connection yet).</summary>
    Transient = 2,

    /// <summary>Perhaps applied: only a re-acquire and a read can tell.</summary>
    Unknown = 3,

    /// <summary>Certainly not applied, and never will be (size limits, broken data).</summary>
    Rejected = 4,

    /// <summary>A destination belongs to a task of another session: the whole transaction was rolled back.</summary>
    Taken = 5,
}

/// <summary>A store call that did not do what it was asked to.</summary>
internal sealed class JournalStoreException(StoreFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    public StoreFailure Failure { get; } = failure;
}
