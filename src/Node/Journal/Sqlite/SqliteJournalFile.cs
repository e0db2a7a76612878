using System.Globalization;
using Backhaul.Protocol;

namespace Backhaul.Node.Journal.Sqlite;

/// <summary>
/// The open journal file: one exclusive connection and its prepared statements. Every method runs on the store's thread. A write is one
/// IMMEDIATE transaction that first checks the grants (the fence): with one connection nothing can come between check and commit.
/// </summary>
internal sealed class SqliteJournalFile : IDisposable
{
    private const int PagesPerMiB = 256;

    private readonly SqliteDatabase _database;
    private readonly SqliteStatements _sql;
    private readonly string _path;

    private readonly Action<string> _unreadableKey;

    private SqliteJournalFile(SqliteDatabase database, string path, Action<string> unreadableKey)
    {
        _database = database;
        _unreadableKey = unreadableKey;
        _sql = new SqliteStatements(database);
        _path = path;
    }

    /// <summary>Opens the file, creates or checks its schema, and takes every shard for <paramref name="node"/>.</summary>
    public static SqliteJournalFile Open(string path, SqliteOptions options, NodeId node, int shardCount, Action<string> unreadableKey)
    {
        var isNew = !File.Exists(path);
        var database = SqliteDatabase.Open(path, options.LockWait);
        if (isNew && !OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite); // tasks' headers may be secret; the log beside it takes this mode too
        try
        {
            // The lock mode comes first: a write-ahead log that is opened exclusively needs no shared memory file and is never
            // shared (SQLite before 3.51.3 can corrupt one that several connections reset).
            database.Execute("PRAGMA locking_mode = EXCLUSIVE");
            var mode = database.ReadText("PRAGMA journal_mode = WAL");
            if (mode != "wal")
            {
                throw new JournalStoreException(
                    StoreFailure.Rejected, $"The journal '{path}' cannot use a write-ahead log (it answers '{mode}'): put it on a local disk.");
            }

            database.Execute("PRAGMA synchronous = FULL");
            database.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA wal_autocheckpoint = {options.CheckpointPages}"));
            database.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA cache_size = -{options.CacheKiB}"));
            if (options.SizeMaxMiB > 0)
                database.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA max_page_count = {options.SizeMaxMiB * PagesPerMiB}"));
            database.Execute("BEGIN IMMEDIATE");
            SqliteSchema.Apply(database, shardCount, path);
            using (var take = database.Prepare("UPDATE shard SET epoch = epoch + 1, owner_node_id = ?1"))
                take.Bind(1, node.Value).Run();
            database.Execute("COMMIT");
            return new SqliteJournalFile(database, path, unreadableKey);
        }
        catch (Exception)
        {
            database.Dispose();
            throw;
        }
    }

    public void Dispose() => _database.Dispose();

    public IReadOnlyList<ShardGrant> TakeAll(NodeId node, int shardCount) => Write("take all shards", () =>
    {
        SqliteSchema.Apply(_database, shardCount, _path);
        _sql.TakeAll.Bind(1, node.Value).Run();
        return ReadGrants(node);
    });

    public IReadOnlyList<ShardGrant> ReadGrants(NodeId node) =>
        _sql.Grants.Bind(1, node.Value).ReadAll(row => new ShardGrant((int)row.Integer(0), row.Integer(1), node));

    public int ReleaseAll(NodeId node) => Write("release all shards", () => _sql.ReleaseAll.Bind(1, node.Value).Run());

    public ShardGrant? Reacquire(ShardGrant grant) => Write<ShardGrant?>("re-acquire a shard", () =>
        _sql.Reacquire.Bind(1, grant.ShardId).Bind(2, grant.Epoch).Bind(3, grant.Node.Value).Run() == 1
            ? grant with { Epoch = grant.Epoch + 1 }
            : null);

    public CommitReport Commit(IReadOnlyList<SessionAppend> batch, DateTimeOffset now) => Write("append", () =>
    {
        HashSet<int>? fenced = null;
        HashSet<ShardGrant> held = [];
        foreach (var append in batch)
        {
            if (!held.Contains(append.Grant) && !IsHeld(append.Grant))
            {
                (fenced ??= []).Add(append.Grant.ShardId);
                continue;
            }

            held.Add(append.Grant);
            Append(append, SqliteTime.FromInstant(now));
        }

        return fenced is null ? CommitReport.Complete : new CommitReport(fenced);
    });

