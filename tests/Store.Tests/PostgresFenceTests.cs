using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Postgres;
using Xunit;
using Xunit.Sdk;
using static Backhaul.Store.Tests.Writing;

namespace Backhaul.Store.Tests;

/// <summary>
/// The fence against statements that really run at the same time: each test stops one of them at a known place by a lock of its own. The mutants
/// are the statement with a weaker lock, which must not pass (E2, E3 of docs/architecture.md).
/// </summary>
public sealed class PostgresFenceTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly PostgresHarness _harness = new();
    private readonly NodeId _node = NewNode();
    private IReadOnlyList<ShardGrant> _grants = [];

    public static TheoryData<string, string> Mutants() => new()
    {
        { "no lock at all (E2)", AppendStatement.Sql.Replace(AppendStatement.Lock, "", StringComparison.Ordinal) },
        { "a lock that a take-over does not wait for (E3)", AppendStatement.Sql.Replace(AppendStatement.Lock, "FOR KEY SHARE OF s", StringComparison.Ordinal) },
    };

    public async ValueTask InitializeAsync() => _grants = await _harness.TakeAllAsync(_node, Shards, None);

    public ValueTask DisposeAsync() => _harness.DisposeAsync();

    [Fact]
    public Task E1_a_take_over_waits_for_an_append_that_is_stopped_in_the_middle() => TakeOverAsync(AppendStatement.Sql);

    [Theory]
    [MemberData(nameof(Mutants))]
    public async Task E2_E3_a_weaker_fence_does_not_pass(string name, string sql)
    {
        Assert.NotEqual(AppendStatement.Sql, sql);
        var broken = await Record.ExceptionAsync(() => TakeOverAsync(sql));
        Assert.True(broken is XunitException, $"With {name} the take-over must read less than what is committed behind it; got {broken}");
    }

    [Fact]
    public async Task E4_an_append_that_waits_for_a_take_over_leaves_out_that_shard_only()
    {
        await using var transaction = await OpenTransaction.BeginAsync(_harness.Server, $"UPDATE shard SET epoch = epoch + 1, owner_node_id = '{NewNode().Value}' WHERE shard_id = 2");
        var append = _harness.Store.CommitAsync(
            [Append(_grants[1], KeyIn(1), 1, rows: 3), Append(_grants[2], KeyIn(2), 1, archive: [Ended(1, "t")]), Append(_grants[3], KeyIn(3), 1)], None).AsTask();
        await _harness.Server.UntilSomebodyWaitsAsync();
        await transaction.CommitAsync();

        Assert.Equal([2], (await append).FencedShards);
        Assert.Equal(3, await _harness.Store.ReadLastSequenceAsync(_grants[1], KeyIn(1), None));
        Assert.Equal(1, await _harness.Store.ReadLastSequenceAsync(_grants[3], KeyIn(3), None));
        Assert.Equal(0, _harness.Server.Read<long>("SELECT count(*) FROM session_journal WHERE shard_id = 2"));
        Assert.Equal(0, _harness.Server.Read<long>("SELECT count(*) FROM session_head WHERE shard_id = 2"));
        Assert.Equal(0, _harness.Server.Read<long>("SELECT count(*) FROM task_archive WHERE shard_id = 2"));
    }

    [Fact]
    public async Task An_append_that_waits_for_a_take_over_that_gives_up_goes_on()
    {
        await using var transaction = await OpenTransaction.BeginAsync(_harness.Server, $"UPDATE shard SET epoch = epoch + 1, owner_node_id = '{NewNode().Value}' WHERE shard_id = 2");
        var append = _harness.Store.CommitAsync([Append(_grants[2], KeyIn(2), 1)], None).AsTask();
        await _harness.Server.UntilSomebodyWaitsAsync();
        await transaction.RollbackAsync();

        Assert.Empty((await append).FencedShards);
        Assert.Equal(1, await _harness.Store.ReadLastSequenceAsync(_grants[2], KeyIn(2), None));
    }

    [Fact]
    public async Task E7_a_reacquire_waits_for_the_own_append_in_flight_and_then_reads_it()
    {
        await using var stopped = await StopAppendAsync(2, AppendStatement.Sql, rows: 2);
        var reacquire = _harness.Store.ReacquireAsync(_grants[2], None).AsTask();
        await _harness.Server.UntilSomebodyWaitsAsync(2);
        await stopped.GoOnAsync();

        var raised = (await reacquire)!.Value;
        Assert.Equal(2, await _harness.Store.ReadLastSequenceAsync(raised, KeyIn(2), None));
    }

    [Fact]
    public async Task A_session_that_is_being_loaded_notices_a_take_over_in_flight()
    {
        await using var transaction = await OpenTransaction.BeginAsync(_harness.Server, $"UPDATE shard SET epoch = epoch + 1, owner_node_id = '{NewNode().Value}' WHERE shard_id = 2");
        var opening = _harness.Store.OpenAsync(_grants[2], KeyIn(2), None).AsTask();
        await _harness.Server.UntilSomebodyWaitsAsync();
        await transaction.CommitAsync();
        Assert.Null(await opening);
    }

    [Fact]
    public async Task Two_grants_of_one_shard_in_one_batch_are_told_apart()
    {
        var stale = _grants[1] with { Epoch = _grants[1].Epoch - 1 };
        var (first, second) = (KeyIn(1), Enumerable.Range(0, 10_000).Select(index => Key($"other{index}")).First(key => Protocol.ShardMap.ShardOf(key, Shards) == 1));
        var report = await _harness.Store.CommitAsync([Append(_grants[1], first, 1), Append(stale, second, 1)], None);
        Assert.Equal([1], report.FencedShards);
        Assert.Equal(0, await _harness.Store.ReadLastSequenceAsync(_grants[1], second, None));
    }

    /// <summary>The new owner must read everything that is ever committed under the old grant.</summary>
    private async Task TakeOverAsync(string sql)
    {
        await using var stopped = await StopAppendAsync(2, sql, rows: 5);
        var taking = _harness.TakeAllAsync(NewNode(), Shards, None).AsTask();
        await Until.TrueAsync(() => taking.IsCompleted || _harness.Server.Waiting() >= 2, "the take-over waits or is through");
        var firstRead = taking.IsCompleted ? await ReadAsync() : (long?)null;
        await stopped.GoOnAsync();
        var taken = await taking;
        firstRead ??= await ReadAsync();

        Assert.Equal(stopped.Report!.FencedShards.Count == 0 ? 5 : 0, firstRead);
        Assert.Equal(firstRead, await ReadAsync());

        async Task<long> ReadAsync() => (await _harness.Store.ReadLastSequenceAsync((await taking)[2], KeyIn(2), None))!.Value;
    }

    /// <summary>Starts an append of one session, which stops after it has locked its shard: another transaction holds the same head.</summary>
    private async Task<StoppedAppend> StopAppendAsync(int shard, string sql, int rows)
    {
        var blocker = await OpenTransaction.BeginAsync(
            _harness.Server,
            "INSERT INTO session_head (shard_id, session_id, last_sequence, last_epoch, last_number, appends, generation, state) "
            + $"VALUES ({shard}, '{KeyIn(shard)}', 0, 0, 0, 1, 1, 'active')");
        var append = _harness.StoreWith(sql).CommitAsync([Append(_grants[shard], KeyIn(shard), 1, rows)], None).AsTask();
        await _harness.Server.UntilSomebodyWaitsAsync();
        return new StoppedAppend(blocker, append);
    }

    private sealed class StoppedAppend(OpenTransaction blocker, Task<CommitReport> append) : IAsyncDisposable
    {
        public CommitReport? Report { get; private set; }

        public async Task GoOnAsync()
        {
            await blocker.RollbackAsync();
            Report = await append;
        }

        public ValueTask DisposeAsync() => blocker.DisposeAsync();
    }
}
