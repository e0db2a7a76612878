namespace Backhaul.Node.Journal.Sqlite;

/// <summary>Every statement of the store, prepared once when the file is opened.</summary>
internal sealed class SqliteStatements(SqliteDatabase database)
{
    private const string HeadColumns =
        "shard_id, session_id, last_sequence, last_epoch, last_number, state, generation, snapshot_sequence, wake_at";

    private const string RowColumns = "sequence, epoch, event_type, payload, number, command_id, recorded_at";

    private const string OfSession = "shard_id = ?1 AND session_id = ?2";

    public SqliteStatement Begin { get; } = database.Prepare("BEGIN IMMEDIATE");

    public SqliteStatement Commit { get; } = database.Prepare("COMMIT");

    public SqliteStatement TakeAll { get; } = database.Prepare("UPDATE shard SET epoch = epoch + 1, owner_node_id = ?1");

    public SqliteStatement ReleaseAll { get; } = database.Prepare(
        "UPDATE shard SET epoch = epoch + 1, owner_node_id = NULL WHERE owner_node_id = ?1");

    public SqliteStatement Grants { get; } = database.Prepare(
        "SELECT shard_id, epoch FROM shard WHERE owner_node_id = ?1 ORDER BY shard_id");

    public SqliteStatement Reacquire { get; } = database.Prepare(
        "UPDATE shard SET epoch = epoch + 1 WHERE shard_id = ?1 AND epoch = ?2 AND owner_node_id = ?3");

    public SqliteStatement Held { get; } = database.Prepare(
        "SELECT 1 FROM shard WHERE shard_id = ?1 AND epoch = ?2 AND owner_node_id = ?3");

    // The usual append leaves the wake time as it is; then no index entry changes.
    public SqliteStatement AdvanceHead { get; } = database.Prepare(
        $"""
        UPDATE session_head SET last_sequence = ?3, last_epoch = ?4, last_number = ?5, state = ?6, generation = ?7
         WHERE {OfSession} AND last_sequence = ?9 - 1 AND wake_at IS ?8
        """);

    public SqliteStatement UpsertHead { get; } = database.Prepare(
        """
        INSERT INTO session_head AS head (shard_id, session_id, last_sequence, last_epoch, last_number, state, generation, wake_at)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
         WHERE ?9 = 1 OR EXISTS (SELECT 1 FROM session_head WHERE shard_id = ?1 AND session_id = ?2)
        ON CONFLICT (shard_id, session_id) DO UPDATE
           SET last_sequence = excluded.last_sequence, last_epoch = excluded.last_epoch, last_number = excluded.last_number,
               state = excluded.state, generation = excluded.generation, wake_at = excluded.wake_at
         WHERE head.last_sequence = ?9 - 1
        """);

    public SqliteStatement InsertRow { get; } = database.Prepare(
        """
        INSERT INTO session_journal (shard_id, session_id, sequence, epoch, command_id, number, event_type, payload, recorded_at, last_number)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        """);

    public SqliteStatement InsertArchived { get; } = database.Prepare(
        "INSERT INTO task_archive (shard_id, session_id, generation, ordinal, task_id, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");

    // A row of another session stays, and then no row was changed.
    public SqliteStatement Claim { get; } = database.Prepare(
        """
        INSERT INTO destination_claim AS claim (destination, session_id, task_id) VALUES (?1, ?2, ?3)
        ON CONFLICT (destination) DO UPDATE SET task_id = excluded.task_id WHERE claim.session_id = excluded.session_id
        """);

    public SqliteStatement Unclaim { get; } = database.Prepare("DELETE FROM destination_claim WHERE destination = ?1 AND session_id = ?2");

    public SqliteStatement OtherClaim { get; } = database.Prepare(
        "SELECT session_id, task_id FROM destination_claim WHERE destination = ?1 AND session_id <> ?2");

    public SqliteStatement InsertExpiry { get; } = database.Prepare(
        "INSERT INTO file_expiry (shard_id, expires_at, session_id, generation, ordinal, destination, etag) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");

    public SqliteStatement ExpiredFiles { get; } = database.Prepare(
        """
        SELECT expires_at, session_id, generation, ordinal, destination, etag FROM file_expiry
         WHERE shard_id = ?1 AND expires_at <= ?2 ORDER BY expires_at LIMIT ?3
        """);

