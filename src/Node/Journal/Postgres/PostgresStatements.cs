namespace Backhaul.Node.Journal.Postgres;

/// <summary>
/// Every statement besides the append. Parameters 1 to 3 are a grant, 4 the session, the others in order. Each checks the grant itself and gives
/// no row when it is not held any more. Writes, and the reads that decide (loading a session, settling an unknown outcome), lock the
/// shard's row like an append does, and so wait for a take-over in flight; pages and lists compare epoch and owner in their own snapshot.
/// </summary>
internal static class PostgresStatements
{
    private const string Grant = "shard_id = $1 AND epoch = $2 AND owner_node_id = $3";

    private const string Locked = $"WITH held AS MATERIALIZED (SELECT s.shard_id, s.epoch FROM shard s WHERE {Grant} FOR SHARE OF s)";

    private const string Held = $"(SELECT 1 FROM shard WHERE {Grant}) held";

    private const string OfSession = "shard_id = $1 AND session_id = $4";

    private const string HeadColumns =
        "shard_id, session_id, last_sequence, last_epoch, last_number, state, generation, snapshot_sequence, wake_at";

    private const string RowColumns = "sequence, epoch, event_type, payload, number, command_id, recorded_at";

    public const string Reacquire = $"UPDATE shard SET epoch = epoch + 1 WHERE {Grant} RETURNING epoch";

    public const string LastSequence = $"""
        {Locked}
        SELECT coalesce(h.last_sequence, 0) FROM held
        LEFT JOIN LATERAL (SELECT last_sequence FROM session_head WHERE {OfSession}) h ON true
        """;

    public const string Open = $"""
        {Locked}
        SELECT h.*, s.sequence, s.format, s.payload FROM held
        LEFT JOIN LATERAL (SELECT {HeadColumns} FROM session_head WHERE {OfSession}) h ON true
        LEFT JOIN LATERAL (
          SELECT sequence, format, payload FROM session_snapshot WHERE {OfSession} ORDER BY sequence DESC LIMIT 2) s ON true
        ORDER BY s.sequence DESC
        """;

    public const string Rows = $"""
        SELECT r.* FROM {Held}
        LEFT JOIN LATERAL (
          SELECT {RowColumns} FROM session_journal WHERE {OfSession} AND sequence > $5 ORDER BY sequence LIMIT $6) r ON true
        ORDER BY r.sequence
        """;

    /// <summary>
    /// The rows after event $5: bisects last_number, which only grows along the sequence, then reads a stretch of $7 rows and gives the
    /// numbered ones among them, at most $6. When the first row carries no number, the one that carried its last_number was trimmed.
    /// </summary>
    public const string Numbered = $"""
        WITH RECURSIVE bounds AS MATERIALIZED (
          SELECT f.sequence AS low, h.last_sequence + 1 AS high, h.last_sequence AS last,
                 CASE WHEN f.number IS NULL THEN greatest($5, f.last_number) ELSE $5 END AS wanted
          FROM {Held},
               LATERAL (SELECT last_sequence FROM session_head WHERE {OfSession}) h,
               LATERAL (SELECT sequence, number, last_number FROM session_journal WHERE {OfSession} ORDER BY sequence LIMIT 1) f
        ), search (low, high, wanted, last) AS (
          SELECT low, high, wanted, last FROM bounds
          UNION ALL
          SELECT CASE WHEN m.last_number > s.wanted THEN s.low ELSE s.low + (s.high - s.low) / 2 + 1 END,
                 CASE WHEN m.last_number > s.wanted THEN s.low + (s.high - s.low) / 2 ELSE s.high END, s.wanted, s.last
          FROM search s,
               LATERAL (SELECT last_number FROM session_journal WHERE {OfSession} AND sequence = s.low + (s.high - s.low) / 2) m
          WHERE s.low < s.high
        ), found AS MATERIALIZED (
          SELECT low, wanted FROM search WHERE low >= high AND low <= last
        )
        SELECT r.* FROM {Held}
        LEFT JOIN LATERAL (
          SELECT {RowColumns} FROM session_journal
          WHERE {OfSession} AND sequence >= (SELECT low FROM found) AND sequence < (SELECT low FROM found) + $7 AND number > $5
          ORDER BY sequence LIMIT $6) r ON true
        ORDER BY r.sequence
        """;

    /// <summary>Gives one row: whether the grant holds, whether the journal reaches that far. Keeps the newest two.</summary>
    public const string SaveSnapshot = $"""
        {Locked}, covered AS (
          UPDATE session_head SET snapshot_sequence = greatest(snapshot_sequence, $5)
          WHERE {OfSession} AND last_sequence >= $5 AND EXISTS (SELECT 1 FROM held)
          RETURNING 1
        ), kept AS MATERIALIZED (
          SELECT sequence FROM (SELECT sequence FROM session_snapshot WHERE {OfSession} UNION SELECT $5) known ORDER BY sequence DESC LIMIT 2
        ), saved AS (
          INSERT INTO session_snapshot (shard_id, session_id, sequence, epoch, format, payload)
          SELECT $1, $4, $5, $2, $6, $7 WHERE EXISTS (SELECT 1 FROM covered) AND $5 IN (SELECT sequence FROM kept)
          ON CONFLICT (shard_id, session_id, sequence) DO UPDATE SET epoch = excluded.epoch, format = excluded.format, payload = excluded.payload
        ), dropped AS (
          DELETE FROM session_snapshot
          WHERE {OfSession} AND sequence NOT IN (SELECT sequence FROM kept) AND EXISTS (SELECT 1 FROM covered)
        )
        SELECT EXISTS (SELECT 1 FROM held), EXISTS (SELECT 1 FROM covered)
        """;

