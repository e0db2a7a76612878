using System.Globalization;
using Npgsql;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>
/// A PostgreSQL server of this test alone, in a temporary folder, so that it may be stopped, restarted and robbed of its connections.
/// It never runs as root. Each cluster gets a database of its own.
/// </summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private static readonly TimeSpan CommandWithin = TimeSpan.FromSeconds(60);
    private static readonly Lazy<Task<PostgresServer>> Pattern = new(InitializeAsync);
    private readonly string _folder;
    private readonly string _bin;
    private int _databases;

    private PostgresServer(string folder, string bin, int port) => (_folder, _bin, Port) = (folder, bin, port);

    public int Port { get; }

    private string Data => Path.Combine(_folder, "data");

    /// <summary>A new server. Its files are copies of those that <c>initdb</c>, which takes seconds, made once.</summary>
    public static async Task<PostgresServer> StartAsync()
    {
        var pattern = await Pattern.Value;
        var server = Create();
        await server.RunAsync("cp", "-R", pattern.Data, server.Data);
        await server.BeginAsync();
        return server;
    }

    private static async Task<PostgresServer> InitializeAsync()
    {
        var pattern = Create();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(pattern._folder, recursive: true);
        await pattern.RunAsync(pattern.Program("initdb"), "-D", pattern.Data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N");
        return pattern;
    }

    private static PostgresServer Create()
    {
        var bin = Directory.EnumerateDirectories("/usr/lib/postgresql").Where(folder => File.Exists(Path.Combine(folder, "bin", "postgres")))
            .OrderByDescending(folder => int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture)).First();
        var folder = Directory.CreateTempSubdirectory("backhaul-pg-").FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        Machine.GiveToNode(folder);
        return new PostgresServer(folder, Path.Combine(bin, "bin"), Machine.FreePort());
    }

    /// <summary>Where a cluster connects; by way of <paramref name="port"/> when something stands in between.</summary>
    public string ConnectionString(string database, int? port = null) => $"Host=127.0.0.1;Port={port ?? Port};Username=postgres;Database={database}";

    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"cluster{Interlocked.Increment(ref _databases)}";
        await ExecuteAsync("postgres", $"CREATE DATABASE {name}");
        return name;
    }

    public Task BeginAsync() => RunAsync(
        Program("pg_ctl"), "-D", Data, "-l", Path.Combine(_folder, "log"), "-w", "-t", "60", "-o",
        $"-c listen_addresses=127.0.0.1 -c port={Port} -c unix_socket_directories={_folder} -c max_connections=300", "start");

    /// <param name="mode">fast ends every connection in good order; immediate is a crash with recovery at the next start.</param>
    public Task EndAsync(string mode) => RunAsync(Program("pg_ctl"), "-D", Data, "-m", mode, "-w", "-t", "60", "stop");

    public async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString(database) + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<List<T>> QueryAsync<T>(string database, string sql, Func<NpgsqlDataReader, T> read)
    {
        await using var connection = new NpgsqlConnection(ConnectionString(database) + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = (int)CommandWithin.TotalSeconds };
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<T>();
        while (await reader.ReadAsync())
            rows.Add(read(reader));
        return rows;
    }

    /// <summary>Ends connections of a cluster at random, as a broken network or an operator would; how many.</summary>
    public async Task<int> KillBackendsAsync(string database, double share) => (await QueryAsync(
        "postgres",
        string.Create(CultureInfo.InvariantCulture, $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}' AND random() < {share}"),
        row => row.GetBoolean(0))).Count(ended => ended);

    public async ValueTask DisposeAsync()
    {
        if (File.Exists(Path.Combine(Data, "postmaster.pid")))
            await EndAsync("immediate");
        Directory.Delete(_folder, recursive: true);
    }

    private string Program(string name) => Path.Combine(_bin, name);

    private async Task RunAsync(string program, params string[] arguments)
    {
        // pg_ctl's child keeps the outputs open, so they go to a file
        var log = Path.Combine(_folder, Path.GetFileName(program) + ".out");
        var words = string.Join(' ', new[] { program }.Concat(arguments).Select(word => $"'{word}'"));
        var (code, output) = await Machine.RunAsync([.. Machine.AsOrdinaryUser, "sh", "-c", $"{words} >'{log}' 2>&1 </dev/null"], CommandWithin, _folder);
        if (code != 0)
            throw new InvalidOperationException($"{program} ended with code {code}: {output}{await File.ReadAllTextAsync(log)}");
    }
}