    public bool SaveSnapshot(ShardGrant grant, SessionKey session, StoredSnapshot snapshot) => Write("save a snapshot", () =>
    {
        if (!IsHeld(grant))
            return false;
        var name = session.ToString();
        var covered = _sql.HeadSnapshot.Bind(1, grant.ShardId).Bind(2, name).Bind(3, snapshot.Sequence).Run();
        if (covered == 0)
        {
            throw new JournalStoreException(
                StoreFailure.Rejected, $"A snapshot of {name} at {snapshot.Sequence} covers rows that are not in the journal.");
        }

        _sql.SaveSnapshot.Bind(1, grant.ShardId).Bind(2, name).Bind(3, snapshot.Sequence).Bind(4, grant.Epoch)
            .Bind(5, snapshot.Format).Bind(6, snapshot.Payload.Span).Run();
        _sql.DropSnapshots.Bind(1, grant.ShardId).Bind(2, name).Run();
        return true;
    });

    public int? Trim(ShardGrant grant, SessionKey session, long upToSequence, int rowsMax) => Write<int?>("trim", () =>
        IsHeld(grant)
            ? _sql.Trim.Bind(1, grant.ShardId).Bind(2, session.ToString()).Bind(3, upToSequence).Bind(4, rowsMax).Run()
            : null);

    public bool IsHeld(ShardGrant grant) =>
        _sql.Held.Bind(1, grant.ShardId).Bind(2, grant.Epoch).Bind(3, grant.Node.Value).ReadFirst(_ => true);

    public SessionHead? ReadHead(int shardId, SessionKey session) =>
        _sql.Head.Bind(1, shardId).Bind(2, session.ToString()).ReadFirst(row => ReadHead(row, session));

    public IReadOnlyList<StoredSnapshot> ReadSnapshots(int shardId, SessionKey session) =>
        _sql.Snapshots.Bind(1, shardId).Bind(2, session.ToString())
            .ReadAll(row => new StoredSnapshot(row.Integer(0), row.Text(1), row.Blob(2)));

    public IReadOnlyList<JournalRow> ReadRows(int shardId, SessionKey session, long afterSequence, int rowsMax) =>
        _sql.Rows.Bind(1, shardId).Bind(2, session.ToString()).Bind(3, afterSequence).Bind(4, rowsMax).ReadAll(ReadRow);

    /// <summary>
    /// Numbered rows often stand close together, so a short scan finds the next ones; when a long stretch without numbers lies between
    /// (checkpoints of long transfers), a binary search jumps over it.
    /// </summary>
    public IReadOnlyList<JournalRow> ReadNumbered(int shardId, SessionKey session, long afterNumber, int rowsMax)
    {
        var found = new List<JournalRow>();
        var last = ReadHead(shardId, session)?.LastSequence ?? 0;
        while (found.Count < rowsMax && FindAfter(shardId, session, afterNumber, last) is { } sequence)
        {
            var before = found.Count;
            var rows = ReadRows(shardId, session, sequence - 1, rowsMax - found.Count);
            found.AddRange(rows.Where(row => row.Number > afterNumber));
            if (found.Count == before)
            {
                throw new JournalStoreException(
                    StoreFailure.Rejected, $"The journal of {session} is damaged: the event after {afterNumber} is missing.");
            }

            afterNumber = found[^1].Number!.Value;
        }

        return found;
    }

    /// <summary>The first row whose last number is higher; that row carries it. Null when there is none.</summary>
    private long? FindAfter(int shardId, SessionKey session, long number, long lastSequence)
    {
        var name = session.ToString();
        var first = _sql.FirstRow.Bind(1, shardId).Bind(2, name)
            .ReadFirst(row => (Sequence: row.Integer(0), Silent: row.Integer(1) == 1, LastNumber: row.Integer(2)));
        if (first.Sequence == 0)
            return null;
        if (first.Silent)
            number = Math.Max(number, first.LastNumber); // The row that carried this number was trimmed.
        var low = first.Sequence;
        var high = lastSequence + 1;
        _sql.LastNumber.Bind(1, shardId).Bind(2, name);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (_sql.LastNumber.Bind(3, middle).ReadFirst(row => row.Integer(0)) > number)
                high = middle;
            else
                low = middle + 1;
        }

