using Backhaul.Protocol;
using Npgsql;
using NpgsqlTypes;

namespace Backhaul.Node.Journal.Postgres;

/// <summary>
/// The store that the nodes of a cluster share. Every write is one statement, one round trip and one transaction, fenced by the rows of
/// the shards it concerns (AppendStatement): a node whose shard was claimed by another writes and reads nothing of it, whatever it believes.
/// Invariants: what a commit reports is durable when its call returns; a shard whose grant does not hold is left out of a batch, and
/// everything else that does not fit rolls the whole batch back; a call whose outcome cannot be known says so (PostgresErrors).
/// It keeps no state besides its connections. Called by JournalWriter (commits), ShardResolution (unknown outcomes), the session's
/// loader (reads in pages), ShardHost (due sessions) and the edges (lists).
/// </summary>
internal sealed partial class PostgresJournalStore(PostgresDatabase database, ILogger<PostgresJournalStore> logger) : IJournalStore
{
    /// <summary>Rows that are looked through for numbered ones at a time.</summary>
    private const int StretchMin = 500;

    /// <summary>Tests put a statement with a weaker fence here, to prove that they would notice it.</summary>
    public string AppendSql { get; init; } = AppendStatement.Sql;

    /// <summary>Measured with bench/JournalBench: more goes through than with one or two, and a single command does not wait longer.</summary>
    public int WritersBest => 4;

    public async ValueTask<CommitReport> CommitAsync(IReadOnlyList<SessionAppend> batch, CancellationToken stop)
    {
        if (batch.Count == 0)
            return CommitReport.Complete;
        var arrays = new AppendArrays(batch);
        return await database.WriteAsync(
            ConnectionKind.Append, "append", AppendSql, arrays.Bind,
            async reader =>
            {
                await reader.ReadAsync(CancellationToken.None);
                return arrays.Report(await reader.IsDBNullAsync(0, CancellationToken.None) ? null : reader.GetFieldValue<long[]>(0));
            },
            stop);
    }

    public async ValueTask<ShardGrant?> ReacquireAsync(ShardGrant grant, CancellationToken stop) => await database.WriteAsync(
        ConnectionKind.Claim, "re-acquire a shard", PostgresStatements.Reacquire, parameters => Bind(parameters, grant),
        async reader => await reader.ReadAsync(CancellationToken.None) ? grant with { Epoch = reader.GetInt64(0) } : (ShardGrant?)null,
        stop);

    public async ValueTask<long?> ReadLastSequenceAsync(ShardGrant grant, SessionKey session, CancellationToken stop) => await database.ReadAsync(
        "read where a session ends", PostgresStatements.LastSequence, parameters => Bind(parameters, grant, session),
        async reader => await reader.ReadAsync(stop) ? reader.GetInt64(0) : (long?)null,
        stop);

    public async ValueTask<SessionOpening?> OpenAsync(ShardGrant grant, SessionKey session, CancellationToken stop) => await database.ReadAsync(
        "open a session", PostgresStatements.Open, parameters => Bind(parameters, grant, session),
        async reader =>
        {
            if (!await reader.ReadAsync(stop))
                return null;
            var head = reader.IsDBNull(0) ? null : ReadHead(reader, session);
            var snapshots = new List<StoredSnapshot>(2);
            do
            {
                if (!reader.IsDBNull(9))
                    snapshots.Add(new StoredSnapshot(reader.GetInt64(9), reader.GetString(10), reader.GetFieldValue<byte[]>(11)));
            }
            while (await reader.ReadAsync(stop));
            return new SessionOpening(head, snapshots);
        },
        stop);

    public async ValueTask<IReadOnlyList<JournalRow>?> ReadRowsAsync(
        ShardGrant grant, SessionKey session, long afterSequence, int rowsMax, CancellationToken stop) => await database.ReadAsync(
        "read a session's journal", PostgresStatements.Rows,
        parameters => Bind(parameters, grant, session).With(afterSequence).With(rowsMax),
        reader => ReadFencedAsync(reader, ReadRow, stop),
        stop);

    public async ValueTask<IReadOnlyList<JournalRow>?> ReadNumberedAsync(
        ShardGrant grant, SessionKey session, long afterNumber, int rowsMax, CancellationToken stop)
    {
        var found = new List<JournalRow>();
        while (found.Count < rowsMax)
        {
            var left = rowsMax - found.Count;
            var rows = await database.ReadAsync(
                "read a session's events", PostgresStatements.Numbered,
                parameters => Bind(parameters, grant, session).With(afterNumber).With(left).With(Math.Max(left, StretchMin)),
                reader => ReadFencedAsync(reader, ReadRow, stop),
                stop);
            if (rows is null)
                return null;
            if (rows.Count == 0)
                break;
            found.AddRange(rows);
            afterNumber = rows[^1].Number!.Value;
        }

        return found;
    }

