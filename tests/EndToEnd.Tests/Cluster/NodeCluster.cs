using System.Globalization;
using System.Text.Json;
using Backhaul.Protocol;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>A row of the cluster's journal.</summary>
internal sealed record ClusterRow(string Session, long Sequence, long Epoch, string EventType, long? Number, JsonElement Payload)
{
    public string Task => Payload.TryGetProperty("task", out var task) ? task.GetString()! : "";
}

/// <summary>Real node processes over one database and one shared container. Nodes are named n1, n2, …</summary>
internal sealed class NodeCluster : IAsyncDisposable
{
    private static readonly TimeSpan SettleWithin = TimeSpan.FromSeconds(90);
    private readonly NodeFolder _folder = new();
    private readonly Dictionary<string, NodeProcess> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Link> _links = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _ports = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _settings;
    private readonly PostgresServer _server;

    private NodeCluster(PostgresServer server, string database, Dictionary<string, string> settings)
    {
        (_server, Database, _settings) = (server, database, settings);
        Files = Path.Combine(_folder.Root, "shared");
        Directory.CreateDirectory(Files);
        Machine.GiveToNode(Files);
    }

    public string Database { get; }

    /// <summary>The shared container's directory.</summary>
    public string Files { get; }

    public IReadOnlyDictionary<string, NodeProcess> Nodes => _nodes;

    public IEnumerable<NodeProcess> Running => _nodes.Values.Where(node => !node.HasExited);

    public IReadOnlyList<Uri> Endpoints => [.. _nodes.Values.Select(node => node.Url)];

