using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Xunit;
using static Backhaul.Store.Tests.Writing;

namespace Backhaul.Store.Tests;

/// <summary>What the store says when statements time out, backends end, the network is cut, the server restarts; and that nothing is lost or doubled then.</summary>
public sealed class PostgresFailureTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly PostgresOptions Impatient = new()
    {
        AppendTimeout = TimeSpan.FromSeconds(1),
        ClaimLockTimeout = TimeSpan.FromMilliseconds(200),
        NetworkGrace = TimeSpan.FromSeconds(1),
        ConnectTimeout = TimeSpan.FromSeconds(1),
        ReadTimeout = TimeSpan.FromSeconds(1),
    };

    private readonly PostgresHarness _harness = new();
    private readonly NodeId _node = NewNode();
    private IReadOnlyList<ShardGrant> _grants = [];

    public async ValueTask InitializeAsync() => _grants = await _harness.TakeAllAsync(_node, Shards, None);

    public ValueTask DisposeAsync() => _harness.DisposeAsync();

    [Fact]
    public async Task An_append_that_the_server_ends_for_its_time_was_certainly_not_applied()
    {
        await using var database = _harness.NewDatabase(Impatient);
        await using var transaction = await OpenTransaction.BeginAsync(_harness.Server, "LOCK TABLE session_journal");

        var failed = await Assert.ThrowsAsync<JournalStoreException>(
            async () => await StoreOf(database).CommitAsync([Append(_grants[1], KeyIn(1), 1)], None));

        Assert.Equal(StoreFailure.Transient, failed.Failure);
        await transaction.RollbackAsync();
        Assert.Equal(0, await _harness.Store.ReadLastSequenceAsync(_grants[1], KeyIn(1), None));
    }

    [Fact]
    public async Task A_reacquire_that_waits_too_long_is_tried_again_later()
    {
        await using var database = _harness.NewDatabase(Impatient);
        await using var transaction = await OpenTransaction.BeginAsync(_harness.Server, "SELECT 1 FROM shard WHERE shard_id = 1 FOR SHARE");

        var failed = await Assert.ThrowsAsync<JournalStoreException>(async () => await StoreOf(database).ReacquireAsync(_grants[1], None));

        Assert.Equal(StoreFailure.Transient, failed.Failure);
        await transaction.RollbackAsync();
        Assert.NotNull(await StoreOf(database).ReacquireAsync(_grants[1], None));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_append_whose_answer_is_cut_off_is_unknown(bool beforeTheServerHasIt)
    {
        using var proxy = new CutProxy(_harness.Server.ConnectionString);
        await using var database = Database(proxy.ConnectionString, Impatient with { AppendTimeout = TimeSpan.FromSeconds(3) });
        var store = StoreOf(database);
        await store.CommitAsync([Append(_grants[1], KeyIn(1), 1)], None);
        await using var blocker = beforeTheServerHasIt ? null : await OpenTransaction.BeginAsync(_harness.Server, "LOCK TABLE session_journal");
        if (beforeTheServerHasIt)
            proxy.Cut();
        var append = store.CommitAsync([Append(_grants[1], KeyIn(1), 2)], None).AsTask();
        if (blocker is not null)
        {
            await _harness.Server.UntilSomebodyWaitsAsync();
            proxy.Cut();
            await blocker.RollbackAsync();
        }

        var failed = await Assert.ThrowsAsync<JournalStoreException>(() => append);
        Assert.Equal(StoreFailure.Unknown, failed.Failure);
        var raised = (await _harness.Store.ReacquireAsync(_grants[1], None))!.Value;
        var known = await _harness.Store.ReadLastSequenceAsync(raised, KeyIn(1), None);
        Assert.Equal(beforeTheServerHasIt ? 1 : 2, known);

        // What was under way arrives after all: under the old epoch it writes nothing.
        proxy.Mend();
        await Until.TrueAsync(
            () => _harness.Server.Read<long>(
                $"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'backhaul {_harness.Server.Tag} append'") == 0,
            "the server has ended the connection that was cut");
        Assert.Equal(known, await _harness.Store.ReadLastSequenceAsync(raised, KeyIn(1), None));
    }

    [Fact]
    public async Task Without_a_server_nothing_was_applied()
    {
        await using var database = Database("Host=127.0.0.1;Port=1;Username=postgres;Database=postgres", Impatient);
        var failed = await Assert.ThrowsAsync<JournalStoreException>(async () => await StoreOf(database).CommitAsync([Append(_grants[1], KeyIn(1), 1)], None));
        Assert.Equal(StoreFailure.Transient, failed.Failure);
        failed = await Assert.ThrowsAsync<JournalStoreException>(async () => await StoreOf(database).OpenAsync(_grants[1], KeyIn(1), None));
        Assert.Equal(StoreFailure.Transient, failed.Failure);
    }

    [Fact]
    public async Task Text_that_the_database_cannot_hold_is_rejected_alone()
    {
        foreach (var text in new[] { "null\0", "half \ud800" })
        {
            var append = Append(_grants[1], KeyIn(1), 1) with { Rows = [new NewRow(text, ReadOnlyMemory<byte>.Empty, null, null)] };
            var failed = await Assert.ThrowsAsync<JournalStoreException>(async () => await _harness.Store.CommitAsync([append], None));
            Assert.Equal(StoreFailure.Rejected, failed.Failure);
        }

        Assert.Empty((await _harness.Store.CommitAsync([Append(_grants[1], KeyIn(1), 1)], None)).FencedShards);
    }

    [Theory]
    [InlineData("ERROR", "23505", StoreFailure.Conflict)]
    [InlineData("ERROR", "23502", StoreFailure.Conflict)]
    [InlineData("ERROR", "22021", StoreFailure.Rejected)]
    [InlineData("ERROR", "54000", StoreFailure.Rejected)]
    [InlineData("ERROR", "XX001", StoreFailure.Rejected)]
    [InlineData("ERROR", "40001", StoreFailure.Transient)]
    [InlineData("ERROR", "40P01", StoreFailure.Transient)]
    [InlineData("ERROR", "53100", StoreFailure.Transient)]
    [InlineData("ERROR", "55P03", StoreFailure.Transient)]
    [InlineData("ERROR", "57014", StoreFailure.Transient)]
    [InlineData("ERROR", "25006", StoreFailure.Transient)]
    [InlineData("ERROR", "58030", StoreFailure.Transient)]
    [InlineData("FATAL", "57P01", StoreFailure.Unknown)]
    [InlineData("FATAL", "57P02", StoreFailure.Unknown)]
    [InlineData("PANIC", "58030", StoreFailure.Unknown)]
    public void What_a_statement_that_was_sent_ends_with_is_definite_only_when_it_was_rolled_back(string severity, string code, object outcome)
    {
        var error = new PostgresException("text", severity, severity, code);
        Assert.Equal((StoreFailure)outcome, PostgresErrors.ToStoreException(error, "append", CallStage.Running, writes: true).Failure);
        Assert.Equal(StoreFailure.Unknown, PostgresErrors.ToStoreException(error, "append", CallStage.Ending, writes: true).Failure);
        Assert.Equal(StoreFailure.Transient, PostgresErrors.ToStoreException(error, "append", CallStage.Connecting, writes: true).Failure);
    }

    [Fact]
    public async Task Backends_that_are_ended_during_commits_lose_nothing_and_double_nothing()
    {
        var load = new WriterLoad(_harness.Store, _grants);
        var deadline = DateTime.UtcNow.AddSeconds(30);
        var writing = load.RunAsync(until: () => load.Reacquired >= 5 || DateTime.UtcNow > deadline);
        while (!writing.IsCompleted)
        {
            _harness.Server.Execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                + $"WHERE application_name = 'backhaul {_harness.Server.Tag} append' AND state = 'active'");
            await Task.Yield();
        }

        await writing;
        Assert.True(load.Reacquired >= 5, $"Only {load.Reacquired} commits were hit.");
        await load.AssertExactAsync();
    }

    [Theory]
    [InlineData("fast")]
    [InlineData("immediate")]
    public async Task A_server_that_is_restarted_loses_nothing_and_doubles_nothing(string mode)
    {
        using var server = PrivatePostgres.Start();
        await using var harness = new PostgresHarness(server.ConnectionString);
        var load = new WriterLoad(harness.Store, await harness.TakeAllAsync(_node, Shards, None));
        var restarts = 0;
        var writing = load.RunAsync(until: () => Volatile.Read(ref restarts) >= 2);
        while (restarts < 2)
        {
            var before = load.Committed;
            await Until.TrueAsync(() => load.Committed > before + 50 || writing.IsCompleted, "some are written");
            server.Stop(mode);
            server.StartAgain();
            Interlocked.Increment(ref restarts);
        }

        await writing;
        await load.AssertExactAsync();
    }

    private static PostgresDatabase Database(string connectionString, PostgresOptions options) => new(
        connectionString, options, new NpgsqlConnectionStringBuilder(connectionString).SearchPath?[^8..] ?? "nobody", NullLogger<PostgresDatabase>.Instance);

    private static PostgresJournalStore StoreOf(PostgresDatabase database) => new(database, NullLogger<PostgresJournalStore>.Instance);
}
