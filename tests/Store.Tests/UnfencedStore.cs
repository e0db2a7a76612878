using Backhaul.Node.Journal;
using Backhaul.Protocol;

namespace Backhaul.Store.Tests;

/// <summary>A mutant: writes under whatever grant is in force instead of the one it was given, so that nobody is ever fenced.</summary>
internal sealed class UnfencedStore(IStoreHarness inner) : IStoreHarness, IJournalStore, IEmbeddedStore
{
    private IReadOnlyList<ShardGrant> _current = [];

    public IJournalStore Journal => this;

    public IEmbeddedStore Cluster => this;

    public Task ReopenAsync() => inner.ReopenAsync();

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    public async ValueTask<IReadOnlyList<ShardGrant>> TakeAllAsync(NodeId node, int shardCount, CancellationToken stop) =>
        _current = await inner.Cluster.TakeAllAsync(node, shardCount, stop);

    public ValueTask ReleaseAllAsync(NodeId node, CancellationToken stop) => default;

    public ValueTask<CommitReport> CommitAsync(IReadOnlyList<SessionAppend> batch, CancellationToken stop) =>
        inner.Journal.CommitAsync([.. batch.Select(append => append with { Grant = Now(append.Grant) })], stop);

    public async ValueTask<ShardGrant?> ReacquireAsync(ShardGrant grant, CancellationToken stop)
    {
        var raised = await inner.Journal.ReacquireAsync(Now(grant), stop);
        if (raised is { } current)
            _current = [.. _current.Select(known => known.ShardId == current.ShardId ? current : known)];
        return raised;
    }

    public ValueTask<long?> ReadLastSequenceAsync(ShardGrant grant, SessionKey session, CancellationToken stop) =>
        inner.Journal.ReadLastSequenceAsync(Now(grant), session, stop);

    public ValueTask<SessionOpening?> OpenAsync(ShardGrant grant, SessionKey session, CancellationToken stop) =>
        inner.Journal.OpenAsync(Now(grant), session, stop);

    public ValueTask<IReadOnlyList<JournalRow>?> ReadRowsAsync(
        ShardGrant grant, SessionKey session, long afterSequence, int rowsMax, CancellationToken stop) =>
        inner.Journal.ReadRowsAsync(Now(grant), session, afterSequence, rowsMax, stop);

    public ValueTask<IReadOnlyList<JournalRow>?> ReadNumberedAsync(
        ShardGrant grant, SessionKey session, long afterNumber, int rowsMax, CancellationToken stop) =>
        inner.Journal.ReadNumberedAsync(Now(grant), session, afterNumber, rowsMax, stop);

    public ValueTask<bool> SaveSnapshotAsync(ShardGrant grant, SessionKey session, StoredSnapshot snapshot, CancellationToken stop) =>
        inner.Journal.SaveSnapshotAsync(Now(grant), session, snapshot, stop);

    public ValueTask<int?> TrimAsync(ShardGrant grant, SessionKey session, long upToSequence, int rowsMax, CancellationToken stop) =>
        inner.Journal.TrimAsync(Now(grant), session, upToSequence, rowsMax, stop);

    public ValueTask<IReadOnlyList<ArchivedTask>?> ListArchiveAsync(
        ShardGrant grant, SessionKey session, int generation, long afterOrdinal, int rowsMax, CancellationToken stop) =>
        inner.Journal.ListArchiveAsync(Now(grant), session, generation, afterOrdinal, rowsMax, stop);

    public ValueTask<IReadOnlyList<ArchivedTask>?> FindArchivedAsync(
        ShardGrant grant, SessionKey session, int generation, IReadOnlyList<TaskId> ids, CancellationToken stop) =>
        inner.Journal.FindArchivedAsync(Now(grant), session, generation, ids, stop);

    public ValueTask<IReadOnlyList<DestinationClaim>?> FindClaimsAsync(
        ShardGrant grant, SessionKey session, IReadOnlyList<Destination> destinations, CancellationToken stop) =>
        inner.Journal.FindClaimsAsync(Now(grant), session, destinations, stop);

    public ValueTask<IReadOnlyList<ExpiredFile>> ListExpiredFilesAsync(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) =>
        inner.Journal.ListExpiredFilesAsync([.. grants.Select(Now)], until, rowsMax, stop);

    public ValueTask<bool> ForgetExpiredFilesAsync(ShardGrant grant, IReadOnlyList<ExpiredFile> files, CancellationToken stop) =>
        inner.Journal.ForgetExpiredFilesAsync(Now(grant), files, stop);

    public ValueTask<IReadOnlyList<DueSession>> ListDueAsync(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) =>
        inner.Journal.ListDueAsync([.. grants.Select(Now)], until, rowsMax, stop);

    public ValueTask<SessionPage> ListSessionsAsync(TenantId? tenant, string? afterKey, int rowsMax, CancellationToken stop) =>
        inner.Journal.ListSessionsAsync(tenant, afterKey, rowsMax, stop);

    private ShardGrant Now(ShardGrant grant) => _current.Any(known => known.ShardId == grant.ShardId) ? _current[grant.ShardId] : grant;
}
