using System.Globalization;
using Npgsql;

namespace Backhaul.Features.Tests;

/// <summary>Nodes that tests talk to: one alone with its embedded journal, or three on a database of their own.</summary>
internal sealed class NodeSet : IAsyncDisposable
{
    private const int ClusterNodes = 3;
    private const int ShardCount = 12; // every node owns some, and starting costs little
    private const string Variable = "BACKHAUL_TEST_POSTGRES";

    private static readonly TimeSpan SettleWithin = TimeSpan.FromSeconds(60);

    private readonly NodeFolder _folder = new();
    private readonly List<NodeProcess> _nodes = [];
    private string? _database;

    private NodeSet()
    {
    }

    public IReadOnlyList<NodeProcess> Nodes => _nodes;

    public IReadOnlyList<Uri> Urls => [.. _nodes.Select(node => node.Url)];

    public string Logs => string.Join("\n", _nodes.Select((node, n) => $"--- node {n + 1} ---\n{node.Output}"));

    private static string Server => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } server
        ? server
        : throw new InvalidOperationException($"These tests need PostgreSQL 15 or later: set {Variable} to a connection string, as ./test does.");

    public static Task<NodeSet> StartEmbeddedAsync(IReadOnlyDictionary<string, string> settings) => StartAsync(set =>
    {
        set._nodes.Add(NodeProcess.Spawn(set._folder.Data, set.WithContainers(settings, set._folder.Data)));
        return Task.CompletedTask;
    });

    public static Task<NodeSet> StartClusterAsync(IReadOnlyDictionary<string, string> settings) => StartAsync(async set =>
    {
        set._database = $"features_{Guid.NewGuid():N}";
        await ExecuteAsync($"CREATE DATABASE {set._database} ENCODING 'UTF8' TEMPLATE template0");
        var connection = new NpgsqlConnectionStringBuilder(Server) { Database = set._database }.ConnectionString;
        for (var n = 1; n <= ClusterNodes; n++)
        {
            var data = Path.Combine(set._folder.Root, $"n{n}");
            Directory.CreateDirectory(data);
            Machine.GiveToNode(data);
            set._nodes.Add(NodeProcess.Spawn(data, new Dictionary<string, string>(set.WithContainers(settings, set._folder.Data))
            {
                ["Backhaul:Store:Provider"] = "postgres",
                ["Backhaul:Store:ConnectionString"] = connection,
                ["Backhaul:Node:Name"] = $"n{n}",
                ["Backhaul:Node:Url"] = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Machine.FreePort()}"),
                ["Backhaul:Sharding:Settle"] = "00:00:01",
            }));
        }
    });

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            await node.DisposeAsync();
        if (_database is not null)
            await ExecuteAsync($"DROP DATABASE IF EXISTS {_database} WITH (FORCE)");
        _folder.Dispose();
    }

    private static async Task<NodeSet> StartAsync(Func<NodeSet, Task> spawn)
    {
        var set = new NodeSet();
        try
        {
            await spawn(set);
            await Task.WhenAll(set._nodes.Select(node => node.ReadyAsync()));
            if (set._database is { } database)
                await Eventually.TrueAsync(() => IsSpreadAsync(database), SettleWithin, () => "every node to own its part of the shards");
            return set;
        }
        catch
        {
            await set.DisposeAsync();
            throw;
        }
    }

    /// <summary>Two containers that all nodes of the set reach.</summary>
    private Dictionary<string, string> WithContainers(IReadOnlyDictionary<string, string> settings, string data)
    {
        var all = new Dictionary<string, string>(settings) { ["Backhaul:Cluster:ShardCount"] = ShardCount.ToString(CultureInfo.InvariantCulture) };
        foreach (var name in new[] { "default", "archive" })
        {
            all[$"Backhaul:Containers:{name}:Path"] = Path.Combine(data, "files-" + name);
            all[$"Backhaul:Containers:{name}:Shared"] = "true";
        }
        return all;
    }

    private static async Task<bool> IsSpreadAsync(string database)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(Server) { Database = database, Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT count(*) FROM shard WHERE owner_node_id IS NOT NULL GROUP BY owner_node_id", connection);
        await using var reader = await command.ExecuteReaderAsync();
        var held = new List<long>();
        while (await reader.ReadAsync())
            held.Add(reader.GetInt64(0));
        return held.Count == ClusterNodes && held.Sum() == ShardCount;
    }

    private static async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(Server) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
