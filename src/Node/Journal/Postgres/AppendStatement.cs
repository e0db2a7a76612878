namespace Backhaul.Node.Journal.Postgres;

/// <summary>
/// The one statement that appends. Its parts:
/// <code>
///  held      locks the rows of the shards whose epoch and owner are still those of the grants. FOR SHARE, not FOR KEY SHARE: a take-over
///            changes no key, so only FOR SHARE makes it wait for the end of this transaction, and this statement for the end of a take-over.
///  heads     one row for a session. An existing head must stand right before the first new row, else its last_sequence becomes NULL
///            and the whole statement fails (23502). A new head must begin at row 1, else it is refused below.
///  appended, archived   what belongs to it; a key that is taken fails the whole statement (23505).
///  claimed, freed   destinations of tasks that begin and end. One that is another session's gets no session and so fails the whole statement (23502), and
///            one that two sessions of the batch want is a row touched twice (21000). In the order of the destinations, so that two batches wait for each
///            other one way only.
///  result    the ordinals of the grants that held. What belongs to the others was left out.
/// </code>
/// A proposed head carries the sequence before its first row in snapshot_sequence: for a new head that is 0, which is right, and for an
/// existing one it is only compared.
/// </summary>
internal static class AppendStatement
{
    public const string Lock = "FOR SHARE OF s";

    public const string Sql = $"""
        WITH held AS MATERIALIZED (
          SELECT g.ordinal, s.shard_id, s.epoch
          FROM unnest($1, $2, $3) WITH ORDINALITY AS g (shard_id, epoch, owner, ordinal)
          JOIN shard s ON s.shard_id = g.shard_id AND s.epoch = g.epoch AND s.owner_node_id = g.owner
          ORDER BY s.shard_id
          {Lock}
        ), heads AS (
          INSERT INTO session_head AS head (
            shard_id, session_id, last_sequence, last_epoch, last_number, state, generation, wake_at, snapshot_sequence, appends)
          SELECT h.shard_id, i.session_id, i.last_sequence, h.epoch, i.last_number, i.state, i.generation, i.wake_at, i.before,
                 CASE i.before WHEN 0 THEN 1 ELSE 0 END
          FROM unnest($4, $5, $6, $7, $8, $9, $10, $11)
               AS i (ordinal, session_id, before, last_sequence, last_number, state, generation, wake_at)
          JOIN held h USING (ordinal)
          ON CONFLICT (shard_id, session_id) DO UPDATE
             SET last_sequence = CASE WHEN head.last_sequence = excluded.snapshot_sequence THEN excluded.last_sequence END,
                 last_epoch = excluded.last_epoch, last_number = excluded.last_number, state = excluded.state,
                 generation = excluded.generation, wake_at = excluded.wake_at, appends = head.appends + 1
          RETURNING head.session_id, head.appends
        ), appended AS (
          INSERT INTO session_journal (shard_id, session_id, sequence, epoch, number, last_number, command_id, event_type, payload)
          SELECT h.shard_id, i.session_id, i.sequence, h.epoch, i.number, i.last_number, i.command_id, i.event_type, i.payload
          FROM unnest($12, $13, $14, $15, $16, $17, $18, $19)
               AS i (ordinal, session_id, sequence, number, last_number, command_id, event_type, payload)
          JOIN held h USING (ordinal)
        ), archived AS (
          INSERT INTO task_archive (shard_id, session_id, generation, ordinal, task_id, payload)
          SELECT h.shard_id, i.session_id, i.generation, i.task_ordinal, i.task_id, i.payload
          FROM unnest($20, $21, $22, $23, $24, $25) AS i (ordinal, session_id, generation, task_ordinal, task_id, payload)
          JOIN held h USING (ordinal)
        ), claimed AS (
          INSERT INTO destination_claim AS claim (destination, session_id, task_id)
          SELECT i.destination, i.session_id, i.task_id
          FROM unnest($26, $27, $28, $29) AS i (ordinal, destination, session_id, task_id)
          JOIN held h USING (ordinal)
          ORDER BY i.destination COLLATE "C"
          ON CONFLICT (destination) DO UPDATE
             SET session_id = CASE WHEN claim.session_id = excluded.session_id THEN excluded.session_id END, task_id = excluded.task_id
        ), expiring AS (
          INSERT INTO file_expiry (shard_id, expires_at, session_id, generation, ordinal, destination, etag)
          SELECT h.shard_id, i.expires_at, i.session_id, i.generation, i.task_ordinal, i.destination, i.etag
          FROM unnest($33, $34, $35, $36, $37, $38, $39) AS i (ordinal, expires_at, session_id, generation, task_ordinal, destination, etag)
          JOIN held h USING (ordinal)
        ), freed AS (
          DELETE FROM destination_claim claim
          USING unnest($30, $31, $32) AS i (ordinal, destination, session_id) JOIN held h USING (ordinal)
          WHERE claim.destination = i.destination AND claim.session_id = i.session_id
        )
        SELECT (SELECT array_agg(ordinal) FROM held), (SELECT refuse_append(session_id) FROM heads WHERE appends = 0 LIMIT 1)
        """;
}
