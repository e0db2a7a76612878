namespace Backhaul.Node.Journal.Sqlite;

/// <summary>
/// The tables of the embedded store: those of the cluster's store where one node needs them. The bundled SQLite is 3.35.5: STRICT tables
/// came with 3.37, so column types are kept by the only code that writes them. Keyed tables are WITHOUT ROWID. Times are integer
/// microseconds since 1970, ids 16 bytes, payloads blobs. There is no table of nodes: the file belongs to one node by its lock.
/// <c>session_journal.last_number</c> is the highest event number at or before a row. It only grows along the sequence, so "the rows
/// after number N" is a binary search over the primary key, and numbered rows need no index of their own: an index cost one more
/// changed page for every session of a commit, and those pages, not the rows, are what a commit is made of.
/// </summary>
internal static class SqliteSchema
{
    /// <summary>Stored as <c>user_version</c>. A higher one was written by a later build.</summary>
    public const int Version = 4;

    private const string Tables = """
        CREATE TABLE cluster_view (
          only_row integer PRIMARY KEY CHECK (only_row = 1),
          version integer NOT NULL,
          shard_count integer NOT NULL);
        CREATE TABLE shard (
          shard_id integer PRIMARY KEY,
          epoch integer NOT NULL DEFAULT 0,
          owner_node_id blob NULL);
        CREATE TABLE session_journal (
          shard_id integer NOT NULL,
          session_id text NOT NULL,
          sequence integer NOT NULL,
          epoch integer NOT NULL,
          command_id blob NULL,
          number integer NULL,
          last_number integer NOT NULL,
          event_type text NOT NULL,
          payload blob NOT NULL,
          recorded_at integer NOT NULL,
          PRIMARY KEY (shard_id, session_id, sequence)) WITHOUT ROWID;
        CREATE TABLE session_head (
          shard_id integer NOT NULL,
          session_id text NOT NULL,
          last_sequence integer NOT NULL,
          last_epoch integer NOT NULL,
          last_number integer NOT NULL,
          state text NOT NULL,
          generation integer NOT NULL,
          snapshot_sequence integer NOT NULL DEFAULT 0,
          wake_at integer NULL,
          PRIMARY KEY (shard_id, session_id)) WITHOUT ROWID;
        CREATE INDEX session_head_wake ON session_head (shard_id, wake_at) WHERE wake_at IS NOT NULL;
        CREATE INDEX session_head_name ON session_head (session_id);
        CREATE TABLE session_snapshot (
          shard_id integer NOT NULL,
          session_id text NOT NULL,
          sequence integer NOT NULL,
          epoch integer NOT NULL,
          format text NOT NULL,
          payload blob NOT NULL,
          PRIMARY KEY (shard_id, session_id, sequence));
        CREATE TABLE task_archive (
          shard_id integer NOT NULL,
          session_id text NOT NULL,
          generation integer NOT NULL,
          ordinal integer NOT NULL,
          task_id text NOT NULL,
          payload blob NOT NULL,
          PRIMARY KEY (shard_id, session_id, generation, ordinal)) WITHOUT ROWID;
        CREATE INDEX task_archive_task ON task_archive (shard_id, session_id, generation, task_id);
        """;

    /// <summary>
    /// What each later version adds, from 2 on. The key of a claim is the destination's text and not its hash: paths of one job share their beginning, so
    /// the rows of a commit lie on few pages.
    /// </summary>
    private static readonly string[] Additions =
    [
        """
        CREATE TABLE destination_claim (
          destination text NOT NULL PRIMARY KEY,
          session_id text NOT NULL,
          task_id text NOT NULL) WITHOUT ROWID;
        """,
        """
        CREATE TABLE origin_record (
          origin text NOT NULL PRIMARY KEY,
          version integer NOT NULL,
          payload text NOT NULL,
          changed_at integer NOT NULL) WITHOUT ROWID;
        """,
        """
        CREATE TABLE file_expiry (
          shard_id integer NOT NULL,
          expires_at integer NOT NULL,
          session_id text NOT NULL,
          generation integer NOT NULL,
          ordinal integer NOT NULL,
          destination text NOT NULL,
          etag text NOT NULL,
          PRIMARY KEY (shard_id, expires_at, session_id, generation, ordinal)) WITHOUT ROWID;
        """,
    ];

    /// <summary>Makes the file ready for this build; the caller holds the write lock of a transaction.</summary>
    public static void Apply(SqliteDatabase database, int shardCount, string path)
    {
        var version = database.ReadInteger("PRAGMA user_version");
        if (version > Version)
        {
            throw new JournalStoreException(
                StoreFailure.Rejected,
                $"The journal '{path}' has schema version {version}; this build knows up to {Version}. Start the build that wrote it, or a later one.");
        }

        if (version == 0)
        {
            if (database.ReadInteger("SELECT count(*) FROM sqlite_master") != 0)
            {
                throw new JournalStoreException(
                    StoreFailure.Rejected, $"'{path}' is an SQLite database, but not a journal. Name another data directory.");
            }

            database.Execute(Tables);
            database.Execute($"INSERT INTO cluster_view (only_row, version, shard_count) VALUES (1, 1, {shardCount})");
            database.Execute(
                $"""
                WITH RECURSIVE ids (id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM ids WHERE id + 1 < {shardCount})
                INSERT INTO shard (shard_id) SELECT id FROM ids
                """);
            version = 1;
        }

        if (version < Version)
        {
            foreach (var addition in Additions.Skip((int)version - 1))
                database.Execute(addition);
            database.Execute($"PRAGMA user_version = {Version}");
        }

        var known = database.ReadInteger("SELECT shard_count FROM cluster_view");
        if (known != shardCount)
        {
            throw new JournalStoreException(
                StoreFailure.Rejected,
                $"The journal '{path}' was created with {known} shards, and the configuration says {shardCount}. "
                + $"The number is fixed for life: set Backhaul:Cluster:ShardCount to {known}.");
        }
    }
}
