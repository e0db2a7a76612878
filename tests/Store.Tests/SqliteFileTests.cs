using System.Text;
using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using static Backhaul.Store.Tests.Writing;

namespace Backhaul.Store.Tests;

/// <summary>The embedded store's file: who may open it, and what happens when it or its disk is not as it should be.</summary>
public sealed class SqliteFileTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private readonly SqliteHarness _harness = new();
    private readonly NodeId _node = NewNode();
    private IReadOnlyList<ShardGrant> _grants = [];

    private IJournalStore Store => _harness.Journal;

    public async ValueTask InitializeAsync() => _grants = await _harness.Cluster.TakeAllAsync(_node, Shards, None);

    public ValueTask DisposeAsync() => _harness.DisposeAsync();

    [Fact]
    public async Task A_second_node_on_the_same_directory_is_refused_and_changes_nothing()
    {
        await using (var second = _harness.Create())
        {
            var refused = await Assert.ThrowsAsync<JournalStoreException>(async () => await second.TakeAllAsync(NewNode(), Shards, None));
            Assert.Equal(
                $"The data directory '{_harness.Directory}' is in use by another node (process {Environment.ProcessId}). "
                + "Stop that node first, or give this one a directory of its own: Backhaul:DataDirectory.",
                refused.Message);
        }

        Assert.Empty((await Store.CommitAsync([Append(_grants[1], KeyIn(1), 1)], None)).FencedShards);
        await _harness.CloseAsync();
        await using var next = _harness.Create();
        Assert.Equal(Shards, (await next.TakeAllAsync(NewNode(), Shards, None)).Count);
    }

    [Fact]
    public async Task A_directory_that_cannot_be_made_is_named()
    {
        var file = Path.Combine(_harness.Directory, "a-file");
        await File.WriteAllTextAsync(file, "x", None);
        await using var store = SqliteHarness.Create(Path.Combine(file, "data"));
        var refused = await Assert.ThrowsAsync<JournalStoreException>(async () => await store.TakeAllAsync(NewNode(), Shards, None));
        Assert.Contains($"'{file}/data' cannot be used", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Backhaul:DataDirectory", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_cannot_be_opened_for_writing_is_named()
    {
        var directory = Path.Combine(_harness.Directory, "other");
        Directory.CreateDirectory(Path.Combine(directory, SqliteJournalStore.FileName));
        await using var store = SqliteHarness.Create(directory);
        var refused = await Assert.ThrowsAsync<JournalStoreException>(async () => await store.TakeAllAsync(NewNode(), Shards, None));
        Assert.Contains(Path.Combine(directory, SqliteJournalStore.FileName), refused.Message, StringComparison.Ordinal);
        Assert.Contains("cannot be opened for writing", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_named()
    {
        var directory = Directory.CreateDirectory(Path.Combine(_harness.Directory, "other")).FullName;
        await File.WriteAllTextAsync(Path.Combine(directory, SqliteJournalStore.FileName), new string('x', 10_000), None);
        await using var store = SqliteHarness.Create(directory);
        var refused = await Assert.ThrowsAsync<JournalStoreException>(async () => await store.TakeAllAsync(NewNode(), Shards, None));
        Assert.Contains("is damaged", refused.Message, StringComparison.Ordinal);
        Assert.Contains("restore the file from a backup", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_of_a_later_build_is_refused()
    {
        await _harness.CloseAsync();
        _harness.Tamper("PRAGMA user_version = 99");
        await _harness.ReopenAsync();
        var refused = await Assert.ThrowsAsync<JournalStoreException>(async () => await _harness.Cluster.TakeAllAsync(NewNode(), Shards, None));
        Assert.Contains("schema version 99", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Somebody_elses_database_is_refused()
    {
        var directory = Directory.CreateDirectory(Path.Combine(_harness.Directory, "other")).FullName;
        using (var database = SqliteDatabase.Open(Path.Combine(directory, SqliteJournalStore.FileName), TimeSpan.Zero))
            database.Execute("CREATE TABLE theirs (x)");
        await using var store = SqliteHarness.Create(directory);
        var refused = await Assert.ThrowsAsync<JournalStoreException>(async () => await store.TakeAllAsync(NewNode(), Shards, None));
        Assert.Contains("not a journal", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_disk_writes_nothing_is_said_clearly_and_heals_without_a_restart()
    {
        await using var store = SqliteHarness.Create(Path.Combine(_harness.Directory, "small"), sizeMaxMiB: 1);
        var grant = (await store.TakeAllAsync(_node, Shards, None))[1];
        var session = KeyIn(1);
        long sequence = 1;
        var full = await Assert.ThrowsAsync<JournalStoreException>(async () =>
        {
            for (; sequence < 100_000; sequence += 500)
                await store.CommitAsync([Append(grant, session, sequence, rows: 500)], None);
        });
        Assert.Equal(StoreFailure.Transient, full.Failure);
        Assert.Contains("disk of the journal is full", full.Message, StringComparison.Ordinal);
        Assert.Equal(sequence - 1, await store.ReadLastSequenceAsync(grant, session, None));

        Assert.True(await store.SaveSnapshotAsync(grant, session, new StoredSnapshot(sequence - 2, "s.v1", default), None));
        Assert.True(await store.SaveSnapshotAsync(grant, session, new StoredSnapshot(sequence - 1, "s.v1", default), None));
        Assert.InRange((await store.TrimAsync(grant, session, long.MaxValue, 5000, None))!.Value, 500, 5000);
        Assert.Empty((await store.CommitAsync([Append(grant, session, sequence, rows: 500)], None)).FencedShards);
    }

    [Fact]
    public async Task A_truncated_payload_stops_its_own_session_only()
    {
        await DamageAsync("UPDATE session_journal SET payload = substr(payload, 1, 0) WHERE session_id = ?1 AND sequence = 5");
        await AssertDamagedAsync("row 5 cannot be read");
    }

    [Fact]
    public async Task A_missing_row_stops_its_own_session_only()
    {
        await DamageAsync("DELETE FROM session_journal WHERE session_id = ?1 AND sequence = 5");
        await AssertDamagedAsync("after row 4 comes row 6");
    }

    [Fact]
    public async Task Torn_last_rows_stop_their_own_session_only()
    {
        await DamageAsync("DELETE FROM session_journal WHERE session_id = ?1 AND sequence > 8");
        await AssertDamagedAsync("its rows end at 8, its head says 10");
    }

    [Fact]
    public async Task A_row_of_an_impossible_epoch_stops_its_own_session_only()
    {
        await DamageAsync("UPDATE session_journal SET epoch = 77 WHERE session_id = ?1 AND sequence = 5");
        await AssertDamagedAsync("row 6 was written in epoch 1, after one of epoch 77");
    }

    [Fact]
    public async Task A_damaged_page_stops_only_the_sessions_that_lie_on_it()
    {
        // Rows lie in the order of their shards: those of 2 and 4 keep the pages of 1, 3 and 5 apart.
        foreach (var shard in new[] { 1, 2, 3, 4, 5 })
            await Store.CommitAsync([Marked(shard, 1, rows: 300)], None);
        await _harness.CloseAsync();
        DamagePages(only: "marker-3", not: ["marker-1", "marker-5"]);
        await _harness.ReopenAsync();
        _grants = await _harness.Cluster.TakeAllAsync(_node, Shards, None);

        await using (var writer = new JournalWriter(
            Store, new JournalOptions(), TimeProvider.System, new HalfRandom(), NullLogger<JournalWriter>.Instance))
        {
            var outcomes = await Task.WhenAll(new[] { 1, 3, 5 }.Select(shard => writer.AppendAsync(
                new AppendRequest(new FixedHolder(_grants[shard]), KeyIn(shard), 301, Marked(shard, 301, 1).Rows, Marked(shard, 301, 1).Head, []), None).AsTask()));
            Assert.Equal([AppendOutcome.Committed, AppendOutcome.Rejected, AppendOutcome.Committed], outcomes);
        }

        var damaged = await Assert.ThrowsAsync<JournalStoreException>(async () => await ReplayAsync(3));
        Assert.Contains("restore the file from a backup", damaged.Message, StringComparison.Ordinal);
        Assert.IsType<ReplayOutcome.Loaded>(await ReplayAsync(1));
        Assert.IsType<ReplayOutcome.Loaded>(await ReplayAsync(5));
    }

    [Fact]
    public async Task A_name_that_cannot_be_read_does_not_hide_the_others_from_lists()
    {
        await DamageAsync("UPDATE session_head SET session_id = 'no slash' WHERE session_id = ?1");
        var page = await Store.ListSessionsAsync(null, null, 10, None);
        Assert.Equal((KeyIn(2), 1, null), (Assert.Single(page.Heads).Session, page.Unreadable, page.Next));
        List<SessionPage> pages = [];
        for (string? after = null; pages.Count == 0 || after is not null; after = pages[^1].Next)
            pages.Add(await Store.ListSessionsAsync(null, after, 1, None));
        Assert.Equal((1, 1), (pages.Sum(one => one.Heads.Count), pages.Sum(one => one.Unreadable)));
        Assert.Equal([KeyIn(2)], (await Store.ListDueAsync(_grants, Noon, 10, None)).Select(due => due.Session));
    }

    [Fact]
    public async Task Commits_get_their_turn_while_long_reads_are_queued()
    {
        var grant = _grants[1];
        await Store.CommitAsync([Append(grant, KeyIn(1), 1, rows: 3000)], None);
        var reads = Enumerable.Range(0, 200).Select(_ => Store.ReadRowsAsync(grant, KeyIn(1), 0, 3000, None).AsTask()).ToList();
        await Store.CommitAsync([Append(_grants[2], KeyIn(2), 1)], None);
        Assert.Contains(reads, read => !read.IsCompleted);
        await Task.WhenAll(reads);
    }

    [Fact]
    public async Task A_closed_store_refuses_with_a_sentence()
    {
        await _harness.CloseAsync();
        var refused = await Assert.ThrowsAsync<JournalStoreException>(async () => await Store.ReadLastSequenceAsync(_grants[1], KeyIn(1), None));
        Assert.Contains("closed", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Two sessions of ten rows; the first one is damaged while the node is down.</summary>
    private async Task DamageAsync(string sql)
    {
        foreach (var shard in new[] { 1, 2 })
            await Store.CommitAsync([Append(_grants[shard], KeyIn(shard), 1, rows: 10, wakeAt: Noon)], None);
        await _harness.CloseAsync();
        _harness.Tamper(sql.Replace("?1", $"'{KeyIn(1)}'", StringComparison.Ordinal));
        await _harness.ReopenAsync();
        _grants = await _harness.Cluster.TakeAllAsync(_node, Shards, None);
    }

    private SessionAppend Marked(int shard, long first, int rows) => Append(_grants[shard], KeyIn(shard), first, rows) with
    {
        Rows = [.. Enumerable.Range(0, rows).Select(index => Row($"marker-{shard} {new string('x', 100)}", first + index))],
    };

    private void DamagePages(string only, string[] not)
    {
        const int PageBytes = 4096;
        var file = File.ReadAllBytes(_harness.Path);
        var damaged = 0;
        for (var page = 0; page < file.Length; page += PageBytes)
        {
            var text = Encoding.ASCII.GetString(file, page, PageBytes);
            if (!text.Contains(only, StringComparison.Ordinal) || not.Any(other => text.Contains(other, StringComparison.Ordinal)))
                continue;
            file.AsSpan(page, 8).Fill(0xff);
            damaged++;
        }

        Assert.NotEqual(0, damaged);
        File.WriteAllBytes(_harness.Path, file);
    }

    private async Task AssertDamagedAsync(string why)
    {
        var damaged = Assert.IsType<ReplayOutcome.Damaged>(await ReplayAsync(1));
        Assert.Contains(why, damaged.Sentence, StringComparison.Ordinal);
        Assert.IsType<ReplayOutcome.Loaded>(await ReplayAsync(2));
        Assert.Empty((await Store.CommitAsync([Append(_grants[2], KeyIn(2), 11)], None)).FencedShards);
    }

    private async Task<ReplayOutcome> ReplayAsync(int shard) => await new JournalReplay(Store, 3).RunAsync(
        _grants[shard], KeyIn(shard), _ => false, row => row.Payload.IsEmpty ? $"row {row.Sequence} cannot be read" : null, None);

    private sealed class FixedHolder(ShardGrant grant) : IGrantHolder
    {
        public bool IsSuspended => false;

        public int ShardId => grant.ShardId;

        public ShardGrant? Current => grant;

        public void OnFenced(ShardGrant refused) => Assert.Fail("Nobody was fenced.");

        public void OnReacquired(ShardGrant grant) => Assert.Fail("Nothing was unknown.");
    }

    private sealed class HalfRandom : IRandom
    {
        public double NextUnit() => 0.5;
    }
}