    public SqliteStatement ForgetExpiry { get; } = database.Prepare(
        "DELETE FROM file_expiry WHERE shard_id = ?1 AND expires_at = ?2 AND session_id = ?3 AND generation = ?4 AND ordinal = ?5");

    public SqliteStatement HeadSnapshot { get; } = database.Prepare(
        $"UPDATE session_head SET snapshot_sequence = max(snapshot_sequence, ?3) WHERE {OfSession} AND last_sequence >= ?3");

    public SqliteStatement SaveSnapshot { get; } = database.Prepare(
        """
        INSERT OR REPLACE INTO session_snapshot (shard_id, session_id, sequence, epoch, format, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        """);

    public SqliteStatement DropSnapshots { get; } = database.Prepare(
        $"""
        DELETE FROM session_snapshot WHERE {OfSession} AND sequence NOT IN
          (SELECT sequence FROM session_snapshot WHERE {OfSession} ORDER BY sequence DESC LIMIT 2)
        """);

    // Never beyond the older of two snapshots: without it a damaged newest snapshot could not be survived.
    public SqliteStatement Trim { get; } = database.Prepare(
        $"""
        DELETE FROM session_journal WHERE {OfSession} AND sequence <= min(
          ?3,
          (SELECT CASE count(*) WHEN 2 THEN min(sequence) ELSE 0 END FROM session_snapshot WHERE {OfSession}),
          (SELECT min(sequence) + ?4 - 1 FROM session_journal WHERE {OfSession}))
        """);

    public SqliteStatement Head { get; } = database.Prepare($"SELECT {HeadColumns} FROM session_head WHERE {OfSession}");

    public SqliteStatement HeadsByName { get; } = database.Prepare(
        $"SELECT {HeadColumns} FROM session_head WHERE session_id > ?1 AND session_id < ?2 ORDER BY session_id LIMIT ?3");

    public SqliteStatement Snapshots { get; } = database.Prepare(
        $"SELECT sequence, format, payload FROM session_snapshot WHERE {OfSession} ORDER BY sequence DESC LIMIT 2");

    public SqliteStatement Rows { get; } = database.Prepare(
        $"SELECT {RowColumns} FROM session_journal WHERE {OfSession} AND sequence > ?3 ORDER BY sequence LIMIT ?4");

    public SqliteStatement FirstRow { get; } = database.Prepare(
        $"SELECT sequence, number IS NULL, last_number FROM session_journal WHERE {OfSession} ORDER BY sequence LIMIT 1");

    public SqliteStatement LastNumber { get; } = database.Prepare(
        $"SELECT last_number FROM session_journal WHERE {OfSession} AND sequence = ?3");

    public SqliteStatement Archive { get; } = database.Prepare(
        $"SELECT ordinal, task_id, payload FROM task_archive WHERE {OfSession} AND generation = ?3 AND ordinal > ?4 ORDER BY ordinal LIMIT ?5");

    public SqliteStatement ArchivedTask { get; } = database.Prepare(
        $"SELECT ordinal, task_id, payload FROM task_archive WHERE {OfSession} AND generation = ?3 AND task_id = ?4");

    public SqliteStatement Origins { get; } = database.Prepare("SELECT origin, version, payload FROM origin_record ORDER BY origin LIMIT ?1");

    public SqliteStatement AddOrigin { get; } = database.Prepare(
        "INSERT INTO origin_record (origin, version, payload, changed_at) VALUES (?1, ?2 + 1, ?3, ?4) ON CONFLICT DO NOTHING");

    public SqliteStatement ChangeOrigin { get; } = database.Prepare(
        "UPDATE origin_record SET version = version + 1, payload = ?3, changed_at = ?4 WHERE origin = ?1 AND version = ?2");

    public SqliteStatement ForgetOrigins { get; } = database.Prepare(
        "DELETE FROM origin_record WHERE payload = '' AND origin <> ?1 AND changed_at < ?2");

    public SqliteStatement Due { get; } = database.Prepare(
        "SELECT session_id, wake_at FROM session_head WHERE shard_id = ?1 AND wake_at <= ?2 ORDER BY wake_at LIMIT ?3");
}
