using Backhaul.Node.Journal;
using Backhaul.Protocol;

namespace Backhaul.Node.Tests.Journal;

/// <summary>A mutant: calls an unknown outcome a definite one. A property that does not notice it proves nothing.</summary>
internal sealed class LyingStore(IJournalStore inner) : IJournalStore
{
    public async ValueTask<CommitReport> CommitAsync(IReadOnlyList<SessionAppend> batch, CancellationToken stop)
    {
        try
        {
            return await inner.CommitAsync(batch, stop);
        }
        catch (JournalStoreException unknown) when (unknown.Failure == StoreFailure.Unknown)
        {
            throw new JournalStoreException(StoreFailure.Rejected, "It says that nothing was written, and cannot know.", unknown);
        }
    }

    public ValueTask<ShardGrant?> ReacquireAsync(ShardGrant grant, CancellationToken stop) => inner.ReacquireAsync(grant, stop);

    public ValueTask<long?> ReadLastSequenceAsync(ShardGrant grant, SessionKey session, CancellationToken stop) =>
        inner.ReadLastSequenceAsync(grant, session, stop);

    public ValueTask<SessionOpening?> OpenAsync(ShardGrant grant, SessionKey session, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<JournalRow>?> ReadRowsAsync(
        ShardGrant grant, SessionKey session, long afterSequence, int rowsMax, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<JournalRow>?> ReadNumberedAsync(
        ShardGrant grant, SessionKey session, long afterNumber, int rowsMax, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<bool> SaveSnapshotAsync(ShardGrant grant, SessionKey session, StoredSnapshot snapshot, CancellationToken stop) =>
        throw new NotSupportedException();

    public ValueTask<int?> TrimAsync(ShardGrant grant, SessionKey session, long upToSequence, int rowsMax, CancellationToken stop) =>
        throw new NotSupportedException();

    public ValueTask<IReadOnlyList<ArchivedTask>?> ListArchiveAsync(
        ShardGrant grant, SessionKey session, int generation, long afterOrdinal, int rowsMax, CancellationToken stop) =>
        throw new NotSupportedException();

    public ValueTask<IReadOnlyList<ArchivedTask>?> FindArchivedAsync(
        ShardGrant grant, SessionKey session, int generation, IReadOnlyList<TaskId> ids, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<DestinationClaim>?> FindClaimsAsync(
        ShardGrant grant, SessionKey session, IReadOnlyList<Destination> destinations, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<ExpiredFile>> ListExpiredFilesAsync(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<bool> ForgetExpiredFilesAsync(ShardGrant grant, IReadOnlyList<ExpiredFile> files, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<DueSession>> ListDueAsync(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) =>
        throw new NotSupportedException();

    public ValueTask<SessionPage> ListSessionsAsync(TenantId? tenant, string? afterKey, int rowsMax, CancellationToken stop) =>
        throw new NotSupportedException();
}
