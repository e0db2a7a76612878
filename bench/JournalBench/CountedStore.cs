using Backhaul.Node.Journal;
using Backhaul.Protocol;

namespace Backhaul.JournalBench;

/// <summary>Counts the commits of a store.</summary>
internal sealed class CountedStore(IJournalStore inner) : IJournalStore
{
    private long _commits;

    public long Commits
    {
        get => Interlocked.Read(ref _commits);
        set => Interlocked.Exchange(ref _commits, value);
    }

    public ValueTask<CommitReport> CommitAsync(IReadOnlyList<SessionAppend> batch, CancellationToken stop)
    {
        Interlocked.Increment(ref _commits);
        return inner.CommitAsync(batch, stop);
    }

    public ValueTask<ShardGrant?> ReacquireAsync(ShardGrant grant, CancellationToken stop) => inner.ReacquireAsync(grant, stop);

    public ValueTask<long?> ReadLastSequenceAsync(ShardGrant grant, SessionKey session, CancellationToken stop) =>
        inner.ReadLastSequenceAsync(grant, session, stop);

    public ValueTask<SessionOpening?> OpenAsync(ShardGrant grant, SessionKey session, CancellationToken stop) => inner.OpenAsync(grant, session, stop);

    public ValueTask<IReadOnlyList<JournalRow>?> ReadRowsAsync(
        ShardGrant grant, SessionKey session, long afterSequence, int rowsMax, CancellationToken stop) =>
        inner.ReadRowsAsync(grant, session, afterSequence, rowsMax, stop);

    public ValueTask<IReadOnlyList<JournalRow>?> ReadNumberedAsync(
        ShardGrant grant, SessionKey session, long afterNumber, int rowsMax, CancellationToken stop) =>
        inner.ReadNumberedAsync(grant, session, afterNumber, rowsMax, stop);

    public ValueTask<bool> SaveSnapshotAsync(ShardGrant grant, SessionKey session, StoredSnapshot snapshot, CancellationToken stop) =>
        inner.SaveSnapshotAsync(grant, session, snapshot, stop);

    public ValueTask<int?> TrimAsync(ShardGrant grant, SessionKey session, long upToSequence, int rowsMax, CancellationToken stop) =>
        inner.TrimAsync(grant, session, upToSequence, rowsMax, stop);

    public ValueTask<IReadOnlyList<ArchivedTask>?> ListArchiveAsync(
        ShardGrant grant, SessionKey session, int generation, long afterOrdinal, int rowsMax, CancellationToken stop) =>
        inner.ListArchiveAsync(grant, session, generation, afterOrdinal, rowsMax, stop);

    public ValueTask<IReadOnlyList<ArchivedTask>?> FindArchivedAsync(
        ShardGrant grant, SessionKey session, int generation, IReadOnlyList<TaskId> ids, CancellationToken stop) =>
        inner.FindArchivedAsync(grant, session, generation, ids, stop);

    public ValueTask<IReadOnlyList<DueSession>> ListDueAsync(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) =>
        inner.ListDueAsync(grants, until, rowsMax, stop);

    public ValueTask<IReadOnlyList<SessionHead>> ListSessionsAsync(TenantId? tenant, string? afterKey, int rowsMax, CancellationToken stop) =>
        inner.ListSessionsAsync(tenant, afterKey, rowsMax, stop);
}
