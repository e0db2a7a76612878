namespace Backhaul.Node.Journal.Postgres;

/// <summary>The documents of origins in PostgreSQL: one row each, compared by its version in the statement that changes it.</summary>
internal sealed class PostgresOriginStore(PostgresDatabase database) : IOriginStore
{
    /// <summary>The clock comes with no documents too.</summary>
    private static readonly string Read = $"""
        WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS now)
        SELECT c.now, o.origin, o.version, o.payload
        FROM clock c LEFT JOIN (SELECT origin, version, payload FROM origin_record ORDER BY origin LIMIT {IOriginStore.RowsMax}) o ON true
        """;

    private const string Write = """
        WITH forgotten AS (
          DELETE FROM origin_record WHERE payload = '' AND origin <> $1 AND changed_at + interval '1 day' < clock_timestamp()
        ), changed AS (
          UPDATE origin_record SET version = version + 1, payload = $3, changed_at = clock_timestamp()
          WHERE origin = $1 AND version = $2
          RETURNING 1
        ), added AS (
          INSERT INTO origin_record (origin, version, payload) SELECT $1, 1, $3 WHERE $2 = 0
          ON CONFLICT DO NOTHING
          RETURNING 1
        )
        SELECT 1 FROM changed UNION ALL SELECT 1 FROM added
        """;

    public ValueTask<OriginBook> ReadOriginsAsync(CancellationToken stop) => database.ReadAsync(
        "read what is known of origins", Read, static _ => { },
        async reader =>
        {
            DateTimeOffset now = default;
            List<OriginRow> rows = [];
            while (await reader.ReadAsync(stop))
            {
                now = reader.GetFieldValue<DateTimeOffset>(0);
                if (!reader.IsDBNull(1))
                    rows.Add(new OriginRow(reader.GetString(1), reader.GetInt64(2), reader.GetString(3)));
            }
            return new OriginBook(now, rows);
        },
        stop);

    public ValueTask<bool> WriteOriginAsync(string origin, long seenVersion, string payload, CancellationToken stop) => database.WriteAsync(
        ConnectionKind.Claim, "write what is known of an origin", Write,
        parameters => parameters.With(origin).With(seenVersion).With(payload),
        async reader => await reader.ReadAsync(CancellationToken.None), stop);
}
