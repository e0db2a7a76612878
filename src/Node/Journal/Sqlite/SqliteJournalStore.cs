using Backhaul.Protocol;

namespace Backhaul.Node.Journal.Sqlite;

/// <summary>
/// The store of one embedded node: one SQLite file in the data directory, opened by one exclusive connection, touched by one thread.
/// States: closed (before <see cref="TakeAllAsync"/>), open, closed for good. The file's lock keeps a second process out from the
/// first moment; taking the shards bumps every epoch, so that grants of an earlier incarnation are worth nothing.
/// Invariants: a write is durable when its call returns (WAL, synchronous FULL); every write checks its grants in its own
/// transaction; the next row of a session is the one after its head, else the whole batch is rolled back as a conflict.
/// No other code of this process may open the file: closing any descriptor of it would drop the lock (POSIX).
/// Called by JournalWriter (commits), the session's loader (reads in pages), ShardHost (due sessions) and Hosting (take, release).
/// </summary>
internal sealed partial class SqliteJournalStore(string dataDirectory, SqliteOptions options, TimeProvider time, ILogger<SqliteJournalStore> logger)
    : IJournalStore, IEmbeddedStore, IOriginStore, IAsyncDisposable
{
    public const string FileName = "journal.db";

    private readonly SqliteThread _thread = new("backhaul-journal");
    private readonly string _path = Path.Combine(Path.GetFullPath(dataDirectory), FileName);
    private SqliteJournalFile? _file;

    /// <summary>What a call did is done when it returns, whatever it said.</summary>
    public bool MayApplyLate => false;

    public ValueTask<IReadOnlyList<ShardGrant>> TakeAllAsync(NodeId node, int shardCount, CancellationToken stop)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shardCount);
        return _thread.RunAsync(() => _file?.TakeAll(node, shardCount) ?? Open(node, shardCount), commit: false, stop);
    }

    public async ValueTask ReleaseAllAsync(NodeId node, CancellationToken stop)
    {
        var released = await _thread.RunAsync(() => File().ReleaseAll(node), commit: false, stop);
        LogReleased(released);
    }

    public ValueTask<CommitReport> CommitAsync(IReadOnlyList<SessionAppend> batch, CancellationToken stop) =>
        _thread.RunAsync(() => File().Commit(batch, time.GetUtcNow()), commit: true, stop);

    public ValueTask<ShardGrant?> ReacquireAsync(ShardGrant grant, CancellationToken stop) =>
        _thread.RunAsync(() => File().Reacquire(grant), commit: true, stop);

    public ValueTask<long?> ReadLastSequenceAsync(ShardGrant grant, SessionKey session, CancellationToken stop) =>
        ReadAsync<long?>(grant, file => file.ReadHead(grant.ShardId, session)?.LastSequence ?? 0, stop);

    public ValueTask<SessionOpening?> OpenAsync(ShardGrant grant, SessionKey session, CancellationToken stop) =>
        ReadAsync<SessionOpening?>(
            grant, file => new SessionOpening(file.ReadHead(grant.ShardId, session), file.ReadSnapshots(grant.ShardId, session)), stop);

    public ValueTask<IReadOnlyList<JournalRow>?> ReadRowsAsync(
        ShardGrant grant, SessionKey session, long afterSequence, int rowsMax, CancellationToken stop) =>
        ReadAsync<IReadOnlyList<JournalRow>?>(grant, file => file.ReadRows(grant.ShardId, session, afterSequence, rowsMax), stop);

    public ValueTask<IReadOnlyList<JournalRow>?> ReadNumberedAsync(
        ShardGrant grant, SessionKey session, long afterNumber, int rowsMax, CancellationToken stop) =>
        ReadAsync<IReadOnlyList<JournalRow>?>(grant, file => file.ReadNumbered(grant.ShardId, session, afterNumber, rowsMax), stop);

    public ValueTask<bool> SaveSnapshotAsync(ShardGrant grant, SessionKey session, StoredSnapshot snapshot, CancellationToken stop) =>
        _thread.RunAsync(() => File().SaveSnapshot(grant, session, snapshot), commit: false, stop);

    public ValueTask<int?> TrimAsync(ShardGrant grant, SessionKey session, long upToSequence, int rowsMax, CancellationToken stop) =>
        _thread.RunAsync(() => File().Trim(grant, session, upToSequence, rowsMax), commit: false, stop);

    public ValueTask<IReadOnlyList<ArchivedTask>?> ListArchiveAsync(
        ShardGrant grant, SessionKey session, int generation, long afterOrdinal, int rowsMax, CancellationToken stop) =>
        ReadAsync<IReadOnlyList<ArchivedTask>?>(
            grant, file => file.ListArchive(grant.ShardId, session, generation, afterOrdinal, rowsMax), stop);

    public ValueTask<IReadOnlyList<ArchivedTask>?> FindArchivedAsync(
        ShardGrant grant, SessionKey session, int generation, IReadOnlyList<TaskId> ids, CancellationToken stop) =>
        ReadAsync<IReadOnlyList<ArchivedTask>?>(grant, file => file.FindArchived(grant.ShardId, session, generation, ids), stop);

    public ValueTask<IReadOnlyList<DestinationClaim>?> FindClaimsAsync(
        ShardGrant grant, SessionKey session, IReadOnlyList<Destination> destinations, CancellationToken stop) =>
        ReadAsync<IReadOnlyList<DestinationClaim>?>(grant, file => file.FindClaims(session, destinations), stop);

    public ValueTask<OriginBook> ReadOriginsAsync(CancellationToken stop) => ReadAsync(file => file.ReadOrigins(time.GetUtcNow()), stop);

    public ValueTask<bool> WriteOriginAsync(string origin, long seenVersion, string payload, CancellationToken stop) =>
        _thread.RunAsync(() => File().WriteOrigin(origin, seenVersion, payload, time.GetUtcNow()), commit: false, stop);

    public ValueTask<IReadOnlyList<ExpiredFile>> ListExpiredFilesAsync(
        IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) =>
        ReadAsync(file => file.ListExpiredFiles(grants, until, rowsMax), stop);

    public ValueTask<bool> ForgetExpiredFilesAsync(ShardGrant grant, IReadOnlyList<ExpiredFile> files, CancellationToken stop) =>
        _thread.RunAsync(() => File().ForgetExpiredFiles(grant, files), commit: false, stop);

    public ValueTask<IReadOnlyList<DueSession>> ListDueAsync(
        IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) =>
        ReadAsync(file => file.ListDue(grants, until, rowsMax), stop);

    public ValueTask<SessionPage> ListSessionsAsync(TenantId? tenant, string? afterKey, int rowsMax, CancellationToken stop) =>
        ReadAsync(file => file.ListSessions(tenant, afterKey, rowsMax), stop);

    public async ValueTask DisposeAsync()
    {
        await _thread.DisposeAsync();
        _file?.Dispose();
        _file = null;
    }

    private ValueTask<T> ReadAsync<T>(ShardGrant grant, Func<SqliteJournalFile, T> read, CancellationToken stop) =>
        ReadAsync(file => file.IsHeld(grant) ? read(file) : default!, stop);

    private ValueTask<T> ReadAsync<T>(Func<SqliteJournalFile, T> read, CancellationToken stop) => _thread.RunAsync(
        () =>
        {
            try
            {
                return read(File());
            }
            catch (SqliteFailure failure)
            {
                throw SqliteErrors.ToStoreException(failure, "read the journal", committing: false);
            }
            catch (FormatException broken)
            {
                throw new JournalStoreException(StoreFailure.Rejected, "The journal holds a name that cannot be read.", broken);
            }
        },
        commit: false,
        stop);

    private IReadOnlyList<ShardGrant> Open(NodeId node, int shardCount)
    {
        var directory = Path.GetDirectoryName(_path)!;
        try
        {
            Directory.CreateDirectory(directory);
            _file = SqliteJournalFile.Open(_path, options, node, shardCount, LogUnreadableKey);
            OwnerFile.Write(directory);
            LogOpened(_path, shardCount);
            return _file.ReadGrants(node);
        }
        catch (SqliteFailure locked) when (locked.IsLocked)
        {
            throw new JournalStoreException(StoreFailure.Rejected, OwnerFile.InUse(directory), locked);
        }
        catch (SqliteFailure failure)
        {
            throw SqliteErrors.ToStoreException(failure, $"open the journal '{_path}'", committing: false);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new JournalStoreException(
                StoreFailure.Rejected,
                $"The data directory '{directory}' cannot be used: {refused.Message} "
                + "Give the user that runs the node the right to write there, or set Backhaul:DataDirectory to another directory.",
                refused);
        }
    }

    private SqliteJournalFile File() =>
        _file ?? throw new JournalStoreException(StoreFailure.Rejected, "The journal is not open: TakeAllAsync comes first.");
}
