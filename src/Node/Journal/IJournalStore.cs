using Backhaul.Protocol;

namespace Backhaul.Node.Journal;

/// <summary>
/// Durable memory of sessions. Every write names a grant and is checked against it in the same transaction; there is no overload
/// without one. Implementations: Memory (tests), Sqlite (one node), Postgres (a cluster). All pass the suite of Store.Tests.
/// </summary>
internal interface IJournalStore
{
    /// <summary>How many commits at the same time this store is best with.</summary>
    int WritersBest => 1;

    /// <summary>Whether an append whose outcome is unknown may still be carried out later: it may, unless the store is in this process.</summary>
    bool MayApplyLate => true;

    /// <summary>
    /// One transaction over several sessions of several shards. Shards whose grant no longer holds are left out and reported as
    /// fenced; the rest is committed, claims of destinations with it: one that is another session's rolls everything back (Taken). Throws <see cref="JournalStoreException"/> for everything else.
    /// </summary>
    ValueTask<CommitReport> CommitAsync(IReadOnlyList<SessionAppend> batch, CancellationToken stop);

    /// <summary>Bumps the epoch of a shard that this grant still holds, waiting for appends in flight; null when it is lost.</summary>
    ValueTask<ShardGrant?> ReacquireAsync(ShardGrant grant, CancellationToken stop);

    /// <summary>The last sequence of a session, 0 when there is none; null when the grant is fenced.</summary>
    ValueTask<long?> ReadLastSequenceAsync(ShardGrant grant, SessionKey session, CancellationToken stop);

    /// <summary>The head and the newest snapshots (newest first, at most two). Null when the grant is fenced.</summary>
    ValueTask<SessionOpening?> OpenAsync(ShardGrant grant, SessionKey session, CancellationToken stop);

    /// <summary>Rows after a sequence, in order, at most <paramref name="rowsMax"/>. Null when the grant is fenced.</summary>
    ValueTask<IReadOnlyList<JournalRow>?> ReadRowsAsync(ShardGrant grant, SessionKey session, long afterSequence, int rowsMax, CancellationToken stop);

    /// <summary>Rows with an event number after <paramref name="afterNumber"/>, in order. Null when the grant is fenced.</summary>
    ValueTask<IReadOnlyList<JournalRow>?> ReadNumberedAsync(ShardGrant grant, SessionKey session, long afterNumber, int rowsMax, CancellationToken stop);

    /// <summary>Keeps the newest two snapshots. False when fenced.</summary>
    ValueTask<bool> SaveSnapshotAsync(ShardGrant grant, SessionKey session, StoredSnapshot snapshot, CancellationToken stop);

    /// <summary>Deletes rows up to a sequence, at most <paramref name="rowsMax"/> a call; how many were deleted, or null when fenced.</summary>
    ValueTask<int?> TrimAsync(ShardGrant grant, SessionKey session, long upToSequence, int rowsMax, CancellationToken stop);

    /// <summary>Ended tasks by ordinal after a cursor. Null when fenced.</summary>
    ValueTask<IReadOnlyList<ArchivedTask>?> ListArchiveAsync(ShardGrant grant, SessionKey session, int generation, long afterOrdinal, int rowsMax, CancellationToken stop);

    /// <summary>Ended tasks by id; ids that are not there are left out. Null when fenced.</summary>
    ValueTask<IReadOnlyList<ArchivedTask>?> FindArchivedAsync(ShardGrant grant, SessionKey session, int generation, IReadOnlyList<TaskId> ids, CancellationToken stop);

    /// <summary>
    /// Which of these destinations belong to tasks of other sessions. What it says may change at once: the append that claims them decides.
    /// Null when fenced.
    /// </summary>
    ValueTask<IReadOnlyList<DestinationClaim>?> FindClaimsAsync(ShardGrant grant, SessionKey session, IReadOnlyList<Destination> destinations, CancellationToken stop);

    /// <summary>Files of the given shards whose time has come, earliest first.</summary>
    ValueTask<IReadOnlyList<ExpiredFile>> ListExpiredFilesAsync(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop);

    /// <summary>Forgets files of one shard that were dealt with. False when fenced.</summary>
    ValueTask<bool> ForgetExpiredFilesAsync(ShardGrant grant, IReadOnlyList<ExpiredFile> files, CancellationToken stop);

    /// <summary>Sessions of the given shards whose wake time has come, earliest first.</summary>
    ValueTask<IReadOnlyList<DueSession>> ListDueAsync(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop);

    /// <summary>Heads of a tenant's sessions in order of identifier, after a cursor; all tenants when it is null (operators).</summary>
    ValueTask<SessionPage> ListSessionsAsync(TenantId? tenant, string? afterKey, int rowsMax, CancellationToken stop);
}

/// <summary>The store of one node that owns everything: no members, no leases; its start takes every shard.</summary>
internal interface IEmbeddedStore
{
    /// <summary>Opens the store, applies what its schema needs, and takes every shard for this incarnation: all epochs go up by one.</summary>
    ValueTask<IReadOnlyList<ShardGrant>> TakeAllAsync(NodeId node, int shardCount, CancellationToken stop);

    /// <summary>Gives all shards back at an orderly stop.</summary>
    ValueTask ReleaseAllAsync(NodeId node, CancellationToken stop);
}
