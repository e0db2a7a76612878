using System.Text;
using Backhaul.Node.Journal;
using Backhaul.Protocol;
using Xunit;
using static Backhaul.Store.Tests.Writing;

namespace Backhaul.Store.Tests;

/// <summary>
/// What every store promises; the names E1 … E10 are those of docs/architecture.md. A store joins by deriving from this class. Nothing here knows
/// which store it runs on.
/// </summary>
public abstract class StoreContract : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private IStoreHarness _harness = null!;
    private IReadOnlyList<ShardGrant> _grants = [];
    private readonly NodeId _node = NewNode();

    private IJournalStore Store => _harness.Journal;

    private protected abstract IStoreHarness Create();

    public async ValueTask InitializeAsync()
    {
        _harness = Create();
        _grants = await _harness.Cluster.TakeAllAsync(_node, Shards, None);
    }

    public async ValueTask DisposeAsync()
    {
        await _harness.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task What_is_appended_is_read_back_as_it_was()
    {
        var session = Key("a");
        var grant = _grants.GrantOf(session);
        var command = new CommandId(Guid.NewGuid());
        NewRow[] rows = [new("one.v1", Encoding.UTF8.GetBytes("{\"ü\":1}"), 1, command), new("two.v1", ReadOnlyMemory<byte>.Empty, null, null)];
        await CommitAsync(new SessionAppend(grant, session, 1, rows, new HeadUpdate("active", 3, 1, Noon), []));

        var opening = (await Store.OpenAsync(grant, session, None))!;
        Assert.Equal(new SessionHead(session, grant.ShardId, 2, grant.Epoch, 1, "active", 3, 0, Noon), opening.Head);
        Assert.Empty(opening.Snapshots);
        var read = (await Store.ReadRowsAsync(grant, session, 0, 10, None))!;
        Assert.Equal([(1, grant.Epoch, "one.v1", "{\"ü\":1}", (long?)1, (CommandId?)command), (2, grant.Epoch, "two.v1", "", null, null)],
            read.Select(row => (row.Sequence, row.Epoch, row.EventType, row.Text(), row.Number, row.Command)));
        Assert.All(read, row => Assert.InRange(row.RecordedAt, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddMinutes(5)));
        Assert.Equal(2, await Store.ReadLastSequenceAsync(grant, session, None));
    }

    [Fact]
    public async Task A_session_that_was_never_written_is_empty()
    {
        var session = Key("nobody");
        var opening = await Store.OpenAsync(_grants.GrantOf(session), session, None);
        Assert.Null(opening!.Head);
        Assert.Equal(0, await Store.ReadLastSequenceAsync(_grants.GrantOf(session), session, None));
        Assert.Empty((await Store.ReadRowsAsync(_grants.GrantOf(session), session, 0, 10, None))!);
        Assert.Empty((await Store.ReadNumberedAsync(_grants.GrantOf(session), session, 0, 10, None))!);
    }

    [Fact]
    public async Task E1_a_take_over_waits_for_the_append_in_flight()
    {
        for (var round = 0; round < 20; round++)
        {
            var session = Key($"e1-{round}");
            var mine = _grants.GrantOf(session);
            var append = Store.CommitAsync([Append(mine, session, 1, rows: 300)], None).AsTask();
            var taken = (await _harness.Cluster.TakeAllAsync(NewNode(), Shards, None)).GrantOf(session);
            var firstRead = await Store.ReadLastSequenceAsync(taken, session, None);
            var report = await append;
            Assert.Equal(report.FencedShards.Count == 0 ? 300 : 0, firstRead);
            Assert.Equal(firstRead, await Store.ReadLastSequenceAsync(taken, session, None));
            _grants = await _harness.Cluster.TakeAllAsync(_node, Shards, None);
        }
    }

    [Fact]
    public async Task E4_in_one_batch_only_the_lost_shard_is_left_out()
    {
        var (first, second) = (KeyIn(1), KeyIn(2));
        var stale = _grants[2];
        var held = _grants[1];
        Assert.NotNull(await Store.ReacquireAsync(stale, None));

        var report = await Store.CommitAsync([Append(stale, second, 1), Append(held, first, 1, rows: 3)], None);

        Assert.Equal([2], report.FencedShards);
        Assert.Equal(3, await Store.ReadLastSequenceAsync(held, first, None));
        Assert.Equal(0, await Store.ReadLastSequenceAsync(stale with { Epoch = stale.Epoch + 1 }, second, None));
    }

    [Fact]
    public async Task E7_after_a_reacquire_the_old_epoch_writes_nothing_and_the_new_one_reads_everything()
    {
        var session = Key("e7");
        var old = _grants.GrantOf(session);
        var inFlight = Store.CommitAsync([Append(old, session, 1, rows: 200)], None).AsTask();
        var raised = (await Store.ReacquireAsync(old, None))!.Value;
        Assert.Equal(old.Epoch + 1, raised.Epoch);

        var known = await Store.ReadLastSequenceAsync(raised, session, None);
        var ghost = await Store.CommitAsync([Append(old, session, (known ?? 0) + 1)], None);

        Assert.Equal([old.ShardId], ghost.FencedShards);
        Assert.Equal((await inFlight).FencedShards.Count == 0 ? 200 : 0, known);
        Assert.Equal(known, await Store.ReadLastSequenceAsync(raised, session, None));
        Assert.Null(await Store.ReacquireAsync(old, None));
    }

    [Fact]
    public async Task E8_a_taken_sequence_rolls_the_whole_batch_back()
    {
        var (healthy, poisoned) = (KeyIn(1), KeyIn(2));
        await CommitAsync(Append(_grants[2], poisoned, 1, rows: 5));

        await AssertConflictAsync(Append(_grants[1], healthy, 1), Append(_grants[2], poisoned, 5));

        Assert.Equal(0, await Store.ReadLastSequenceAsync(_grants[1], healthy, None));
        Assert.Equal(5, await Store.ReadLastSequenceAsync(_grants[2], poisoned, None));
        await CommitAsync(Append(_grants[1], healthy, 1), Append(_grants[2], poisoned, 6));
    }

    [Fact]
    public async Task A_sequence_beyond_the_next_one_is_a_conflict_too()
    {
        var session = Key("gap");
        await AssertConflictAsync(Append(_grants.GrantOf(session), session, 2));
        await CommitAsync(Append(_grants.GrantOf(session), session, 1));
        await AssertConflictAsync(Append(_grants.GrantOf(session), session, 3));
        Assert.Equal(1, await Store.ReadLastSequenceAsync(_grants.GrantOf(session), session, None));
    }

    [Fact]
    public async Task A_trimmed_sequence_stays_taken()
    {
        var (session, grant) = await WithSnapshotsAsync(rows: 20, snapshots: [10, 20]);
        Assert.Equal(10, await Store.TrimAsync(grant, session, 10, 100, None));
        await AssertConflictAsync(Append(grant, session, 5));
    }

    [Fact]
    public async Task E10_a_stale_grant_writes_nothing_anywhere()
    {
        var (session, stale) = await WithSnapshotsAsync(rows: 20, snapshots: [5, 10]);
        await CommitAsync(Append(stale, session, 21, archive: [Ended(1, "t1")], wakeAt: Noon));
        _grants = await _harness.Cluster.TakeAllAsync(NewNode(), Shards, None);
        foreach (var grant in new[] { stale, _grants.GrantOf(session) with { Node = stale.Node }, stale with { ShardId = 99 } })
        {
            var report = await Store.CommitAsync([Append(grant, session, 22, archive: [Ended(2, "t2")])], None);
            Assert.Equal([grant.ShardId], report.FencedShards);
            Assert.False(await Store.SaveSnapshotAsync(grant, session, Snapshot(20), None));
            Assert.Null(await Store.TrimAsync(grant, session, 20, 100, None));
            Assert.Null(await Store.ReacquireAsync(grant, None));
        }

        var current = _grants.GrantOf(session);
        Assert.Equal(21, await Store.ReadLastSequenceAsync(current, session, None));
        Assert.Equal([10, 5], (await Store.OpenAsync(current, session, None))!.Snapshots.Select(snapshot => snapshot.Sequence));
        Assert.Equal(21, (await Store.ReadRowsAsync(current, session, 0, 100, None))!.Count);
        Assert.Single((await Store.ListArchiveAsync(current, session, 1, 0, 10, None))!);
    }

    [Fact]
    public async Task A_stale_grant_reads_nothing_either()
    {
        var session = Key("stale");
        var stale = _grants.GrantOf(session);
        await CommitAsync(Append(stale, session, 1, wakeAt: Noon));
        await _harness.Cluster.TakeAllAsync(NewNode(), Shards, None);

        Assert.Null(await Store.OpenAsync(stale, session, None));
        Assert.Null(await Store.ReadLastSequenceAsync(stale, session, None));
        Assert.Null(await Store.ReadRowsAsync(stale, session, 0, 10, None));
        Assert.Null(await Store.ReadNumberedAsync(stale, session, 0, 10, None));
        Assert.Null(await Store.ListArchiveAsync(stale, session, 1, 0, 10, None));
        Assert.Null(await Store.FindArchivedAsync(stale, session, 1, [TaskId.Parse("t1")], None));
        Assert.Empty(await Store.ListDueAsync([stale], Noon, 10, None));
    }

    [Fact]
    public async Task The_two_newest_snapshots_are_kept()
    {
        var (session, grant) = await WithSnapshotsAsync(rows: 30, snapshots: [10, 20, 30]);
        var opening = (await Store.OpenAsync(grant, session, None))!;
        Assert.Equal([30, 20], opening.Snapshots.Select(snapshot => snapshot.Sequence));
        Assert.Equal("state 30", Encoding.UTF8.GetString(opening.Snapshots[0].Payload.Span));
        Assert.Equal(30, opening.Head!.SnapshotSequence);
    }

    [Fact]
    public async Task A_snapshot_cannot_stand_ahead_of_the_journal()
    {
        var (session, grant) = await WithSnapshotsAsync(rows: 10, snapshots: []);
        var refused = await Assert.ThrowsAsync<JournalStoreException>(async () => await Store.SaveSnapshotAsync(grant, session, Snapshot(11), None));
        Assert.Equal(StoreFailure.Rejected, refused.Failure);
        Assert.Empty((await Store.OpenAsync(grant, session, None))!.Snapshots);
    }

    [Theory]
    [InlineData(new long[0], 0)]
    [InlineData(new long[] { 20 }, 0)]
    [InlineData(new long[] { 10, 20 }, 10)]
    [InlineData(new long[] { 10, 20, 30 }, 20)]
    public async Task Trimming_never_passes_the_older_snapshot(long[] snapshots, int trimmed)
    {
        var (session, grant) = await WithSnapshotsAsync(rows: 30, snapshots);
        Assert.Equal(trimmed, await Store.TrimAsync(grant, session, 30, 1000, None));
        Assert.Equal(30 - trimmed, (await Store.ReadRowsAsync(grant, session, 0, 100, None))!.Count);
    }

    [Fact]
    public async Task Trimming_goes_in_bites()
    {
        var (session, grant) = await WithSnapshotsAsync(rows: 30, snapshots: [25, 30]);
        Assert.Equal(10, await Store.TrimAsync(grant, session, 23, 10, None));
        Assert.Equal(10, await Store.TrimAsync(grant, session, 23, 10, None));
        Assert.Equal(3, await Store.TrimAsync(grant, session, 23, 10, None));
        Assert.Equal(0, await Store.TrimAsync(grant, session, 23, 10, None));
        Assert.Equal(24, (await Store.ReadRowsAsync(grant, session, 0, 1, None))![0].Sequence);
    }

    [Fact]
    public async Task Rows_come_in_pages_and_in_order()
    {
        var (session, grant) = await WithSnapshotsAsync(rows: 25, snapshots: []);
        var sequences = new List<long>();
        while ((await Store.ReadRowsAsync(grant, session, sequences.LastOrDefault(), 10, None))! is { Count: > 0 } page)
            sequences.AddRange(page.Select(row => row.Sequence));
        Assert.Equal(Enumerable.Range(1, 25).Select(index => (long)index), sequences);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public async Task Numbered_rows_are_found_wherever_they_stand(int page)
    {
        var session = Key("numbered");
        var grant = _grants.GrantOf(session);
        var random = new Random(5);
        long sequence = 1, number = 0;
        for (var append = 0; append < 60; append++)
        {
            var silent = append is > 20 and < 40;
            NewRow[] rows = [.. Enumerable.Range(0, random.Next(1, 9)).Select(_ => Row("x", !silent && random.Next(3) == 0 ? ++number : null))];
            await CommitAsync(new SessionAppend(grant, session, sequence, rows, new HeadUpdate("active", 1, number, null), []));
            sequence += rows.Length;
        }

        await SaveAsync(grant, session, 30, 40);
        await Store.TrimAsync(grant, session, 20, 100, None);
        var left = (await Store.ReadRowsAsync(grant, session, 0, 10_000, None))!.Where(row => row.Number is not null).Select(row => row.Number!.Value).ToList();

        foreach (var after in new[] { 0, left[0] - 1, left[0], left[left.Count / 2], left[^1] - 1, left[^1], left[^1] + 100 })
        {
            var read = (await Store.ReadNumberedAsync(grant, session, after, page, None))!;
            Assert.Equal(left.Where(known => known > after).Take(page), read.Select(row => row.Number!.Value));
        }
    }

    [Fact]
    public async Task Ended_tasks_are_listed_by_ordinal_and_found_by_id()
    {
        var session = Key("archive");
        var grant = _grants.GrantOf(session);
        await CommitAsync(Append(grant, session, 1, archive: [Ended(3, "t3"), Ended(1, "mine"), Ended(2, "t2")]));
        await CommitAsync(Append(grant, session, 2, archive: [Ended(1, "other", generation: 2)]));

        Assert.Equal([1, 2], (await Store.ListArchiveAsync(grant, session, 1, 0, 2, None))!.Select(task => task.Ordinal));
        Assert.Equal([3], (await Store.ListArchiveAsync(grant, session, 1, 2, 2, None))!.Select(task => task.Ordinal));
        var found = (await Store.FindArchivedAsync(grant, session, 1, [TaskId.Parse("t3"), TaskId.Parse("other"), TaskId.Parse("mine")], None))!;
        Assert.Equal(["t3", "mine"], found.Select(task => task.Id.ToString()));
        Assert.Equal("task t3", Encoding.UTF8.GetString(found[0].Payload.Span));
        Assert.Equal("other", Assert.Single((await Store.ListArchiveAsync(grant, session, 2, 0, 9, None))!).Id.ToString());
    }

    [Fact]
    public async Task An_archived_task_shares_the_fate_of_its_row()
    {
        var session = Key("fate");
        var grant = _grants.GrantOf(session);
        await CommitAsync(Append(grant, session, 1, archive: [Ended(1, "t1")]));
        await AssertConflictAsync(Append(grant, session, 1, archive: [Ended(2, "t2")]));
        await AssertConflictAsync(Append(grant, session, 2, archive: [Ended(1, "t1")]));
        Assert.Equal(1, await Store.ReadLastSequenceAsync(grant, session, None));
        Assert.Single((await Store.ListArchiveAsync(grant, session, 1, 0, 10, None))!);
    }

    [Fact]
    public async Task A_destination_belongs_to_one_session_until_it_gives_it_back()
    {
        var (one, two) = (KeyIn(1), KeyIn(2));
        await CommitAsync(Append(_grants[1], one, 1).Claiming(("a/x", "t1"), ("a/y", "t2")));
        Assert.Equal([(At("a/x"), one, "t1")], await ClaimsAsync(_grants[2], two, "a/x", "a/z"));
        Assert.Empty(await ClaimsAsync(_grants[1], one, "a/x", "a/y"));

        await AssertTakenAsync(Append(_grants[2], two, 1).Claiming(("a/x", "u1")));
        Assert.Equal(0, await Store.ReadLastSequenceAsync(_grants[2], two, None));
        await CommitAsync(Append(_grants[2], two, 1).Claiming(("a/x", null), ("a/z", "u1"))); // another's is not given back
        await AssertTakenAsync(Append(_grants[2], two, 2).Claiming(("a/x", "u2")));

        await CommitAsync(Append(_grants[1], one, 2).Claiming(("a/x", "t3")));
        Assert.Equal([(At("a/x"), one, "t3")], await ClaimsAsync(_grants[2], two, "a/x"));
        await CommitAsync(Append(_grants[1], one, 3).Claiming(("a/x", null)));
        await CommitAsync(Append(_grants[2], two, 2).Claiming(("a/x", "u2")));
        await _harness.ReopenAsync();
        _grants = await _harness.Cluster.TakeAllAsync(NewNode(), Shards, None);
        Assert.Equal([(At("a/x"), two, "u2"), (At("a/z"), two, "u1")], await ClaimsAsync(_grants[1], one, "a/x", "a/z"));
    }

    [Fact]
    public async Task Claims_share_the_fate_of_their_rows()
    {
        var (one, two, stale) = (KeyIn(1), KeyIn(2), _grants[2]);
        await AssertConflictAsync(Append(_grants[1], one, 2).Claiming(("a/x", "t1")));
        Assert.NotNull(await Store.ReacquireAsync(stale, None));
        Assert.Equal([2], (await Store.CommitAsync([Append(stale, two, 1).Claiming(("a/x", "t1"), ("a/y", "t2"))], None)).FencedShards);
        await CommitAsync(Append(_grants[1], one, 1).Claiming(("a/x", "t1"), ("a/y", "t2")));
        var current = stale with { Epoch = stale.Epoch + 1 };
        await CommitAsync(Append(current, two, 1));
        Assert.Equal([2], (await Store.CommitAsync([Append(stale, two, 2).Claiming(("a/x", null))], None)).FencedShards);
        Assert.Equal(2, (await ClaimsAsync(current, two, "a/x", "a/y")).Count());
        Assert.Null(await Store.FindClaimsAsync(stale, two, [At("a/x")], None));
    }

    [Fact]
    public async Task Of_two_sessions_that_claim_at_once_one_gets_it()
    {
        for (var round = 1; round <= 20; round++)
        {
            var path = $"race/{round}";
            SessionAppend[] both = [Append(_grants[1], KeyIn(1), round).Claiming((path, "t1")), Append(_grants[2], KeyIn(2), round).Claiming((path, "t2"))];
            if (round % 2 == 0)
            {
                await AssertTakenAsync(both);
                await CommitAsync(both[0], both[1] with { Claims = [] });
                continue;
            }
            var outcomes = await Task.WhenAll(both.Select(append => TryAsync(append)));
            Assert.Single(outcomes, true);
            await CommitAsync((outcomes[0] ? both[1] : both[0]) with { Claims = [] });
        }

        async Task<bool> TryAsync(SessionAppend append)
        {
            try
            {
                await CommitAsync(append);
                return true;
            }
            catch (JournalStoreException refused)
            {
                Assert.Equal(StoreFailure.Taken, refused.Failure);
                return false;
            }
        }
    }

    [Fact]
    public async Task Expired_files_come_earliest_first_until_they_are_forgotten()
    {
        var (one, two) = (KeyIn(1), KeyIn(2));
        FileExpiry[] expiries = [Expiry("late", 2, 2), Expiry("soon", 1, 1), Expiry("same time", 1, 3)];
        await CommitAsync(Append(_grants[1], one, 1) with { Expiries = expiries });
        await CommitAsync(Append(_grants[2], two, 1) with { Expiries = [Expiry("first", 0, 1)] });
        await AssertConflictAsync(Append(_grants[2], two, 1) with { Expiries = [Expiry("never", 0, 2)] });

        Assert.Equal(["first", "soon", "same time"], (await Store.ListExpiredFilesAsync(_grants, Noon.AddHours(1), 10, None)).Select(PathOf).OrderBy(path => path == "first" ? 0 : path == "soon" ? 1 : 2));
        Assert.Equal(["first"], (await Store.ListExpiredFilesAsync(_grants, Noon.AddHours(9), 1, None)).Select(PathOf));
        var due = await Store.ListExpiredFilesAsync([_grants[1]], Noon.AddHours(1), 10, None);
        Assert.Equal(expiries[1], due.Single(file => file.Expiry.Ordinal == 1).Expiry);
        Assert.Equal((1, one), (due[0].ShardId, due[0].Session));

        var stale = _grants[1] with { Epoch = _grants[1].Epoch - 1 };
        Assert.False(await Store.ForgetExpiredFilesAsync(stale, due, None));
        Assert.Empty(await Store.ListExpiredFilesAsync([stale], Noon.AddHours(1), 10, None));
        Assert.Equal(2, (await Store.ListExpiredFilesAsync([_grants[1]], Noon.AddHours(1), 10, None)).Count);
        Assert.True(await Store.ForgetExpiredFilesAsync(_grants[1], due, None));
        Assert.Equal(["late"], (await Store.ListExpiredFilesAsync([_grants[1]], Noon.AddHours(9), 10, None)).Select(PathOf));

        static FileExpiry Expiry(string path, int hours, long ordinal) => new(Noon.AddHours(hours), 1, ordinal, At(path), "\"1-2-3\"");
        static string PathOf(ExpiredFile file) => file.Expiry.Destination.Text["default/default/".Length..];
    }

    [Fact]
    public async Task Due_sessions_come_earliest_first()
    {
        DateTimeOffset?[] wakes = [Noon, null, DateTimeOffset.UnixEpoch, Noon.AddMicroseconds(1), Noon.AddHours(-1)];
        for (var shard = 0; shard < wakes.Length; shard++)
            await CommitAsync(Append(_grants[shard], KeyIn(shard), 1, wakeAt: wakes[shard]));

        Assert.Equal([KeyIn(2), KeyIn(4), KeyIn(0)], (await Store.ListDueAsync(_grants, Noon, 10, None)).Select(due => due.Session));
        Assert.Equal([(2, DateTimeOffset.UnixEpoch)], (await Store.ListDueAsync(_grants, Noon, 1, None)).Select(due => (due.ShardId, due.WakeAt)));
        Assert.Equal([KeyIn(4)], (await Store.ListDueAsync([_grants[4], _grants[1]], Noon, 10, None)).Select(due => due.Session));

        await CommitAsync(Append(_grants[2], KeyIn(2), 2, wakeAt: null), Append(_grants[1], KeyIn(1), 2, wakeAt: Noon.AddMinutes(-1)));
        Assert.Equal([KeyIn(4), KeyIn(1), KeyIn(0)], (await Store.ListDueAsync(_grants, Noon, 10, None)).Select(due => due.Session));
    }

    [Fact]
    public async Task Sessions_are_listed_by_name_within_a_tenant_or_over_all()
    {
        SessionKey[] keys = [.. new[] { "b/x", "a/z", "a/b", "ab/c", "a/a" }.Select(SessionKey.Parse)];
        foreach (var key in keys)
            await CommitAsync(Append(_grants.GrantOf(key), key, 1));
        var tenant = TenantId.Parse("a");

        Assert.Equal(["a/a", "a/b", "a/z"], await NamesAsync(tenant, null, 10));
        Assert.Equal(["a/a", "a/b"], await NamesAsync(tenant, null, 2));
        Assert.Equal(["a/z"], await NamesAsync(tenant, "a/b", 10));
        Assert.Equal(["a/a", "a/b", "a/z", "ab/c", "b/x"], await NamesAsync(null, null, 10));
        Assert.Equal(["b/x"], await NamesAsync(null, "ab/c", 10));

        async Task<IEnumerable<string>> NamesAsync(TenantId? of, string? after, int max) =>
            (await Store.ListSessionsAsync(of, after, max, None)).Heads.Select(head => head.Session.ToString());
    }

    [Fact]
    public async Task A_restart_keeps_everything_and_raises_every_epoch()
    {
        var (session, before) = await WithSnapshotsAsync(rows: 12, snapshots: [6]);
        var oldGrants = _grants;
        await _harness.ReopenAsync();
        _grants = await _harness.Cluster.TakeAllAsync(NewNode(), Shards, None);

        Assert.Equal(oldGrants.Select(grant => (grant.ShardId, grant.Epoch + 1)), _grants.Select(grant => (grant.ShardId, grant.Epoch)));
        Assert.Null(await Store.OpenAsync(before, session, None));
        var grant = _grants.GrantOf(session);
        Assert.Equal(12, (await Store.OpenAsync(grant, session, None))!.Head!.LastSequence);
        await CommitAsync(Append(grant, session, 13));
        Assert.Equal([before.Epoch, grant.Epoch], (await Store.ReadRowsAsync(grant, session, 11, 10, None))!.Select(row => row.Epoch));
    }

    [Fact]
    public async Task Released_shards_are_nobodys()
    {
        await _harness.Cluster.ReleaseAllAsync(_node, None);
        var session = Key("released");
        var report = await Store.CommitAsync([Append(_grants.GrantOf(session), session, 1)], None);
        Assert.Equal([_grants.GrantOf(session).ShardId], report.FencedShards);
        Assert.Null(await Store.ReacquireAsync(_grants.GrantOf(session), None));
    }

    [Fact]
    public async Task The_number_of_shards_is_fixed_for_life()
    {
        var refused = await Assert.ThrowsAsync<JournalStoreException>(async () => await _harness.Cluster.TakeAllAsync(NewNode(), Shards * 2, None));
        Assert.Contains("8 shards", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, await Store.ReadLastSequenceAsync(_grants[0], KeyIn(0), None));
    }

    private async Task CommitAsync(params SessionAppend[] batch) => Assert.Empty((await Store.CommitAsync(batch, None)).FencedShards);

    private async Task AssertConflictAsync(params SessionAppend[] batch)
    {
        var failed = await Assert.ThrowsAsync<JournalStoreException>(async () => await Store.CommitAsync(batch, None));
        Assert.Equal(StoreFailure.Conflict, failed.Failure);
    }

    private async Task AssertTakenAsync(params SessionAppend[] batch)
    {
        var failed = await Assert.ThrowsAsync<JournalStoreException>(async () => await Store.CommitAsync(batch, None));
        Assert.Equal(StoreFailure.Taken, failed.Failure);
    }

    private async Task<IEnumerable<(Destination, SessionKey, string)>> ClaimsAsync(ShardGrant grant, SessionKey session, params string[] paths) =>
        (await Store.FindClaimsAsync(grant, session, [.. paths.Select(At)], None))!
        .Select(claim => (claim.Destination, claim.Session, claim.Task.ToString())).OrderBy(claim => claim.Destination.Text, StringComparer.Ordinal);

    private async Task<(SessionKey Session, ShardGrant Grant)> WithSnapshotsAsync(int rows, long[] snapshots)
    {
        var session = Key("snapshots");
        var grant = _grants.GrantOf(session);
        await CommitAsync(Append(grant, session, 1, rows));
        await SaveAsync(grant, session, snapshots);
        return (session, grant);
    }

    private async Task SaveAsync(ShardGrant grant, SessionKey session, params long[] sequences)
    {
        foreach (var sequence in sequences)
            Assert.True(await Store.SaveSnapshotAsync(grant, session, Snapshot(sequence), None));
    }

    private static StoredSnapshot Snapshot(long sequence) => new(sequence, "session.v1", Encoding.UTF8.GetBytes($"state {sequence}"));
}