        return low <= lastSequence ? low : null;
    }

    public IReadOnlyList<ArchivedTask> ListArchive(int shardId, SessionKey session, int generation, long afterOrdinal, int rowsMax) =>
        _sql.Archive.Bind(1, shardId).Bind(2, session.ToString()).Bind(3, generation).Bind(4, afterOrdinal).Bind(5, rowsMax)
            .ReadAll(row => ReadTask(row, generation));

    public IReadOnlyList<ArchivedTask> FindArchived(int shardId, SessionKey session, int generation, IReadOnlyList<TaskId> ids)
    {
        var read = _sql.ArchivedTask.Bind(1, shardId).Bind(2, session.ToString()).Bind(3, generation);
        var tasks = new List<ArchivedTask>();
        foreach (var id in ids)
        {
            if (read.Bind(4, id.ToString()).ReadFirst(row => ReadTask(row, generation)) is { } task)
                tasks.Add(task);
        }

        return tasks;
    }

    public OriginBook ReadOrigins(DateTimeOffset now) => new(
        now, _sql.Origins.Bind(1, IOriginStore.RowsMax).ReadAll(row => new OriginRow(row.Text(0), row.Integer(1), row.Text(2))));

    public bool WriteOrigin(string origin, long seenVersion, string payload, DateTimeOffset now) => Write("write an origin", () =>
    {
        _sql.ForgetOrigins.Bind(1, origin).Bind(2, SqliteTime.FromInstant(now.AddDays(-1))).Run();
        var write = seenVersion == 0 ? _sql.AddOrigin : _sql.ChangeOrigin;
        return write.Bind(1, origin).Bind(2, seenVersion).Bind(3, payload).Bind(4, SqliteTime.FromInstant(now)).Run() == 1;
    });

    public IReadOnlyList<DestinationClaim> FindClaims(SessionKey session, IReadOnlyList<Destination> destinations)
    {
        var read = _sql.OtherClaim.Bind(2, session.ToString());
        var claims = new List<DestinationClaim>();
        foreach (var destination in destinations)
        {
            if (read.Bind(1, destination.Text).ReadFirst(row => new DestinationClaim(destination, SessionKey.Parse(row.Text(0)), TaskId.Parse(row.Text(1)))) is { } claim)
                claims.Add(claim);
        }

        return claims;
    }

    public IReadOnlyList<ExpiredFile> ListExpiredFiles(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax)
    {
        var files = new List<ExpiredFile>();
        foreach (var grant in grants.Where(IsHeld))
        {
            var rows = _sql.ExpiredFiles.Bind(1, grant.ShardId).Bind(2, SqliteTime.FromInstant(until)).Bind(3, rowsMax).ReadAll(row => Known(
                row.Text(1),
                session => new ExpiredFile(grant.ShardId, session, new FileExpiry(
                    SqliteTime.ToInstant(row.Integer(0)), (int)row.Integer(2), row.Integer(3), new Destination(row.Text(4)), row.Text(5)))));
            files.AddRange(rows.OfType<ExpiredFile>());
        }

        return [.. files.OrderBy(file => file.Expiry.At).Take(rowsMax)];
    }

    public bool ForgetExpiredFiles(ShardGrant grant, IReadOnlyList<ExpiredFile> files) => Write("forget files", () =>
    {
        if (!IsHeld(grant))
            return false;
        foreach (var (_, session, expiry) in files)
        {
            _sql.ForgetExpiry.Bind(1, grant.ShardId).Bind(2, SqliteTime.FromInstant(expiry.At)).Bind(3, session.ToString()).Bind(4, expiry.Generation)
                .Bind(5, expiry.Ordinal).Run();
        }

        return true;
    });

    public IReadOnlyList<DueSession> ListDue(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax)
    {
        var due = new List<DueSession>();
        foreach (var grant in grants.Where(IsHeld))
        {
            var rows = _sql.Due.Bind(1, grant.ShardId).Bind(2, SqliteTime.FromInstant(until)).Bind(3, rowsMax)
                .ReadAll(row => Known(row.Text(0), session => new DueSession(grant.ShardId, session, SqliteTime.ToInstant(row.Integer(1)))));
            due.AddRange(rows.OfType<DueSession>());
        }

        return [.. due.OrderBy(session => session.WakeAt).Take(rowsMax)];
    }

    public SessionPage ListSessions(TenantId? tenant, string? afterKey, int rowsMax)
    {
        // '0' follows '/': the range holds exactly the keys that begin with "tenant/".
        var from = tenant is null ? "" : $"{tenant}/";
        var after = afterKey is not null && string.CompareOrdinal(afterKey, from) > 0 ? afterKey : from;
        var rows = _sql.HeadsByName.Bind(1, after).Bind(2, tenant is null ? "\uffff" : $"{tenant}0").Bind(3, rowsMax)
            .ReadAll(row => (Key: row.Text(1), Head: Known(row.Text(1), session => ReadHead(row, session))));
        List<SessionHead> heads = [.. rows.Select(row => row.Head).OfType<SessionHead>()];
        return new SessionPage(heads, rows.Count == rowsMax ? rows[^1].Key : null, rows.Count - heads.Count);
    }

    /// <summary>One key that cannot be read must not hide the others from lists.</summary>
    private T? Known<T>(string key, Func<SessionKey, T> read)
        where T : class
    {
        if (SessionKey.TryParse(key, out var session))
            return read(session);
        _unreadableKey(key);
        return null;
    }

    private void Append(SessionAppend append, long recordedAt)
    {
        var shard = append.Grant.ShardId;
        var session = append.Session.ToString();
        var lastSequence = append.FirstSequence + append.Rows.Count - 1;
        if (WriteHead(_sql.AdvanceHead, append, session, lastSequence) == 0 && WriteHead(_sql.UpsertHead, append, session, lastSequence) == 0)
            throw new JournalStoreException(StoreFailure.Conflict, $"The next row of {session} is not {append.FirstSequence}.");

        var insert = _sql.InsertRow.Bind(1, shard).Bind(2, session).Bind(4, append.Grant.Epoch).Bind(9, recordedAt);
        var sequence = append.FirstSequence;
        var lastNumber = append.Rows.FirstOrDefault(row => row.Number is not null).Number - 1 ?? append.Head.LastNumber;
        foreach (var row in append.Rows)
        {
            lastNumber = row.Number ?? lastNumber;
            insert.Bind(3, sequence++).Bind(6, row.Number).Bind(7, row.EventType).Bind(8, row.Payload.Span).Bind(10, lastNumber);
            if (row.Command is { } command)
                insert.Bind(5, command.Value);
            else
                insert.BindNull(5);
            insert.Run();
        }

        foreach (var task in append.Archive)
        {
            _sql.InsertArchived.Bind(1, shard).Bind(2, session).Bind(3, task.Generation).Bind(4, task.Ordinal)
                .Bind(5, task.Id.ToString()).Bind(6, task.Payload.Span).Run();
        }

        foreach (var expiry in append.Expiries)
        {
            _sql.InsertExpiry.Bind(1, shard).Bind(2, SqliteTime.FromInstant(expiry.At)).Bind(3, session).Bind(4, expiry.Generation).Bind(5, expiry.Ordinal)
                .Bind(6, expiry.Destination.Text).Bind(7, expiry.ETag).Run();
        }

        foreach (var (destination, task) in append.Claims)
        {
            if (task is null)
                _sql.Unclaim.Bind(1, destination.Text).Bind(2, session).Run();
            else if (_sql.Claim.Bind(1, destination.Text).Bind(2, session).Bind(3, task.Value.ToString()).Run() == 0)
                throw new JournalStoreException(StoreFailure.Taken, $"{destination} belongs to a task of another session.");
        }
    }

    private static int WriteHead(SqliteStatement write, SessionAppend append, string session, long lastSequence) =>
        write.Bind(1, append.Grant.ShardId).Bind(2, session).Bind(3, lastSequence).Bind(4, append.Grant.Epoch)
            .Bind(5, append.Head.LastNumber).Bind(6, append.Head.State).Bind(7, append.Head.Generation)
            .Bind(8, append.Head.WakeAt is { } wake ? SqliteTime.FromInstant(wake) : null).Bind(9, append.FirstSequence).Run();

    private T Write<T>(string doing, Func<T> work)
    {
        var committing = false;
        try
        {
            _sql.Begin.Run();
            var result = work();
            committing = true;
            _sql.Commit.Run();
            return result;
        }
        catch (SqliteFailure failure)
        {
            _database.RollbackIfOpen();
            throw SqliteErrors.ToStoreException(failure, doing, committing);
        }
        catch (Exception)
        {
            _database.RollbackIfOpen();
            throw;
        }
    }

    private static JournalRow ReadRow(SqliteStatement row) => new(
        row.Integer(0), row.Integer(1), row.Text(2), row.Blob(3), row.IntegerOrNull(4),
        row.GuidOrNull(5) is { } command ? new CommandId(command) : null, SqliteTime.ToInstant(row.Integer(6)));

    private static SessionHead ReadHead(SqliteStatement row, SessionKey session) => new(
        session, (int)row.Integer(0), row.Integer(2), row.Integer(3), row.Integer(4), row.Text(5),
        (int)row.Integer(6), row.Integer(7), row.IntegerOrNull(8) is { } wake ? SqliteTime.ToInstant(wake) : null);

    private static ArchivedTask ReadTask(SqliteStatement read, int generation) =>
        new(generation, read.Integer(0), TaskId.Parse(read.Text(1)), read.Blob(2));
}
