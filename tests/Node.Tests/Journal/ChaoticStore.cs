using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Protocol;

namespace Backhaul.Node.Tests.Journal;

/// <summary>A store that takes its time and fails in every way a real one may, by a seed. What it says is always true, or Unknown.</summary>
internal sealed class ChaoticStore(MemoryJournalStore inner, TimeProvider time, Random random) : IJournalStore
{
    /// <summary>While false, it only takes its time.</summary>
    public bool Faulty { get; set; } = true;

    public async ValueTask<CommitReport> CommitAsync(IReadOnlyList<SessionAppend> batch, CancellationToken stop)
    {
        await DawdleAsync();
        if (Chance(0.03))
            await inner.TakeOverAsync(batch[0].Grant.ShardId, new NodeId(Guid.Empty), stop);
        if (Chance(0.1))
            throw new JournalStoreException(StoreFailure.Transient, "The disk is full.");
        if (Chance(0.1))
            throw Lost();
        var report = await inner.CommitAsync(batch, stop);
        await DawdleAsync();
        return Chance(0.1) ? throw Lost() : report;
    }

    public async ValueTask<ShardGrant?> ReacquireAsync(ShardGrant grant, CancellationToken stop)
    {
        await DawdleAsync();
        if (Chance(0.1))
            throw new JournalStoreException(StoreFailure.Transient, "No connection.");
        if (Chance(0.1))
            throw new JournalStoreException(StoreFailure.Unknown, "The connection broke.");
        var raised = await inner.ReacquireAsync(grant, stop);
        return Chance(0.1) ? throw new JournalStoreException(StoreFailure.Unknown, "The connection broke.") : raised;
    }

    public async ValueTask<long?> ReadLastSequenceAsync(ShardGrant grant, SessionKey session, CancellationToken stop)
    {
        await DawdleAsync();
        if (Chance(0.2))
            throw new JournalStoreException(StoreFailure.Transient, "No connection.");
        return await inner.ReadLastSequenceAsync(grant, session, stop);
    }

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

    private Exception Lost() => Chance(0.2)
        ? new InvalidOperationException("A bug of the driver.")
        : new JournalStoreException(StoreFailure.Unknown, "The connection broke.");

    private bool Chance(double probability) => Faulty && random.NextDouble() < probability;

    private async Task DawdleAsync()
    {
        if (random.Next(2) == 0)
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 200)), time);
    }
}
