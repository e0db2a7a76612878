using Npgsql;

namespace Backhaul.Node.Journal.Postgres;

/// <summary>What a connection is for. Each purpose has its own pool and its own limits on the server.</summary>
internal enum ConnectionKind
{
    Append = 1,
    Read = 2,
    Claim = 3,
    Lease = 4,
    Migration = 5,
    Signal = 6,
}

/// <summary>
/// The ways to one PostgreSQL database: a pool for every kind of connection, with the limits of that kind set on the server when the
/// connection is made, so that a statement of a node that vanished ends by itself. No state of the database's session is relied on besides
/// these, and every call is one statement in one round trip and one transaction.
/// A call is said to have succeeded only after the server said that it is ready again, which is after its commit.
/// Called by the stores of this folder; made and disposed by Hosting.
/// </summary>
internal sealed partial class PostgresDatabase : IAsyncDisposable
{
    private readonly Dictionary<ConnectionKind, NpgsqlDataSource> _sources = [];
    private readonly ILogger _logger;

    public PostgresDatabase(string connectionString, PostgresOptions options, string nodeName, ILogger<PostgresDatabase> logger)
    {
        _logger = logger;
        Options = options;
        foreach (var kind in Enum.GetValues<ConnectionKind>())
            _sources.Add(kind, CreateSource(connectionString, nodeName, kind));
    }

    public PostgresOptions Options { get; }

    public NpgsqlDataSource Source(ConnectionKind kind) => _sources[kind];

    /// <summary>Runs one statement that changes something. Not cancelled once it was sent: its outcome would be lost.</summary>
    public async ValueTask<T> WriteAsync<T>(
        ConnectionKind kind, string doing, string sql, Action<NpgsqlParameterCollection> bind, Func<NpgsqlDataReader, ValueTask<T>> read,
        CancellationToken stop) => await RunAsync(kind, doing, sql, bind, read, writes: true, stop);

    /// <summary>Runs one statement that only reads.</summary>
    public async ValueTask<T> ReadAsync<T>(
        string doing, string sql, Action<NpgsqlParameterCollection> bind, Func<NpgsqlDataReader, ValueTask<T>> read, CancellationToken stop,
        ConnectionKind kind = ConnectionKind.Read) => await RunAsync(kind, doing, sql, bind, read, writes: false, stop);

    public async ValueTask DisposeAsync()
    {
        foreach (var source in _sources.Values)
            await source.DisposeAsync();
    }

    private async ValueTask<T> RunAsync<T>(
        ConnectionKind kind, string doing, string sql, Action<NpgsqlParameterCollection> bind, Func<NpgsqlDataReader, ValueTask<T>> read,
        bool writes, CancellationToken stop)
    {
        var stage = CallStage.Connecting;
        try
        {
            await using var connection = await _sources[kind].OpenConnectionAsync(stop);
            await using var command = new NpgsqlCommand(sql, connection);
            bind(command.Parameters);
            var running = writes ? CancellationToken.None : stop;
            running.ThrowIfCancellationRequested();
            stage = CallStage.Running;
            await using var reader = await command.ExecuteReaderAsync(running);
            var result = await read(reader);
            stage = CallStage.Ending;
            // The rows come before the commit. Asking for what follows waits for it; disposing would swallow its error.
            while (await reader.NextResultAsync(running))
                stage = CallStage.Ending;
            return result;
        }
        catch (Exception failure) when (PostgresErrors.IsOfStore(failure))
        {
            if (PostgresErrors.IsStaleConnection(failure))
                _sources[kind].Clear();
            throw PostgresErrors.ToStoreException(failure, doing, stage, writes);
        }
    }

    private NpgsqlDataSource CreateSource(string connectionString, string nodeName, ConnectionKind kind)
    {
        var settings = PostgresSettings.Of(connectionString, Options, nodeName, kind);
        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString);
        if (kind != ConnectionKind.Migration) // which looks closer, and refuses for good
            builder.UsePhysicalConnectionInitializer(connection => Check(connection, kind), connection => CheckAsync(connection, kind));
        return builder.Build();
    }

    private void Check(NpgsqlConnection connection, ConnectionKind kind)
    {
        using var command = new NpgsqlCommand(PostgresSettings.CheckSql, connection);
        using (var reader = command.ExecuteReader())
        {
            reader.Read();
            if (!NeedsCommitOn(reader, kind))
                return;
        }

        using var set = new NpgsqlCommand(PostgresSettings.CommitOnSql, connection);
        set.ExecuteNonQuery();
        LogCommitForced(kind);
    }

    private async Task CheckAsync(NpgsqlConnection connection, ConnectionKind kind)
    {
        await using var command = new NpgsqlCommand(PostgresSettings.CheckSql, connection);
        await using (var reader = await command.ExecuteReaderAsync())
        {
            await reader.ReadAsync();
            if (!NeedsCommitOn(reader, kind))
                return;
        }

        await using var set = new NpgsqlCommand(PostgresSettings.CommitOnSql, connection);
        await set.ExecuteNonQueryAsync();
        LogCommitForced(kind);
    }

    /// <summary>A standby is refused on every new connection: after a failover an address may lead to the old primary.</summary>
    private static bool NeedsCommitOn(NpgsqlDataReader reader, ConnectionKind kind)
    {
        if (reader.GetBoolean(0))
        {
            throw new JournalStoreException(StoreFailure.Transient, PostgresSchema.StandbySentence);
        }

        return kind is not (ConnectionKind.Read or ConnectionKind.Signal) && reader.GetString(1) == "off";
    }
}
