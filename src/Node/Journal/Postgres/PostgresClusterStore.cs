using System.Globalization;
using System.Security.Cryptography;
using Backhaul.Node.Sharding.Membership;
using Npgsql;

namespace Backhaul.Node.Journal.Postgres;

/// <summary>
/// Members and shards of a cluster in PostgreSQL. Every change is one statement that compares before it swaps, so nodes need no leader and
/// no agreement: of two that want the same, the row's lock lets one succeed. <see cref="OpenAsync"/> comes first; it makes
/// the schema and founds the cluster when there is none. Changes are announced (NOTIFY) for those who listen; nobody depends on it.
/// </summary>
internal sealed class PostgresClusterStore(PostgresDatabase database, TimeProvider time, ILogger<PostgresClusterStore> logger)
    : IClusterStore, IClusterSignals, IAsyncDisposable
{
    private const int SecretBytes = 32;

    private readonly PostgresListener _listener = new(database, time, logger);

    public async ValueTask<ClusterFacts> OpenAsync(ClusterFounding founding, CancellationToken stop)
    {
        var facts = await PrepareAsync(founding, stop);
        if (facts.Name != founding.Name)
        {
            throw PostgresSchema.Refused(
                $"The database belongs to the cluster '{facts.Name}', and this node to '{founding.Name}'. Give each cluster a database of its own "
                + $"(Backhaul:Store:ConnectionString), or set Backhaul:Cluster:Name to '{facts.Name}'.");
        }

        if (facts.ShardCount != founding.ShardCount)
        {
            throw PostgresSchema.Refused(string.Create(
                CultureInfo.InvariantCulture,
                $"The cluster was founded with {facts.ShardCount} shards, and the configuration says {founding.ShardCount}. "
                + $"The number is fixed for life: set Backhaul:Cluster:ShardCount to {facts.ShardCount}."));
        }

        return facts;
    }

    public async ValueTask JoinAsync(NodeId node, string name, string address, string build, CancellationToken stop)
    {
        var joined = await WriteAsync(
            "join the cluster", ClusterStatements.Join, parameters => parameters.With(node.Value).With(name).With(address).With(build), stop);
        if (!joined)
            throw PostgresSchema.Refused($"The node {node} was a member before and is none any more; a process that starts again has another id.");
    }

    public async ValueTask<ClusterView> ReadViewAsync(CancellationToken stop) => await database.ReadAsync(
        "read the cluster's view", ClusterStatements.View, static _ => { },
        async reader => await reader.ReadAsync(stop) ? ReadView(reader) : throw NotFounded(),
        stop, ConnectionKind.Claim);

    public ValueTask<bool> MoveAsync(NodeId node, MemberState to, CancellationToken stop) => WriteAsync(
        "change a member's state", ClusterStatements.Move, parameters => parameters.With(node.Value).With(NameOf(to)), stop);

    public ValueTask<bool> DeclareDeadAsync(NodeId suspect, CancellationToken stop) => WriteAsync(
        "declare a member dead", ClusterStatements.DeclareDead, parameters => parameters.With(suspect.Value), stop);

    public async ValueTask<ShardGrant?> ClaimAsync(NodeId node, int shardId, long seenEpoch, CancellationToken stop) => await database.WriteAsync(
        ConnectionKind.Claim, "claim a shard", ClusterStatements.Claim,
        parameters => parameters.With(node.Value).With(shardId).With(seenEpoch),
        async reader => await reader.ReadAsync(CancellationToken.None) ? new ShardGrant(shardId, reader.GetInt64(0), node) : (ShardGrant?)null,
        stop);

    public ValueTask<bool> ReleaseAsync(ShardGrant grant, CancellationToken stop) => WriteAsync(
        "release a shard", ClusterStatements.Release, parameters => parameters.With(grant.ShardId).With(grant.Epoch).With(grant.Node.Value), stop);

    public ValueTask<bool> GiveAsync(ShardGrant grant, NodeId to, CancellationToken stop) => WriteAsync(
        "give a shard to another node", ClusterStatements.Give,
        parameters => parameters.With(grant.ShardId).With(grant.Epoch).With(grant.Node.Value).With(to.Value), stop);

    public ValueTask<bool> ForgiveAsync(int shardId, CancellationToken stop) => WriteAsync(
        "let a shard be claimed again", ClusterStatements.Forgive, parameters => parameters.With(shardId), stop);

    public IDisposable Subscribe(Action changed) => _listener.Subscribe(changed);

    public ValueTask DisposeAsync() => _listener.DisposeAsync();

    /// <summary>How a state is stored.</summary>
    public static string NameOf(MemberState state) => state switch
    {
        MemberState.Active => "active",
        MemberState.Draining => "draining",
        MemberState.Left => "left",
        MemberState.Dead => "dead",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "No such state."),
    };

    public static MemberState ParseState(string name) => name switch
    {
        "active" => MemberState.Active,
        "draining" => MemberState.Draining,
        "left" => MemberState.Left,
        "dead" => MemberState.Dead,
        _ => throw new JournalStoreException(StoreFailure.Rejected, $"A member's state is '{name}', which this build does not know."),
    };

    /// <summary>Schema and founding, in one transaction under the migrations' lock.</summary>
    private async ValueTask<ClusterFacts> PrepareAsync(ClusterFounding founding, CancellationToken stop)
    {
        const string Doing = "prepare the database";
        NpgsqlConnection connection;
        try
        {
            connection = await database.Source(ConnectionKind.Migration).OpenConnectionAsync(stop);
        }
        catch (PostgresException refused) when (refused.SqlState is not PostgresErrorCodes.CannotConnectNow and not PostgresErrorCodes.TooManyConnections)
        {
            throw new JournalStoreException(
                StoreFailure.Rejected,
                $"PostgreSQL refuses the connection: {refused.MessageText} ({refused.SqlState}). Check Backhaul:Store:ConnectionString.", refused);
        }
        catch (Exception failure) when (PostgresErrors.IsOfStore(failure))
        {
            throw PostgresErrors.ToStoreException(failure, Doing, CallStage.Connecting, writes: true);
        }

        await using (connection)
        {
            try
            {
                await using var transaction = await connection.BeginTransactionAsync(stop);
                await PostgresSchema.ApplyAsync(connection, stop);
                var facts = await ReadFactsAsync(connection, stop);
                if (facts is null)
                {
                    await FoundAsync(connection, founding, stop);
                    facts = await ReadFactsAsync(connection, stop) ?? throw NotFounded();
                }

                await transaction.CommitAsync(stop);
                return facts;
            }
            catch (PostgresException denied) when (denied.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                throw new JournalStoreException(
                    StoreFailure.Rejected,
                    $"The database's user may not do what a node needs: {denied.MessageText}. Let it own the schema: GRANT CREATE, USAGE ON SCHEMA …", denied);
            }
            catch (Exception failure) when (PostgresErrors.IsOfStore(failure))
            {
                // Trying again finds out by itself: it begins with the same lock.
                throw PostgresErrors.ToStoreException(failure, Doing, CallStage.Running, writes: false);
            }
        }
    }

    private static async ValueTask<ClusterFacts?> ReadFactsAsync(NpgsqlConnection connection, CancellationToken stop)
    {
        await using var command = new NpgsqlCommand(ClusterStatements.Facts, connection);
        await using var reader = await command.ExecuteReaderAsync(stop);
        return await reader.ReadAsync(stop)
            ? new ClusterFacts(reader.GetString(0), reader.GetInt32(1), TimeSpan.FromMilliseconds(reader.GetInt32(2)), reader.GetFieldValue<byte[]>(3))
            : null;
    }

    private static async ValueTask FoundAsync(NpgsqlConnection connection, ClusterFounding founding, CancellationToken stop)
    {
        await using var command = new NpgsqlCommand(ClusterStatements.Found, connection);
        command.Parameters.With(founding.Name).With(founding.ShardCount).With((int)founding.Lease.TotalMilliseconds)
            .With((ReadOnlyMemory<byte>)RandomNumberGenerator.GetBytes(SecretBytes));
        await command.ExecuteNonQueryAsync(stop);
    }

    /// <summary>True when the statement gave a row.</summary>
    private ValueTask<bool> WriteAsync(string doing, string sql, Action<NpgsqlParameterCollection> bind, CancellationToken stop) => database.WriteAsync(
        ConnectionKind.Claim, doing, sql, bind, async reader => await reader.ReadAsync(CancellationToken.None), stop);

    private static ClusterView ReadView(NpgsqlDataReader reader)
    {
        var members = new List<Member>();
        if (!reader.IsDBNull(1))
        {
            var (ids, names, addresses) = (reader.GetFieldValue<Guid[]>(1), reader.GetFieldValue<string[]>(2), reader.GetFieldValue<string[]>(3));
            var (builds, states, leases) = (reader.GetFieldValue<string[]>(4), reader.GetFieldValue<string[]>(5), reader.GetFieldValue<TimeSpan[]>(6));
            for (var index = 0; index < ids.Length; index++)
            {
                members.Add(new Member(
                    new NodeId(ids[index]), names[index], addresses[index], builds[index], ParseState(states[index]), leases[index]));
            }
        }

        var (shardIds, epochs) = (reader.GetFieldValue<int[]>(7), reader.GetFieldValue<long[]>(8));
        var (owners, takeovers) = (reader.GetFieldValue<Guid?[]>(9), reader.GetFieldValue<int[]>(10));
        var shards = new ShardOwner[shardIds.Length];
        for (var index = 0; index < shards.Length; index++)
        {
            shards[index] = new ShardOwner(
                shardIds[index], epochs[index], owners[index] is { } owner ? new NodeId(owner) : null, takeovers[index]);
        }

        return new ClusterView(reader.GetInt64(0), members, shards);
    }

    private static JournalStoreException NotFounded() => PostgresSchema.Refused("The database holds no cluster: OpenAsync comes first.");
}
