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

    public PostgresJournalStore StoreWith(string appendSql) => new(_database, NullLogger<PostgresJournalStore>.Instance) { AppendSql = appendSql };

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
        var grants = new List<ShardGrant>(shardCount);
        for (var shard = 0; shard < shardCount; shard++)
        {
            // Changes no key, like a claim: a weaker fence than FOR SHARE must not get by with it.
            await using var command = new NpgsqlCommand("UPDATE shard SET epoch = epoch + 1, owner_node_id = $1 WHERE shard_id = $2 RETURNING epoch", connection);
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = node.Value });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = shard });
            grants.Add(new ShardGrant(shard, (long)(await command.ExecuteScalarAsync(stop))!, node));
        }

        return grants;
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