    public async ValueTask<bool> SaveSnapshotAsync(ShardGrant grant, SessionKey session, StoredSnapshot snapshot, CancellationToken stop) =>
        await database.WriteAsync(
            ConnectionKind.Append, "save a snapshot", PostgresStatements.SaveSnapshot,
            parameters => Bind(parameters, grant, session).With(snapshot.Sequence).With(snapshot.Format).With(snapshot.Payload),
            async reader =>
            {
                await reader.ReadAsync(CancellationToken.None);
                var held = reader.GetBoolean(0);
                if (held && !reader.GetBoolean(1))
                {
                    throw new JournalStoreException(
                        StoreFailure.Rejected, $"A snapshot of {session} at {snapshot.Sequence} covers rows that are not in the journal.");
                }

                return held;
            },
            stop);

    public async ValueTask<int?> TrimAsync(ShardGrant grant, SessionKey session, long upToSequence, int rowsMax, CancellationToken stop) =>
        await database.WriteAsync(
            ConnectionKind.Append, "trim a journal", PostgresStatements.Trim,
            parameters => Bind(parameters, grant, session).With(upToSequence).With(rowsMax),
            async reader =>
            {
                await reader.ReadAsync(CancellationToken.None);
                return reader.GetBoolean(0) ? reader.GetInt32(1) : (int?)null;
            },
            stop);

    public async ValueTask<IReadOnlyList<ArchivedTask>?> ListArchiveAsync(
        ShardGrant grant, SessionKey session, int generation, long afterOrdinal, int rowsMax, CancellationToken stop) => await database.ReadAsync(
        "list ended tasks", PostgresStatements.Archive,
        parameters => Bind(parameters, grant, session).With(generation).With(afterOrdinal).With(rowsMax),
        reader => ReadFencedAsync(reader, row => ReadTask(row, generation), stop),
        stop);

    public async ValueTask<IReadOnlyList<ArchivedTask>?> FindArchivedAsync(
        ShardGrant grant, SessionKey session, int generation, IReadOnlyList<TaskId> ids, CancellationToken stop) => await database.ReadAsync(
        "find ended tasks", PostgresStatements.ArchivedTasks,
        parameters => Bind(parameters, grant, session).With(generation)
            .WithArray(NpgsqlDbType.Text, ids.Select(static id => id.ToString()).ToArray()),
        reader => ReadFencedAsync(reader, row => ReadTask(row, generation), stop),
        stop);

    public async ValueTask<IReadOnlyList<DestinationClaim>?> FindClaimsAsync(
        ShardGrant grant, SessionKey session, IReadOnlyList<Destination> destinations, CancellationToken stop) => await database.ReadAsync(
        "look destinations up", PostgresStatements.Claims,
        parameters => Bind(parameters, grant, session).WithArray(NpgsqlDbType.Text, destinations.Select(static destination => destination.Text).ToArray()),
        reader => ReadFencedAsync(
            reader, static row => new DestinationClaim(new Destination(row.GetString(0)), SessionKey.Parse(row.GetString(1)), TaskId.Parse(row.GetString(2))), stop),
        stop);

    public async ValueTask<IReadOnlyList<ExpiredFile>> ListExpiredFilesAsync(
        IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) => await database.ReadAsync(
        "list expired files", PostgresStatements.ExpiredFiles,
        parameters => parameters
            .WithArray(NpgsqlDbType.Integer, grants.Select(static grant => grant.ShardId).ToArray())
            .WithArray(NpgsqlDbType.Bigint, grants.Select(static grant => grant.Epoch).ToArray())
            .WithArray(NpgsqlDbType.Uuid, grants.Select(static grant => grant.Node.Value).ToArray())
            .With(until).With(rowsMax),
        async reader =>
        {
            var files = new List<ExpiredFile>();
            while (await reader.ReadAsync(stop))
            {
                if (Known(reader.GetString(1)) is { } session)
                {
                    files.Add(new ExpiredFile(reader.GetInt32(0), session, new FileExpiry(
                        reader.GetFieldValue<DateTimeOffset>(2), reader.GetInt32(3), reader.GetInt64(4), new Destination(reader.GetString(5)), reader.GetString(6))));
                }
            }

            return (IReadOnlyList<ExpiredFile>)files;
        },
        stop);

