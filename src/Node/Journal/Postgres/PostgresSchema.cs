using System.Globalization;
using System.Reflection;
using Npgsql;

namespace Backhaul.Node.Journal.Postgres;

/// <summary>
/// The schema of the cluster's store: numbered SQL files, forward only, each applied once. All nodes may start at once: an advisory lock lets
/// one of them migrate, in one transaction, and the others find it done. A later build's schema is refused: this build does not know what it may write.
/// </summary>
internal static class PostgresSchema
{
    /// <summary>The oldest schema that this build can bring up to date.</summary>
    public const int VersionOldest = 1;

    /// <summary>The schema that this build writes; it migrates older ones to it.</summary>
    public const int VersionNewest = 4;

    public const int ServerVersionMin = 150000;

    public const string StandbySentence =
        "This PostgreSQL is a standby, and a node needs the primary. Set the host of Backhaul:Store:ConnectionString to the primary, "
        + "or list all hosts and add 'Target Session Attributes=primary'.";

    private const string Prefix = "Backhaul.Node.Journal.Postgres.Migrations.";

    private const string Lock = "SELECT pg_advisory_xact_lock(hashtextextended('backhaul ' || current_schema(), 0))";

    private const string Ledger =
        "CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())";

    /// <summary>Checks the server, and brings the schema up to date within the caller's transaction.</summary>
    public static async ValueTask ApplyAsync(NpgsqlConnection connection, CancellationToken stop)
    {
        await CheckServerAsync(connection, stop);
        await ExecuteAsync(connection, Lock, stop);
        await ExecuteAsync(connection, Ledger, stop);
        var found = await VersionAsync(connection, stop);
        if (found > VersionNewest)
        {
            throw Refused(
                $"The database has schema version {found}; this build knows up to {VersionNewest}. Start the build that wrote it, or a later one.");
        }

        if (found > 0 && found < VersionOldest)
        {
            throw Refused(
                $"The database has schema version {found}; this build brings up to date what is {VersionOldest} or later. Start a build in between first.");
        }

        foreach (var migration in Migrations().Where(migration => migration.Version > found))
        {
            await ExecuteAsync(connection, migration.Sql, stop);
            await ExecuteAsync(
                connection, string.Create(CultureInfo.InvariantCulture, $"INSERT INTO schema_version (version) VALUES ({migration.Version})"), stop);
        }
    }

    /// <summary>By number, from the files that the build carries; 0001_name.sql is version 1.</summary>
    public static IReadOnlyList<(int Version, string Sql)> Migrations()
    {
        var assembly = Assembly.GetExecutingAssembly();
        var migrations = assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => (Version: int.Parse(name.AsSpan(Prefix.Length, 4), CultureInfo.InvariantCulture), Sql: ReadText(assembly, name)))
            .OrderBy(migration => migration.Version).ToList();
        if (!migrations.Select(migration => migration.Version).SequenceEqual(Enumerable.Range(1, VersionNewest)))
            throw new InvalidOperationException($"The migrations of this build are not 1 to {VersionNewest}.");
        return migrations;
    }

    public static JournalStoreException Refused(string sentence) => new(StoreFailure.Rejected, sentence);

    private static async ValueTask CheckServerAsync(NpgsqlConnection connection, CancellationToken stop)
    {
        const string Sql = """
            SELECT current_setting('server_version_num')::int, current_setting('server_version'), current_setting('fsync'),
                   current_setting('server_encoding'), current_schema(), pg_is_in_recovery()
            """;
        await using var command = new NpgsqlCommand(Sql, connection);
        await using var reader = await command.ExecuteReaderAsync(stop);
        await reader.ReadAsync(stop);
        if (reader.GetInt32(0) < ServerVersionMin)
            throw Refused($"This PostgreSQL is version {reader.GetString(1)}; version 15 or later is needed.");
        if (reader.GetBoolean(5))
            throw Refused(StandbySentence);
        if (reader.GetString(2) == "off")
            throw Refused("This PostgreSQL runs with fsync=off: what is acknowledged would not survive a power cut. Set fsync=on.");
        if (reader.GetString(3) != "UTF8")
            throw Refused($"The database's encoding is {reader.GetString(3)}; it must be UTF8. Create it with ENCODING 'UTF8'.");
        if (await reader.IsDBNullAsync(4, stop))
            throw Refused("No schema of the database's search_path exists. Create it, or set Search Path in Backhaul:Store:ConnectionString.");
    }

    private static async ValueTask<int> VersionAsync(NpgsqlConnection connection, CancellationToken stop)
    {
        await using var command = new NpgsqlCommand("SELECT coalesce(max(version), 0) FROM schema_version", connection);
        return (int)(await command.ExecuteScalarAsync(stop))!;
    }

    private static async ValueTask ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken stop)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(stop);
    }

    private static string ReadText(Assembly assembly, string name)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
