using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Postgres;
using Backhaul.Node.Sharding.Membership;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Backhaul.Store.Tests;

/// <summary>
/// The cluster's store for the contract. It has no "take everything", which belongs to the embedded stores, so that is done here as a row of
/// claims would do it.
/// </summary>
internal sealed class PostgresHarness : IStoreHarness, IEmbeddedStore
{
    private PostgresDatabase _database;

    public PostgresHarness(string? server = null)
    {
        Server = TestPostgres.Create(server);
        _database = NewDatabase();
        Store = new PostgresJournalStore(_database, NullLogger<PostgresJournalStore>.Instance);
    }

    public TestPostgres Server { get; }

    public PostgresJournalStore Store { get; private set; }

    public IJournalStore Journal => Store;

    public IEmbeddedStore Cluster => this;

    public PostgresDatabase NewDatabase(PostgresOptions? options = null) => NewDatabase(Server, options);

    public static PostgresDatabase NewDatabase(TestPostgres server, PostgresOptions? options = null) => new(
        server.ConnectionString, options ?? new PostgresOptions { AppendConnectionsMax = 4, ReadConnectionsMax = 4, ClaimConnectionsMax = 4 }, server.Tag,
        NullLogger<PostgresDatabase>.Instance);

    public async Task ReopenAsync()
    {
        await _database.DisposeAsync();
        _database = NewDatabase();
        Store = new PostgresJournalStore(_database, NullLogger<PostgresJournalStore>.Instance);
    }

    public async ValueTask<IReadOnlyList<ShardGrant>> TakeAllAsync(NodeId node, int shardCount, CancellationToken stop)
    {
        await using var cluster = new PostgresClusterStore(_database, TimeProvider.System, NullLogger<PostgresClusterStore>.Instance);
        await cluster.OpenAsync(new ClusterFounding("test", shardCount, TimeSpan.FromSeconds(15)), stop);
        await using var connection = Server.Connect();
        await using var command = new NpgsqlCommand(
            "WITH mine AS MATERIALIZED (SELECT shard_id FROM shard ORDER BY shard_id FOR UPDATE) "
            + "UPDATE shard s SET epoch = s.epoch + 1, owner_node_id = $1 FROM mine WHERE mine.shard_id = s.shard_id RETURNING s.shard_id, s.epoch",
            connection);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = node.Value });
        await using var reader = await command.ExecuteReaderAsync(stop);
        var grants = new List<ShardGrant>();
        while (await reader.ReadAsync(stop))
            grants.Add(new ShardGrant(reader.GetInt32(0), reader.GetInt64(1), node));
        return [.. grants.OrderBy(grant => grant.ShardId)];
    }

    public ValueTask ReleaseAllAsync(NodeId node, CancellationToken stop)
    {
        Server.Execute($"UPDATE shard SET epoch = epoch + 1, owner_node_id = NULL WHERE owner_node_id = '{node.Value}'");
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        await Server.DisposeAsync();
    }
}
