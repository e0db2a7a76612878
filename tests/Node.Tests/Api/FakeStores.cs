using Backhaul.Node.Files;
using Backhaul.Node.Journal;
using Backhaul.Protocol;

namespace Backhaul.Node.Tests.Api;

/// <summary>Heads to list; nothing else of a store is asked for by the edge.</summary>
internal sealed class FakeJournalStore : IJournalStore
{
    public List<SessionHead> Heads { get; } = [];

    /// <summary>Sessions that a listing leaves out.</summary>
    public List<string> UnreadableKeys { get; } = [];

    public Exception? Failure { get; set; }

    /// <summary>Pages of a listing are shorter than asked for.</summary>
    public int PageRowsMax { get; set; } = int.MaxValue;

    public ValueTask<SessionPage> ListSessionsAsync(TenantId? tenant, string? afterKey, int rowsMax, CancellationToken stop)
    {
        if (Failure is not null)
            throw Failure;
        var rows = Heads.Select(head => (Key: head.Session.ToString(), Head: (SessionHead?)head)).Concat(UnreadableKeys.Select(key => (Key: key, Head: (SessionHead?)null)))
            .Where(row => tenant is null || row.Key.StartsWith($"{tenant}/", StringComparison.Ordinal))
            .OrderBy(row => row.Key, StringComparer.Ordinal)
            .Where(row => afterKey is null || string.CompareOrdinal(row.Key, afterKey) > 0)
            .Take(Math.Min(rowsMax, PageRowsMax)).ToList();
        List<SessionHead> heads = [.. rows.Select(row => row.Head).OfType<SessionHead>()];
        return new(new SessionPage(heads, rows.Count == Math.Min(rowsMax, PageRowsMax) ? rows[^1].Key : null, rows.Count - heads.Count));
    }

    public ValueTask<CommitReport> CommitAsync(IReadOnlyList<SessionAppend> batch, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<ShardGrant?> ReacquireAsync(ShardGrant grant, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<long?> ReadLastSequenceAsync(ShardGrant grant, SessionKey session, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<SessionOpening?> OpenAsync(ShardGrant grant, SessionKey session, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<IReadOnlyList<JournalRow>?> ReadRowsAsync(ShardGrant grant, SessionKey session, long afterSequence, int rowsMax, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<IReadOnlyList<JournalRow>?> ReadNumberedAsync(ShardGrant grant, SessionKey session, long afterNumber, int rowsMax, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<bool> SaveSnapshotAsync(ShardGrant grant, SessionKey session, StoredSnapshot snapshot, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<int?> TrimAsync(ShardGrant grant, SessionKey session, long upToSequence, int rowsMax, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<IReadOnlyList<ArchivedTask>?> ListArchiveAsync(ShardGrant grant, SessionKey session, int generation, long afterOrdinal, int rowsMax, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<IReadOnlyList<ArchivedTask>?> FindArchivedAsync(ShardGrant grant, SessionKey session, int generation, IReadOnlyList<TaskId> ids, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<IReadOnlyList<DestinationClaim>?> FindClaimsAsync(ShardGrant grant, SessionKey session, IReadOnlyList<Destination> destinations, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<IReadOnlyList<ExpiredFile>> ListExpiredFilesAsync(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<bool> ForgetExpiredFilesAsync(ShardGrant grant, IReadOnlyList<ExpiredFile> files, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<DueSession>> ListDueAsync(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) => throw new NotSupportedException();
}

/// <summary>Containers <c>default</c> and <c>results</c>.</summary>
internal sealed class FakeContainers : IContainers
{
    public bool Exists(ContainerName container) => container.ToString() is "default" or "results";

    public ValueTask<StageResult> StageAsync(TenantId tenant, ContainerName container, ContainerPath path, Stream body, long? length, long bytesMax, FileCondition? condition, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<StoredFile?> OpenReadAsync(TenantId tenant, ContainerName container, ContainerPath path, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<StoredFile?> OpenResultAsync(SessionKey session, int generation, TaskId task, ContainerName container, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<bool> DeleteAsync(TenantId tenant, ContainerName container, ContainerPath path, FileCondition? condition, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<StageResult?> MoveAsync(FileMove move, CancellationToken stop) => throw new NotSupportedException();
}

/// <summary>No uploads.</summary>
internal sealed class FakeUploads : IUploadStaging
{
    public bool Takes(ContainerName container) => true;

    public ValueTask<UploadOutcome> CreateAsync(UploadKey key, NewUpload upload, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<UploadOutcome> FindAsync(UploadKey key, CancellationToken stop) => new(new UploadOutcome.NotFound());
    public ValueTask<UploadOutcome> AppendAsync(UploadKey key, UploadAppend append, Stream body, CancellationToken stop) => throw new NotSupportedException();
    public ValueTask<UploadOutcome> TerminateAsync(UploadKey key, CancellationToken stop) => throw new NotSupportedException();
}
