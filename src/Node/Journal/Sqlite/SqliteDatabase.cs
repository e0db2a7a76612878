using SQLitePCL;

namespace Backhaul.Node.Journal.Sqlite;

/// <summary>
/// A thin layer over the native library, for one thread. ADO.NET is left out on purpose: the journal needs prepared statements that
/// are bound and stepped hundreds of times in a transaction, and result codes, and nothing of the rest.
/// </summary>
internal sealed class SqliteDatabase : IDisposable
{
    private readonly sqlite3 _handle;
    private readonly List<SqliteStatement> _statements = [];

    static SqliteDatabase() => Batteries_V2.Init();

    private SqliteDatabase(sqlite3 handle) => _handle = handle;

    /// <summary>Rows that the last statement changed.</summary>
    public int Changes => raw.sqlite3_changes(_handle);

    public bool InTransaction => raw.sqlite3_get_autocommit(_handle) == 0;

    public static SqliteDatabase Open(string path, TimeSpan busyTimeout)
    {
        var code = raw.sqlite3_open_v2(path, out var handle, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE, null);
        if (code != raw.SQLITE_OK)
        {
            var failure = new SqliteFailure(code, raw.sqlite3_errstr(code).utf8_to_string(), $"open {path}");
            raw.sqlite3_close_v2(handle);
            throw failure;
        }

        _ = raw.sqlite3_extended_result_codes(handle, 1);
        _ = raw.sqlite3_busy_timeout(handle, (int)busyTimeout.TotalMilliseconds);
        return new SqliteDatabase(handle);
    }

    /// <summary>A statement that lives as long as this connection.</summary>
    public SqliteStatement Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v2(_handle, sql, out var handle), "prepare");
        var statement = new SqliteStatement(this, handle);
        _statements.Add(statement);
        return statement;
    }

    /// <summary>Runs statements that give no rows of interest.</summary>
    public void Execute(string sql) => Check(raw.sqlite3_exec(_handle, sql), Head(sql));

    /// <summary>The first column of the first row as text; null when there is no row.</summary>
    public string? ReadText(string sql)
    {
        Check(raw.sqlite3_prepare_v2(_handle, sql, out var handle), Head(sql));
        using (handle)
        {
            var code = raw.sqlite3_step(handle);
            if (code == raw.SQLITE_ROW)
                return raw.sqlite3_column_text(handle, 0).utf8_to_string();
            return code == raw.SQLITE_DONE ? null : throw Failure(code, Head(sql));
        }
    }

    public long ReadInteger(string sql) => long.Parse(ReadText(sql) ?? "0");

    /// <summary>Rolls back when SQLite has not done so by itself, as it does on a full disk.</summary>
    public void RollbackIfOpen()
    {
        if (InTransaction)
            Execute("ROLLBACK");
    }

    public void Check(int code, string doing)
    {
        if (code != raw.SQLITE_OK)
            throw Failure(code, doing);
    }

    public SqliteFailure Failure(int code, string doing) => new(code, raw.sqlite3_errmsg(_handle).utf8_to_string(), doing);

    public void Dispose()
    {
        foreach (var statement in _statements)
            statement.Dispose();
        raw.sqlite3_close_v2(_handle);
        _handle.Dispose();
    }

    private static string Head(string sql) => sql.Length <= 40 ? sql : string.Concat(sql.AsSpan(0, 40).Trim(), "…");
}