    /// <param name="server">The database server.</param>
    /// <param name="nodes">How many nodes.</param>
    /// <param name="linked">Every node reaches the database by a <see cref="Link"/> of its own.</param>
    /// <param name="settings">More configuration of every node.</param>
    public static async Task<NodeCluster> StartAsync(PostgresServer server, int nodes = 3, bool linked = false, params (string Key, string Value)[] settings)
    {
        var cluster = new NodeCluster(server, await server.CreateDatabaseAsync(), settings.ToDictionary(pair => pair.Key, pair => pair.Value));
        try
        {
            for (var n = 1; n <= nodes; n++)
            {
                if (linked)
                    cluster._links.Add($"n{n}", new Link(server.Port));
                cluster.Spawn($"n{n}");
            }
            await Task.WhenAll(cluster._nodes.Values.Select(node => node.ReadyAsync()));
            await cluster.BalancedAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public Link LinkOf(string node) => _links[node];

    /// <summary>Starts a node, or starts it again with the same name and ports.</summary>
    public NodeProcess Spawn(string name, params (string Key, string Value)[] other)
    {
        var data = Path.Combine(_folder.Root, name);
        if (!Directory.Exists(data))
        {
            Directory.CreateDirectory(data);
            Machine.GiveToNode(data);
            _ports[name] = Machine.FreePort();
        }
        var settings = new Dictionary<string, string>(_settings)
        {
            ["Backhaul:Store:Provider"] = "postgres",
            ["Backhaul:Store:ConnectionString"] = _server.ConnectionString(Database, _links.GetValueOrDefault(name)?.Port),
            ["Backhaul:Node:Name"] = name,
            ["Backhaul:Node:Url"] = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Machine.FreePort()}"),
            ["Backhaul:Containers:default:Path"] = Files,
            ["Backhaul:Containers:default:Shared"] = "true",
        };
        foreach (var (key, value) in other)
            settings[key] = value;
        settings.TryAdd("Backhaul:Sharding:Settle", "00:00:02"); // a cluster that was just started is spread soon
        return _nodes[name] = NodeProcess.Spawn(data, settings, port: _ports[name]);
    }

    public async Task<NodeProcess> RestartAsync(string name)
    {
        var node = Spawn(name);
        await node.ReadyAsync();
        return node;
    }

    /// <summary>A node that a test ended comes back, and its shards are forgiven.</summary>
    public async Task ReviveAsync(string name)
    {
        await RestartAsync(name);
        await ForgiveAsync();
    }

    /// <summary>Waits until every running node holds its part of the shards.</summary>
    public Task BalancedAsync() => Eventually.TrueAsync(
        async () =>
        {
            var held = await HeldAsync();
            return held.Count == Running.Count() && held.Values.Max() - held.Values.Min() <= 1 && held.Values.Sum() == ShardMap.ShardCountDefault;
        },
        SettleWithin, () => "the shards to be spread evenly");

    /// <summary>How many shards each node owns, by the table.</summary>
    public async Task<Dictionary<string, int>> HeldAsync() => (await _server.QueryAsync(
        Database, "SELECT n.node_name, count(*)::int FROM shard s JOIN node n ON n.node_id = s.owner_node_id GROUP BY n.node_id, n.node_name",
        row => (Name: row.GetString(0), Count: row.GetInt32(1)))).GroupBy(held => held.Name).ToDictionary(group => group.Key, group => group.Sum(held => held.Count));

    /// <summary>The node that owns a session's shard, by the table; null while nobody does.</summary>
    public async Task<string?> OwnerOfAsync(string session) => (await _server.QueryAsync(
        Database,
        $"SELECT n.node_name FROM shard s JOIN node n ON n.node_id = s.owner_node_id WHERE s.shard_id = {ShardOf(session)}",
        row => row.GetString(0))).SingleOrDefault();

    /// <summary>The sessions among these whose shards a node owns, by the table.</summary>
    public async Task<List<string>> OwnedByAsync(string node, IEnumerable<string> sessions)
    {
        var shards = (await _server.QueryAsync(
            Database, $"SELECT s.shard_id FROM shard s JOIN node n ON n.node_id = s.owner_node_id WHERE n.node_name = '{node}'", row => row.GetInt32(0))).ToHashSet();
        return [.. sessions.Where(session => shards.Contains(ShardOf(session)))];
    }

    public async Task<long> EpochOfAsync(string session) =>
        (await _server.QueryAsync(Database, $"SELECT epoch FROM shard WHERE shard_id = {ShardOf(session)}", row => row.GetInt64(0))).Single();

    /// <summary>
    /// What an operator does with release-shard: nodes that a test kills one after the other look like nodes that their shards killed, and such shards
    /// are left alone.
    /// </summary>
    private Task ForgiveAsync() => _server.ExecuteAsync(Database, "UPDATE shard SET takeovers = 0 WHERE takeovers > 0");

    /// <summary>Every row, in order of session and sequence.</summary>
    public Task<List<ClusterRow>> RowsAsync(string? session = null) => _server.QueryAsync(
        Database,
        "SELECT session_id, sequence, epoch, event_type, number, payload FROM session_journal "
            + (session is null ? "" : $"WHERE session_id = 'default/{session}' ") + "ORDER BY session_id, sequence",
        row =>
        {
            using var payload = JsonDocument.Parse(row.GetFieldValue<byte[]>(5));
            return new ClusterRow(row.GetString(0), row.GetInt64(1), row.GetInt64(2), row.GetString(3), row.IsDBNull(4) ? null : row.GetInt64(4), payload.RootElement.Clone());
        });

    /// <summary>The sessions in which a task has ended.</summary>
    public Task<List<string>> EndedAsync() => _server.QueryAsync(
        Database, "SELECT DISTINCT session_id FROM session_journal WHERE event_type = 'task.completed.v1'", row => row.GetString(0)["default/".Length..]);

    public string FileOf(string path) => Directory.EnumerateFiles(Files, Path.GetFileName(path), SearchOption.AllDirectories)
        .Single(found => found.EndsWith("/default/" + path, StringComparison.Ordinal));

    public string Logs => string.Join("\n", _nodes.Select(node => $"--- {node.Key} ---\n{node.Value.Output}"));

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes.Values)
            await node.DisposeAsync();
        foreach (var link in _links.Values)
            await link.DisposeAsync();
        _folder.Dispose();
    }

    private static int ShardOf(string session) =>
        ShardMap.ShardOf(SessionKey.Parse($"default/{session}"), ShardMap.ShardCountDefault);
}
