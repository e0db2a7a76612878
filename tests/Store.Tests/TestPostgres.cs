using Npgsql;

namespace Backhaul.Store.Tests;

/// <summary>
/// The server that the tests share: the one of BACKHAUL_TEST_POSTGRES (./test sets it), else a private one for this run. Each test has a
/// schema of its own, so tests may run at the same time; what a schema cannot keep apart (locks, backends) they name by it.
/// </summary>
internal sealed class TestPostgres : IAsyncDisposable
{
    private const string Variable = "BACKHAUL_TEST_POSTGRES";

    private static readonly Lazy<string> Server = new(
        () => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } known ? known : PrivatePostgres.Start().ConnectionString);

    private readonly string _server;

    private TestPostgres(string server, string schema)
    {
        _server = server;
        Schema = schema;
        ConnectionString = new NpgsqlConnectionStringBuilder(server) { SearchPath = schema, Pooling = false, ApplicationName = schema[^8..] }.ConnectionString;
    }

    public string Schema { get; }

    /// <summary>Leads to the schema of this test.</summary>
    public string ConnectionString { get; }

    public static TestPostgres Create(string? server = null)
    {
        var created = new TestPostgres(server ?? Server.Value, $"test_{Guid.NewGuid():N}");
        created.Execute($"CREATE SCHEMA {created.Schema}");
        return created;
    }

    public NpgsqlConnection Connect()
    {
        var connection = new NpgsqlConnection(ConnectionString);
        connection.Open();
        return connection;
    }

    public void Execute(string sql)
    {
        using var connection = Connect();
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    public T Read<T>(string sql)
    {
        using var connection = Connect();
        using var command = new NpgsqlCommand(sql, connection);
        return (T)command.ExecuteScalar()!;
    }

    /// <summary>How many statements of this test's stores wait for a lock. A lock does not name a schema, so their connections' names are looked for.</summary>
    public long Waiting() => Read<long>($"SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE '%{Tag}%'");

    public Task UntilSomebodyWaitsAsync(int count = 1) => Until.TrueAsync(() => Waiting() >= count, $"{count} statements wait for a lock");

    /// <summary>What the application names of this test's connections contain.</summary>
    public string Tag => Schema[^8..];

    public ValueTask DisposeAsync()
    {
        using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(_server) { Pooling = false }.ConnectionString);
        connection.Open();
        using var command = new NpgsqlCommand($"DROP SCHEMA {Schema} CASCADE", connection);
        command.ExecuteNonQuery();
        return default;
    }
}
