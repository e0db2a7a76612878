using System.Text;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Journal;

public sealed class JournalReplayTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly SessionKey Session = WriterBench.Key("a");
    private readonly MemoryJournalStore _store = new(TimeProvider.System);
    private readonly List<long> _read = [];
    private ShardGrant _grant;

    public async ValueTask InitializeAsync()
    {
        _grant = (await _store.TakeAllAsync(new NodeId(Guid.NewGuid()), 1, None))[0];
        NewRow[] rows = [.. Enumerable.Range(1, 30).Select(sequence => new NewRow("x.v1", new byte[] { 1 }, sequence % 3 == 0 ? sequence / 3 : null, null))];
        await _store.CommitAsync([new SessionAppend(_grant, Session, 1, rows, new HeadUpdate("active", 1, 10, null), [])], None);
    }

    public ValueTask DisposeAsync()
    {
        _store.Dispose();
        return default;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(30)]
    [InlineData(2000)]
    public async Task Every_row_is_read_once_in_order_whatever_the_page(int page)
    {
        var loaded = Assert.IsType<ReplayOutcome.Loaded>(await RunAsync(page: page));
        Assert.Equal((30, 0, 30), (loaded.Head.LastSequence, loaded.SnapshotSequence, loaded.RowsRead));
        Assert.Equal(Enumerable.Range(1, 30).Select(sequence => (long)sequence), _read);
    }

    [Fact]
    public async Task A_session_that_was_never_written_is_absent() =>
        Assert.IsType<ReplayOutcome.Absent>(await RunAsync(session: WriterBench.Key("nobody")));

    [Fact]
    public async Task A_lost_shard_is_noticed_at_the_opening_and_between_pages()
    {
        Task<ShardGrant>? takeOver = null;
        var lost = await RunAsync(page: 10, onRow: row =>
        {
            if (row.Sequence == 10)
                takeOver = _store.TakeOverAsync(0, new NodeId(Guid.NewGuid()), None).AsTask();
            return null;
        });
        Assert.IsType<ReplayOutcome.Fenced>(lost);
        Assert.Equal(_grant.Epoch + 1, (await takeOver!).Epoch);
        Assert.IsType<ReplayOutcome.Fenced>(await RunAsync());
    }

    [Fact]
    public async Task Reading_starts_at_the_newest_snapshot()
    {
        await SaveAsync(10, 20);
        var loaded = Assert.IsType<ReplayOutcome.Loaded>(await RunAsync());
        Assert.Equal((20, 10), (loaded.SnapshotSequence, loaded.RowsRead));
        Assert.Equal(21, _read[0]);
    }

    [Fact]
    public async Task A_snapshot_that_cannot_be_read_falls_back_to_the_older_one_and_then_to_the_first_row()
    {
        await SaveAsync(10, 20);
        Assert.Equal(10, Assert.IsType<ReplayOutcome.Loaded>(await RunAsync(onSnapshot: snapshot => snapshot.Sequence == 10)).SnapshotSequence);
        Assert.Equal(0, Assert.IsType<ReplayOutcome.Loaded>(await RunAsync(onSnapshot: _ => false)).SnapshotSequence);
    }

    [Fact]
    public async Task Without_a_readable_snapshot_a_trimmed_journal_is_damaged()
    {
        await SaveAsync(10, 20);
        await _store.TrimAsync(_grant, Session, 10, 100, None);
        var sentence = await DamagedAsync(onSnapshot: _ => false);
        Assert.Contains("after row 0 comes row 11", sentence, StringComparison.Ordinal);
        Assert.Contains("none of its 2 snapshots could be read", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_row_is_found()
    {
        await _store.DamageAsync(Session, rows => rows.Remove(15), None);
        Assert.Contains("after row 14 comes row 16", await DamagedAsync(), StringComparison.Ordinal);
        Assert.Equal(14, _read[^1]);
    }

    [Fact]
    public async Task Missing_last_rows_are_found()
    {
        await _store.DamageAsync(Session, rows => rows.Remove(30), None);
        Assert.Contains("end at 29, its head says 30", await DamagedAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_falling_epoch_is_found()
    {
        await _store.DamageAsync(Session, rows => rows[12] = rows[12] with { Epoch = 0 }, None);
        Assert.Contains("row 12 was written in epoch 0, after one of epoch 1", await DamagedAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_gap_in_the_event_numbers_is_found()
    {
        await _store.DamageAsync(Session, rows => rows[9] = rows[9] with { Number = 4 }, None);
        Assert.Contains("row 9 has the event number 4, after 2", await DamagedAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_last_event_number_that_the_head_does_not_know_is_found()
    {
        await _store.DamageAsync(Session, rows => rows[30] = rows[30] with { Number = null }, None);
        Assert.Contains("last event has the number 9, its head says 10", await DamagedAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_that_cannot_be_applied_ends_the_reading()
    {
        Assert.Contains("row 5 cannot be read", await DamagedAsync(onRow: row => row.Sequence == 5 ? "row 5 cannot be read" : null), StringComparison.Ordinal);
        Assert.Equal(5, _read[^1]);
    }

    private async Task<string> DamagedAsync(Func<StoredSnapshot, bool>? onSnapshot = null, Func<JournalRow, string?>? onRow = null)
    {
        var damaged = Assert.IsType<ReplayOutcome.Damaged>(await RunAsync(onSnapshot, onRow));
        Assert.StartsWith("The journal of session 'default/a' is damaged: ", damaged.Sentence, StringComparison.Ordinal);
        return damaged.Sentence;
    }

    private async Task<ReplayOutcome> RunAsync(
        Func<StoredSnapshot, bool>? onSnapshot = null, Func<JournalRow, string?>? onRow = null, int page = 10, SessionKey? session = null)
    {
        _read.Clear();
        return await new JournalReplay(_store, page).RunAsync(
            _grant, session ?? Session, onSnapshot ?? (_ => true),
            row =>
            {
                _read.Add(row.Sequence);
                return onRow?.Invoke(row);
            },
            None);
    }

    private async Task SaveAsync(params long[] sequences)
    {
        foreach (var sequence in sequences)
            await _store.SaveSnapshotAsync(_grant, Session, new StoredSnapshot(sequence, "s.v1", Encoding.UTF8.GetBytes("{}")), None);
    }
}
