using Backhaul.Node.Journal;
using Backhaul.Protocol;

namespace Backhaul.Node.Tests.Sessions.Webhooks;

/// <summary>A store that has what another has, and of ended tasks what the test says.</summary>
internal sealed class ArchiveStore(IJournalStore inner) : IJournalStore
{
    /// <summary>Given what there is, when there is something.</summary>
    public Func<IReadOnlyList<ArchivedTask>, IReadOnlyList<ArchivedTask>> Found { get; set; } = static rows => rows;

    /// <summary>What a list finds behind an ordinal, of at most so many rows.</summary>
    public Func<long, int, IReadOnlyList<ArchivedTask>>? Listed { get; set; }

    public async ValueTask<IReadOnlyList<ArchivedTask>?> FindArchivedAsync(
        ShardGrant grant, SessionKey session, int generation, IReadOnlyList<TaskId> ids, CancellationToken stop) =>
        await inner.FindArchivedAsync(grant, session, generation, ids, stop) is { } rows ? rows.Count > 0 ? Found(rows) : rows : null;

    public ValueTask<CommitReport> CommitAsync(IReadOnlyList<SessionAppend> batch, CancellationToken stop) => inner.CommitAsync(batch, stop);

    public ValueTask<ShardGrant?> ReacquireAsync(ShardGrant grant, CancellationToken stop) => inner.ReacquireAsync(grant, stop);

    public ValueTask<long?> ReadLastSequenceAsync(ShardGrant grant, SessionKey session, CancellationToken stop) => inner.ReadLastSequenceAsync(grant, session, stop);

    public ValueTask<SessionOpening?> OpenAsync(ShardGrant grant, SessionKey session, CancellationToken stop) => inner.OpenAsync(grant, session, stop);

    public ValueTask<IReadOnlyList<JournalRow>?> ReadRowsAsync(ShardGrant grant, SessionKey session, long afterSequence, int rowsMax, CancellationToken stop) =>
        inner.ReadRowsAsync(grant, session, afterSequence, rowsMax, stop);

    public ValueTask<IReadOnlyList<JournalRow>?> ReadNumberedAsync(ShardGrant grant, SessionKey session, long afterNumber, int rowsMax, CancellationToken stop) =>
        inner.ReadNumberedAsync(grant, session, afterNumber, rowsMax, stop);

    public ValueTask<bool> SaveSnapshotAsync(ShardGrant grant, SessionKey session, StoredSnapshot snapshot, CancellationToken stop) =>
        inner.SaveSnapshotAsync(grant, session, snapshot, stop);

    public ValueTask<int?> TrimAsync(ShardGrant grant, SessionKey session, long upToSequence, int rowsMax, CancellationToken stop) =>
        inner.TrimAsync(grant, session, upToSequence, rowsMax, stop);

    public ValueTask<IReadOnlyList<ArchivedTask>?> ListArchiveAsync(
        ShardGrant grant, SessionKey session, int generation, long afterOrdinal, int rowsMax, CancellationToken stop) =>
        Listed is { } listed ? new(listed(afterOrdinal, rowsMax)) : inner.ListArchiveAsync(grant, session, generation, afterOrdinal, rowsMax, stop);

    public ValueTask<IReadOnlyList<DestinationClaim>?> FindClaimsAsync(
        ShardGrant grant, SessionKey session, IReadOnlyList<Destination> destinations, CancellationToken stop) =>
        inner.FindClaimsAsync(grant, session, destinations, stop);

    public ValueTask<IReadOnlyList<ExpiredFile>> ListExpiredFilesAsync(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) =>
        inner.ListExpiredFilesAsync(grants, until, rowsMax, stop);

    public ValueTask<bool> ForgetExpiredFilesAsync(ShardGrant grant, IReadOnlyList<ExpiredFile> files, CancellationToken stop) =>
        inner.ForgetExpiredFilesAsync(grant, files, stop);

    public ValueTask<IReadOnlyList<DueSession>> ListDueAsync(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) =>
        inner.ListDueAsync(grants, until, rowsMax, stop);

    public ValueTask<SessionPage> ListSessionsAsync(TenantId? tenant, string? afterKey, int rowsMax, CancellationToken stop) =>
        inner.ListSessionsAsync(tenant, afterKey, rowsMax, stop);
}