    /// <summary>
    /// Gives one row: whether the grant holds, how many rows went. Never beyond the older of two snapshots: without it a damaged newest
    /// snapshot could not be survived.
    /// </summary>
    public const string Trim = $"""
        {Locked}, bound AS MATERIALIZED (
          SELECT least($5,
            (SELECT CASE count(*) WHEN 2 THEN min(sequence) ELSE 0 END FROM (
               SELECT sequence FROM session_snapshot WHERE {OfSession} ORDER BY sequence DESC LIMIT 2) newest),
            (SELECT sequence + $6 - 1 FROM session_journal WHERE {OfSession} ORDER BY sequence LIMIT 1)) AS sequence
          FROM held
        ), gone AS (
          DELETE FROM session_journal WHERE {OfSession} AND sequence <= (SELECT sequence FROM bound) RETURNING 1
        )
        SELECT EXISTS (SELECT 1 FROM held), (SELECT count(*)::int FROM gone)
        """;

    public const string Archive = $"""
        SELECT a.* FROM {Held}
        LEFT JOIN LATERAL (
          SELECT ordinal, task_id, payload FROM task_archive
          WHERE {OfSession} AND generation = $5 AND ordinal > $6 ORDER BY ordinal LIMIT $7) a ON true
        ORDER BY a.ordinal
        """;

    public const string ArchivedTasks = $"""
        SELECT a.* FROM {Held}
        LEFT JOIN LATERAL (
          SELECT t.ordinal, t.task_id, t.payload, i.place
          FROM unnest($6) WITH ORDINALITY AS i (task_id, place),
               LATERAL (SELECT ordinal, task_id, payload FROM task_archive
                        WHERE {OfSession} AND generation = $5 AND task_id = i.task_id LIMIT 1) t) a ON true
        ORDER BY a.place
        """;

    /// <summary>$1 to $3 are arrays of grants here, $4 an instant, $5 how many.</summary>
    public const string ExpiredFiles = """
        SELECT e.shard_id, e.session_id, e.expires_at, e.generation, e.ordinal, e.destination, e.etag
        FROM unnest($1, $2, $3) AS g (shard_id, epoch, owner)
        JOIN shard s ON s.shard_id = g.shard_id AND s.epoch = g.epoch AND s.owner_node_id = g.owner
        CROSS JOIN LATERAL (SELECT * FROM file_expiry WHERE shard_id = s.shard_id AND expires_at <= $4 ORDER BY expires_at LIMIT $5) e
        ORDER BY e.expires_at LIMIT $5
        """;

    /// <summary>Gives one row: whether the grant holds.</summary>
    public const string ForgetExpired = $"""
        {Locked}, gone AS (
          DELETE FROM file_expiry e
          USING unnest($4, $5, $6, $7) AS i (session_id, expires_at, generation, ordinal), held h
          WHERE e.shard_id = h.shard_id AND e.expires_at = i.expires_at AND e.session_id = i.session_id
            AND e.generation = i.generation AND e.ordinal = i.ordinal
        )
        SELECT EXISTS (SELECT 1 FROM held)
        """;

    public const string Claims = $"""
        SELECT c.* FROM {Held}
        LEFT JOIN LATERAL (
          SELECT destination, session_id, task_id FROM destination_claim WHERE destination = ANY ($5) AND session_id <> $4) c ON true
        """;

    /// <summary>$1 to $3 are arrays of grants here, $4 an instant, $5 how many.</summary>
    public const string Due = """
        SELECT h.shard_id, h.session_id, h.wake_at
        FROM unnest($1, $2, $3) AS g (shard_id, epoch, owner)
        JOIN shard s ON s.shard_id = g.shard_id AND s.epoch = g.epoch AND s.owner_node_id = g.owner
        CROSS JOIN LATERAL (
          SELECT shard_id, session_id, wake_at FROM session_head
          WHERE shard_id = s.shard_id AND wake_at <= $4 ORDER BY wake_at LIMIT $5) h
        ORDER BY h.wake_at LIMIT $5
        """;

    /// <summary>$1 and $2 bound the key from below and above, both exclusive; without an upper bound $2 is NULL.</summary>
    public const string HeadsByName = $"""
        SELECT {HeadColumns} FROM session_head
        WHERE session_id > $1 AND ($2 IS NULL OR session_id < $2) ORDER BY session_id LIMIT $3
        """;
}
