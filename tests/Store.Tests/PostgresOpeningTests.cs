using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Postgres;
using Backhaul.Node.Sharding.Membership;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;
using static Backhaul.Store.Tests.Writing;

namespace Backhaul.Store.Tests;

/// <summary>Which databases a node takes, which it refuses and with what sentence, and how it makes them ready.</summary>
public sealed class PostgresOpeningTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly ClusterFounding Founding = new("blue", Shards, TimeSpan.FromSeconds(15));

    private readonly TestPostgres _server = TestPostgres.Create();

    public ValueTask InitializeAsync() => default;

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Nodes_that_start_at_once_found_one_cluster()
    {
        var facts = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => OpenAsync(_server.ConnectionString)));
        Assert.All(facts, found => Assert.Equal(facts[0].Secret.ToArray(), found.Secret.ToArray()));
        Assert.Equal(Shards, _server.Read<long>("SELECT count(*) FROM shard"));
        Assert.Equal(PostgresSchema.VersionNewest, _server.Read<int>("SELECT max(version) FROM schema_version"));
    }

    [Fact]
    public async Task A_schema_of_a_later_build_is_refused()
    {
        await OpenAsync(_server.ConnectionString);
        _server.Execute("INSERT INTO schema_version (version) VALUES (99)");
        await AssertRefusedAsync(_server.ConnectionString, "schema version 99");
    }

    [Fact]
    public async Task A_migration_that_fails_leaves_nothing_behind()
    {
        _server.Execute("CREATE TABLE task_archive (mine integer)");
        await Assert.ThrowsAsync<JournalStoreException>(() => OpenAsync(_server.ConnectionString));
        Assert.Equal(1, _server.Read<long>($"SELECT count(*) FROM pg_tables WHERE schemaname = '{_server.Schema}'"));
        _server.Execute("DROP TABLE task_archive");
        await OpenAsync(_server.ConnectionString);
    }

    [Fact]
    public async Task A_schema_that_does_not_exist_is_refused() => await AssertRefusedAsync(
        new NpgsqlConnectionStringBuilder(_server.ConnectionString) { SearchPath = "nowhere" }.ConnectionString, "Search Path");

    [Fact]
    public async Task A_database_that_does_not_exist_is_refused() => await AssertRefusedAsync(
        new NpgsqlConnectionStringBuilder(_server.ConnectionString) { Database = "nowhere" }.ConnectionString, "Backhaul:Store:ConnectionString");

    [Fact]
    public async Task A_user_without_the_right_to_make_tables_is_refused()
    {
        var user = $"user_{_server.Tag}";
        _server.Execute($"CREATE ROLE {user} LOGIN; GRANT USAGE ON SCHEMA {_server.Schema} TO {user}");
        try
        {
            await AssertRefusedAsync(new NpgsqlConnectionStringBuilder(_server.ConnectionString) { Username = user }.ConnectionString, "GRANT");
        }
        finally
        {
            _server.Execute($"DROP OWNED BY {user}; DROP ROLE {user}");
        }
    }

    [Fact]
    public async Task A_server_that_is_away_is_no_refusal()
    {
        var failed = await Assert.ThrowsAsync<JournalStoreException>(() => OpenAsync("Host=127.0.0.1;Port=1;Username=postgres;Database=postgres"));
        Assert.Equal(StoreFailure.Transient, failed.Failure);
    }

    [Fact]
    public async Task Commits_are_flushed_also_where_the_database_says_otherwise()
    {
        var lax = new NpgsqlConnectionStringBuilder(_server.ConnectionString) { Options = "-c synchronous_commit=off" }.ConnectionString;
        await using var database = Database(lax);
        foreach (var (kind, expected) in new[] { (ConnectionKind.Append, "on"), (ConnectionKind.Claim, "on"), (ConnectionKind.Lease, "on"), (ConnectionKind.Read, "off") })
            Assert.Equal(expected, await SettingAsync(database, kind, "synchronous_commit"));
    }

    [Fact]
    public async Task Each_kind_of_connection_has_its_limits_and_its_name()
    {
        await using var database = Database(_server.ConnectionString);
        Assert.Equal("5s", await SettingAsync(database, ConnectionKind.Append, "statement_timeout"));
        Assert.Equal("2s", await SettingAsync(database, ConnectionKind.Claim, "lock_timeout"));
        Assert.Equal("10s", await SettingAsync(database, ConnectionKind.Read, "statement_timeout"));
        Assert.Equal("2min", await SettingAsync(database, ConnectionKind.Migration, "statement_timeout"));
        Assert.Equal("7s", await SettingAsync(database, ConnectionKind.Append, "idle_in_transaction_session_timeout"));
        Assert.Equal("10000", await SettingAsync(database, ConnectionKind.Append, "tcp_user_timeout"));
        Assert.Equal("5", await SettingAsync(database, ConnectionKind.Lease, "tcp_keepalives_idle"));
        Assert.Equal($"backhaul {_server.Tag} lease", await SettingAsync(database, ConnectionKind.Lease, "application_name"));
    }

    [Fact]
    public async Task Servers_that_would_lose_data_or_are_no_primary_are_refused()
    {
        using var server = PrivatePostgres.Start();
        await using var database = Database(server.ConnectionString);
        await OpenAsync(server.ConnectionString);

        server.BecomeStandby();
        await AssertRefusedAsync(server.ConnectionString, "standby");
        var store = new PostgresJournalStore(database, NullLogger<PostgresJournalStore>.Instance);
        var failed = await Assert.ThrowsAsync<JournalStoreException>(
            async () => await store.ReadLastSequenceAsync(new ShardGrant(0, 1, NewNode()), KeyIn(0), None));
        Assert.Equal(StoreFailure.Transient, failed.Failure);

        server.BecomePrimary("fsync=off");
        await AssertRefusedAsync(server.ConnectionString, "fsync=on");
    }

    private async Task<ClusterFacts> OpenAsync(string connectionString)
    {
        await using var database = Database(connectionString);
        await using var cluster = new PostgresClusterStore(database, TimeProvider.System, NullLogger<PostgresClusterStore>.Instance);
        return await cluster.OpenAsync(Founding, None);
    }

    private async Task AssertRefusedAsync(string connectionString, string saying)
    {
        var refused = await Assert.ThrowsAsync<JournalStoreException>(() => OpenAsync(connectionString));
        Assert.Contains(saying, refused.Message, StringComparison.Ordinal);
        Assert.Equal(StoreFailure.Rejected, refused.Failure);
    }

    private PostgresDatabase Database(string connectionString) =>
        new(connectionString, new PostgresOptions(), _server.Tag, NullLogger<PostgresDatabase>.Instance);

    private static async Task<string> SettingAsync(PostgresDatabase database, ConnectionKind kind, string name)
    {
        await using var command = database.Source(kind).CreateCommand($"SHOW {name}");
        return (string)(await command.ExecuteScalarAsync())!;
    }
}
