using System.Diagnostics;
using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Postgres;
using Backhaul.Node.Sharding.Membership;
using Backhaul.Protocol;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Backhaul.JournalBench;

/// <summary>
/// The cluster's store as a node uses it: the real writer with its lanes, fenced group commits, one request of a session in flight. First how much goes
/// through when many sessions write, then how long one command takes at a steady load.
/// </summary>
internal sealed class PostgresBench(string server, double seconds, byte[] payload)
{
    private const int Shards = 256;
    private const int SteadyPerSecond = 500;

    public async Task RunAsync()
    {
        Console.WriteLine("writers  sessions  rows/append   commits/s  rows/commit   events/s   p50 ms   p99 ms");
        foreach (var (sessions, rows) in new[] { (2000, 1), (1000, 4), (500, 10) })
        {
            foreach (var writers in new[] { 1, 2, 4 })
                await MeasureAsync(writers, sessions, rows, steady: false);
        }

        Console.WriteLine($"one command at {SteadyPerSecond} commands/s");
        foreach (var writers in new[] { 1, 2, 4 })
            await MeasureAsync(writers, 500, 1, steady: true);
    }

    private async Task MeasureAsync(int writers, int sessions, int rows, bool steady)
    {
        var schema = $"bench_{Guid.NewGuid():N}";
        await ExecuteAsync($"CREATE SCHEMA {schema}");
        var connectionString = new NpgsqlConnectionStringBuilder(server) { SearchPath = schema }.ConnectionString;
        try
        {
            await using var database = new PostgresDatabase(connectionString, new PostgresOptions(), "bench", NullLogger<PostgresDatabase>.Instance);
            await using var cluster = new PostgresClusterStore(database, TimeProvider.System, NullLogger<PostgresClusterStore>.Instance);
            await cluster.OpenAsync(new ClusterFounding("bench", Shards, TimeSpan.FromSeconds(15)), CancellationToken.None);
            var node = new NodeId(Guid.NewGuid());
            await ExecuteAsync($"UPDATE {schema}.shard SET epoch = 1, owner_node_id = '{node.Value}'");

            using var commits = new CommitCount();
            await using var writer = new JournalWriter(
                new PostgresJournalStore(database, NullLogger<PostgresJournalStore>.Instance), new JournalOptions { Writers = writers }, TimeProvider.System, new SystemRandom(), NullLogger<JournalWriter>.Instance);
            var holders = Enumerable.Range(0, Shards).Select(shard => new Holder(new ShardGrant(shard, 1, node))).ToArray();
            var authors = Enumerable.Range(0, sessions).Select(index => new Author($"session-{index}", holders, payload)).ToArray();
            await WriteAsync(writer, authors, rows, steady, 1); // connections, plans, pages of new sessions
            commits.Take();
            var (events, elapsed, latencies) = await WriteAsync(writer, authors, rows, steady, seconds);
            var made = commits.Take();
            latencies.Sort();
            Console.WriteLine(
                $"{writers,7}  {sessions,8}  {rows,11}  {made / elapsed,10:N0}  {(double)events / made,11:N0}  {events / elapsed,9:N0}  "
                + $"{latencies[latencies.Count / 2],7:N1}  {latencies[latencies.Count * 99 / 100],7:N1}");
        }
        finally
        {
            await ExecuteAsync($"DROP SCHEMA {schema} CASCADE");
        }
    }

    private static async Task<(long Events, double Seconds, List<double> LatenciesMs)> WriteAsync(
        JournalWriter writer, Author[] authors, int rows, bool steady, double seconds)
    {
        var watch = Stopwatch.StartNew();
        var latencies = new List<double>();
        async Task WriteOneAsync(Author author)
        {
            var from = watch.Elapsed;
            var outcome = await writer.AppendAsync(author.Next(rows), CancellationToken.None);
            if (outcome != AppendOutcome.Committed)
                throw new InvalidOperationException($"An append ended {outcome}.");
            lock (latencies)
                latencies.Add((watch.Elapsed - from).TotalMilliseconds);
        }

        async Task WriteOnAsync(Author author)
        {
            while (watch.Elapsed.TotalSeconds < seconds)
                await WriteOneAsync(author);
        }

        if (steady)
        {
            var running = new List<Task>();
            for (var sent = 0; sent < seconds * SteadyPerSecond;)
            {
                for (var due = watch.Elapsed.TotalSeconds * SteadyPerSecond; sent < due; sent++)
                    running.Add(WriteOneAsync(authors[sent % authors.Length]));
                await Task.Delay(1);
            }

            await Task.WhenAll(running);
        }
        else
        {
            await Task.WhenAll(authors.Select(author => Task.Run(() => WriteOnAsync(author))));
        }

        return ((long)latencies.Count * rows, watch.Elapsed.TotalSeconds, latencies);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 300 };
        await command.ExecuteNonQueryAsync();
    }

    private sealed class Holder(ShardGrant grant) : IGrantHolder
    {
        public int ShardId => grant.ShardId;

        public ShardGrant? Current => grant;

        public bool IsSuspended => false;

        public void OnFenced(ShardGrant refused) => throw new InvalidOperationException($"{refused} was refused.");

        public void OnReacquired(ShardGrant raised) => throw new InvalidOperationException($"{raised} was acquired again.");
    }

    /// <summary>Writes one session forward.</summary>
    private sealed class Author(string name, Holder[] holders, byte[] payload)
    {
        private readonly SessionKey _session = SessionKey.Parse($"default/{name}");
        private long _sequence = 1;

        public AppendRequest Next(int rows)
        {
            var first = _sequence;
            _sequence += rows;
            return new AppendRequest(
                holders[ShardMap.ShardOf(_session, Shards)], _session, first,
                [.. Enumerable.Range(0, rows).Select(row => new NewRow("task.created.v1", payload, first + row, null))],
                new HeadUpdate("active", 1, _sequence - 1, DateTimeOffset.UnixEpoch), []);
        }
    }
}