    public async ValueTask<bool> ForgetExpiredFilesAsync(ShardGrant grant, IReadOnlyList<ExpiredFile> files, CancellationToken stop) => await database.WriteAsync(
        ConnectionKind.Append, "forget expired files", PostgresStatements.ForgetExpired,
        parameters => Bind(parameters, grant)
            .WithArray(NpgsqlDbType.Text, files.Select(static file => file.Session.ToString()).ToArray())
            .WithArray(NpgsqlDbType.TimestampTz, files.Select(static file => file.Expiry.At.UtcDateTime).ToArray())
            .WithArray(NpgsqlDbType.Integer, files.Select(static file => file.Expiry.Generation).ToArray())
            .WithArray(NpgsqlDbType.Bigint, files.Select(static file => file.Expiry.Ordinal).ToArray()),
        async reader =>
        {
            await reader.ReadAsync(CancellationToken.None);
            return reader.GetBoolean(0);
        },
        stop);

    public async ValueTask<IReadOnlyList<DueSession>> ListDueAsync(
        IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) => await database.ReadAsync(
        "list due sessions", PostgresStatements.Due,
        parameters => parameters
            .WithArray(NpgsqlDbType.Integer, grants.Select(static grant => grant.ShardId).ToArray())
            .WithArray(NpgsqlDbType.Bigint, grants.Select(static grant => grant.Epoch).ToArray())
            .WithArray(NpgsqlDbType.Uuid, grants.Select(static grant => grant.Node.Value).ToArray())
            .With(until).With(rowsMax),
        async reader =>
        {
            var due = new List<DueSession>();
            while (await reader.ReadAsync(stop))
            {
                if (Known(reader.GetString(1)) is { } session)
                    due.Add(new DueSession(reader.GetInt32(0), session, reader.GetFieldValue<DateTimeOffset>(2)));
            }

            return due;
        },
        stop);

    public async ValueTask<SessionPage> ListSessionsAsync(TenantId? tenant, string? afterKey, int rowsMax, CancellationToken stop)
    {
        // '0' follows '/': the range holds exactly the keys that begin with "tenant/".
        var from = tenant is null ? "" : $"{tenant}/";
        var after = afterKey is not null && string.CompareOrdinal(afterKey, from) > 0 ? afterKey : from;
        return await database.ReadAsync(
            "list sessions", PostgresStatements.HeadsByName,
            parameters => parameters.With(after).With(tenant is null ? null : $"{tenant}0").With(rowsMax),
            async reader =>
            {
                var heads = new List<SessionHead>();
                var rows = 0;
                string? last = null;
                for (; await reader.ReadAsync(stop); rows++)
                {
                    last = reader.GetString(1);
                    if (Known(last) is { } session)
                        heads.Add(ReadHead(reader, session));
                }

                return new SessionPage(heads, rows == rowsMax ? last : null, rows - heads.Count);
            },
            stop);
    }

    /// <summary>No row: fenced. One row of nothing: held, and there is nothing.</summary>
    private static async ValueTask<IReadOnlyList<T>?> ReadFencedAsync<T>(NpgsqlDataReader reader, Func<NpgsqlDataReader, T> read, CancellationToken stop)
    {
        if (!await reader.ReadAsync(stop))
            return null;
        var rows = new List<T>();
        if (reader.IsDBNull(0))
            return rows;
        do
        {
            rows.Add(read(reader));
        }
        while (await reader.ReadAsync(stop));
        return rows;
    }

    /// <summary>One key that cannot be read must not hide the others from lists.</summary>
    private SessionKey? Known(string key)
    {
        if (SessionKey.TryParse(key, out var session))
            return session;
        LogUnreadableKey(key);
        return null;
    }

    private static NpgsqlParameterCollection Bind(NpgsqlParameterCollection parameters, ShardGrant grant) =>
        parameters.With(grant.ShardId).With(grant.Epoch).With(grant.Node.Value);

    private static NpgsqlParameterCollection Bind(NpgsqlParameterCollection parameters, ShardGrant grant, SessionKey session) =>
        Bind(parameters, grant).With(session.ToString());

    private static JournalRow ReadRow(NpgsqlDataReader row) => new(
        row.GetInt64(0), row.GetInt64(1), row.GetString(2), row.GetFieldValue<byte[]>(3), row.IsDBNull(4) ? null : row.GetInt64(4),
        row.IsDBNull(5) ? null : new CommandId(row.GetGuid(5)), row.GetFieldValue<DateTimeOffset>(6));

    private static SessionHead ReadHead(NpgsqlDataReader row, SessionKey session) => new(
        session, row.GetInt32(0), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetString(5), row.GetInt32(6), row.GetInt64(7),
        row.IsDBNull(8) ? null : row.GetFieldValue<DateTimeOffset>(8));

    private static ArchivedTask ReadTask(NpgsqlDataReader row, int generation) =>
        new(generation, row.GetInt64(0), TaskId.Parse(row.GetString(1)), row.GetFieldValue<byte[]>(2));
}
