namespace Backhaul.Node.Journal.Postgres;

/// <summary>
/// Statements about members and shards. The database's clock is the only one: it is read where a row is compared (clock_timestamp, not
/// now), and no node sends a time. Whoever changes the membership raises the view's version in the same statement.
/// </summary>
internal static class ClusterStatements
{
    public const string Channel = "backhaul_cluster";

    public const string Facts = "SELECT name, shard_count, lease_ms, secret FROM cluster_view";

    public const string Found = """
        WITH founded AS (INSERT INTO cluster_view (name, version, shard_count, lease_ms, secret) VALUES ($1, 1, $2, $3, $4) RETURNING shard_count)
        INSERT INTO shard (shard_id) SELECT id FROM founded, generate_series(0, shard_count - 1) AS id
        """;

    private const string Raise = "UPDATE cluster_view SET version = version + 1";

    private const string Notify = $"pg_notify('{Channel}', '')";

    /// <summary>
    /// Gives a row when the member is in. A second try of the same incarnation finds itself; one that was declared dead stays out. Members that went
    /// more than a day ago and own nothing are forgotten.
    /// </summary>
    public const string Join = $"""
        WITH forgotten AS (
          DELETE FROM node n
          WHERE n.state IN ('left', 'dead') AND n.lease_expires_at + interval '1 day' < clock_timestamp()
            AND NOT EXISTS (SELECT 1 FROM shard s WHERE s.owner_node_id = n.node_id)
        ), joined AS (
          INSERT INTO node (node_id, node_name, address, build, state, lease_expires_at)
          SELECT $1, $2, $3, $4, 'active', clock_timestamp() + make_interval(secs => lease_ms / 1000.0) FROM cluster_view
          ON CONFLICT (node_id) DO UPDATE SET lease_expires_at = excluded.lease_expires_at WHERE node.state = 'active'
          RETURNING 1
        ), raised AS ({Raise} WHERE EXISTS (SELECT 1 FROM joined))
        SELECT {Notify} FROM joined
        """;

    /// <summary>One row, one snapshot: members as arrays, shards as arrays.</summary>
    public const string View = """
        SELECT v.version, m.*, s.*
        FROM cluster_view v,
             (SELECT array_agg(node_id), array_agg(node_name), array_agg(address), array_agg(build), array_agg(state),
                     array_agg(lease_expires_at - clock_timestamp())
              FROM node n
              WHERE state IN ('active', 'draining') OR EXISTS (SELECT 1 FROM shard o WHERE o.owner_node_id = n.node_id)) m,
             (SELECT array_agg(shard_id ORDER BY shard_id), array_agg(epoch ORDER BY shard_id), array_agg(owner_node_id ORDER BY shard_id),
                     array_agg(takeovers ORDER BY shard_id)
              FROM shard) s
        """;

    /// <summary>Active to draining, active or draining to left. Gives a row when it changed.</summary>
    public const string Move = $"""
        WITH moved AS (
          UPDATE node SET state = $2
          WHERE node_id = $1 AND (state = 'active' AND $2 IN ('draining', 'left') OR state = 'draining' AND $2 = 'left')
          RETURNING 1
        ), raised AS ({Raise} WHERE EXISTS (SELECT 1 FROM moved))
        SELECT {Notify} FROM moved
        """;

    public const string DeclareDead = $"""
        WITH gone AS (
          UPDATE node SET state = 'dead'
          WHERE node_id = $1 AND state IN ('active', 'draining') AND lease_expires_at + interval '1 second' < clock_timestamp()
          RETURNING 1
        ), raised AS ({Raise} WHERE EXISTS (SELECT 1 FROM gone))
        SELECT {Notify} FROM gone
        """;

    /// <summary>
    /// Compare and swap; waits for an append in flight, which holds the row's lock. After such a wait the row's own columns are
    /// compared again, so of two claims one gets nothing.
    /// </summary>
    public const string Claim = $"""
        WITH claimed AS (
          UPDATE shard s
          SET owner_node_id = $1, epoch = s.epoch + 1, takeovers = CASE WHEN s.owner_node_id IS NULL THEN 0 ELSE s.takeovers + 1 END
          WHERE s.shard_id = $2 AND s.epoch = $3
            AND (s.owner_node_id IS NULL
                 OR EXISTS (SELECT 1 FROM node n WHERE n.node_id = s.owner_node_id AND n.state IN ('dead', 'left')))
            AND EXISTS (SELECT 1 FROM node m WHERE m.node_id = $1 AND m.state = 'active' AND m.lease_expires_at > clock_timestamp())
          RETURNING epoch
        )
        SELECT epoch, {Notify} FROM claimed
        """;

    public const string Release = $"""
        WITH released AS (
          UPDATE shard SET owner_node_id = NULL, epoch = epoch + 1, takeovers = 0
          WHERE shard_id = $1 AND epoch = $2 AND owner_node_id = $3
          RETURNING 1
        )
        SELECT {Notify} FROM released
        """;

    /// <summary>As a release, but the row goes to another member in the same statement. Its epoch is raised: what is in flight here is fenced.</summary>
    public const string Give = $"""
        WITH given AS (
          UPDATE shard s SET owner_node_id = $4, epoch = s.epoch + 1, takeovers = 0
          WHERE s.shard_id = $1 AND s.epoch = $2 AND s.owner_node_id = $3
            AND EXISTS (SELECT 1 FROM node m WHERE m.node_id = $4 AND m.state = 'active' AND m.lease_expires_at > clock_timestamp())
          RETURNING 1
        )
        SELECT {Notify} FROM given
        """;

    public const string Forgive = $"""
        WITH forgiven AS (UPDATE shard SET takeovers = 0 WHERE shard_id = $1 AND takeovers > 0 RETURNING 1)
        SELECT {Notify} FROM forgiven
        """;

    /// <summary>
    /// Gives the state, or NULL when there is no such member that is active or draining, and the view's version. The lease's length is
    /// the cluster's. After a wait for the row's lock its state is compared again.
    /// </summary>
    public const string Renew = """
        WITH renewed AS (
          UPDATE node SET lease_expires_at = clock_timestamp() + make_interval(secs => v.lease_ms / 1000.0)
          FROM cluster_view v
          WHERE node_id = $1 AND state IN ('active', 'draining')
          RETURNING state
        )
        SELECT (SELECT state FROM renewed), version FROM cluster_view
        """;
}
