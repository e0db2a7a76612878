using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Xunit;

namespace Backhaul.Node.Tests.Journal;

public sealed class JournalWriterTests
{
    [Fact]
    public void What_queued_during_a_commit_is_the_next_batch() => new WriterBench().RunAsync(async bench =>
    {
        var go = bench.Store.StallCommits();
        var first = bench.Append(0, "first", 1);
        await bench.SettleAsync();
        var queued = Enumerable.Range(0, 10).Select(index => bench.Append(index % 4, $"s{index}", 1, rows: 2)).ToList();
        await bench.SettleAsync();
        Assert.False(first.IsCompleted);
        go();
        Assert.All(await Task.WhenAll(queued), outcome => Assert.Equal(AppendOutcome.Committed, outcome));
        Assert.Equal([1, 10], bench.Store.Received.Select(batch => batch.Count));
    });

    [Fact]
    public void Requests_of_one_session_that_follow_each_other_are_merged() => new WriterBench().RunAsync(async bench =>
    {
        var go = bench.Store.StallCommits();
        var all = new List<Task<AppendOutcome>> { bench.Append(0, "other", 1) };
        await bench.SettleAsync();
        all.AddRange([bench.Append(0, "a", 1, rows: 2), bench.Append(0, "a", 3), bench.Append(1, "b", 1), bench.Append(0, "a", 4, rows: 3)]);
        await bench.SettleAsync();
        go();
        Assert.All(await Task.WhenAll(all), outcome => Assert.Equal(AppendOutcome.Committed, outcome));
        Assert.Equal([1, 2], bench.Store.Received.Select(batch => batch.Count));
        Assert.Equal(6, bench.Store.Received[1][0].Rows.Count);
        Assert.Equal(6, bench.Store.Received[1][0].Head.LastNumber);
    });

    [Fact]
    public void A_request_that_does_not_follow_waits_for_the_next_batch_and_nobody_overtakes_it() => new WriterBench().RunAsync(async bench =>
    {
        var go = bench.Store.StallCommits();
        var blocker = bench.Append(0, "other", 1);
        await bench.SettleAsync();
        var good = bench.Append(0, "a", 1);
        var wrong = bench.Append(0, "a", 7);
        var next = bench.Append(1, "b", 1);
        await bench.SettleAsync();
        go();
        Assert.Equal(
            [AppendOutcome.Committed, AppendOutcome.Committed, AppendOutcome.Conflict, AppendOutcome.Committed], await Task.WhenAll(blocker, good, wrong, next));
        Assert.Equal(["a"], bench.Store.Received[1].Select(part => part.Session.Identifier.ToString()));
    });

    [Theory]
    [InlineData(5, int.MaxValue, 5)]
    [InlineData(1000, 30, 3)]
    public void A_batch_is_closed_at_its_limits(int rowsMax, int bytesMax, int expected) =>
        new WriterBench(new JournalOptions { BatchRowsMax = rowsMax, BatchBytesMax = bytesMax }).RunAsync(async bench =>
        {
            var go = bench.Store.StallCommits();
            var all = new List<Task<AppendOutcome>> { bench.Append(0, "first", 1) };
            await bench.SettleAsync();
            all.AddRange(Enumerable.Range(0, 20).Select(index => bench.Append(0, $"s{index}", 1, text: "ten bytes!")));
            await bench.SettleAsync();
            go();
            await Task.WhenAll(all);
            Assert.All(bench.Store.Received[1..^1], batch => Assert.Equal(expected, batch.Count));
        });

    [Fact]
    public void The_culprit_of_a_conflict_is_found_and_its_neighbours_commit() => new WriterBench().RunAsync(async bench =>
    {
        Assert.Equal(AppendOutcome.Committed, await bench.Append(0, "poisoned", 1));
        var go = bench.Store.StallCommits();
        var blocker = bench.Append(3, "blocker", 1);
        await bench.SettleAsync();
        var outcomes = Task.WhenAll(bench.Append(0, "a", 1), bench.Append(0, "poisoned", 1), bench.Append(1, "b", 1));
        await bench.SettleAsync();
        go();
        Assert.Equal([AppendOutcome.Committed, AppendOutcome.Conflict, AppendOutcome.Committed], await outcomes);
        Assert.Equal(AppendOutcome.Committed, await blocker);
        Assert.Single(bench.World.Loggers.Of(2002));
    });

    [Fact]
    public void What_is_too_large_or_empty_is_rejected_before_it_is_sent() =>
        new WriterBench(new JournalOptions { RowBytesMax = 1024, RequestBytesMax = 2048 }).RunAsync(async bench =>
        {
            Assert.Equal(AppendOutcome.Rejected, await bench.Append(0, "a", 1, text: new string('x', 1025)));
            Assert.Equal(AppendOutcome.Rejected, await bench.Append(0, "a", 1, rows: 3, text: new string('x', 1000)));
            Assert.Equal(AppendOutcome.Rejected, await bench.Append(0, "a", 1, rows: 0));
            Assert.Equal(AppendOutcome.Rejected, await bench.Append(0, "a", 0));
            Assert.Empty(bench.Store.Received);
        });

    [Fact]
    public void A_store_that_rejects_answers_the_culprit_only() => new WriterBench().RunAsync(async bench =>
    {
        bench.Store.FailCommits(new StoreFault(StoreFailure.Rejected));
        Assert.Equal(AppendOutcome.Rejected, await bench.Append(0, "a", 1));
        Assert.Equal(AppendOutcome.Committed, await bench.Append(0, "a", 1));
    });

    [Fact]
    public void A_transient_failure_is_tried_again_until_it_passes() => new WriterBench().RunAsync(async bench =>
    {
        bench.Store.FailCommits(new StoreFault(StoreFailure.Transient, Times: 5));
        Assert.Equal(AppendOutcome.Committed, await bench.Append(0, "a", 1));
        Assert.Equal(6, bench.Store.Received.Count);
        Assert.True(bench.World.Time.Elapsed > TimeSpan.Zero);
    });

    [Fact]
    public void A_transient_failure_that_lasts_is_answered_after_the_limit() => new WriterBench().RunAsync(async bench =>
    {
        bench.Store.FailCommits(new StoreFault(StoreFailure.Transient, Times: 10_000));
        Assert.Equal(AppendOutcome.Unavailable, await bench.Append(0, "a", 1));
        Assert.InRange(bench.World.Time.Elapsed.TotalSeconds, 20, 23);
        Assert.Empty(await bench.RowsAsync(0, "a"));
    });

    [Fact]
    public void Those_who_waited_behind_a_failing_batch_do_not_wait_twice() => new WriterBench().RunAsync(async bench =>
    {
        bench.Store.FailCommits(new StoreFault(StoreFailure.Transient, Times: 10_000));
        var first = bench.Append(0, "a", 1);
        await bench.SettleAsync();
        var second = bench.Append(0, "b", 1);
        Assert.Equal([AppendOutcome.Unavailable, AppendOutcome.Unavailable], await Task.WhenAll(first, second));
        Assert.InRange(bench.World.Time.Elapsed.TotalSeconds, 20, 25);
    });

    [Fact]
    public void An_unknown_outcome_that_was_written_is_found_and_not_written_twice() => new WriterBench().RunAsync(async bench =>
    {
        bench.Store.FailCommits(new StoreFault(StoreFailure.Unknown, Applied: true));
        Assert.Equal(AppendOutcome.Committed, await bench.Append(0, "a", 1, rows: 3));
        Assert.Single(bench.Store.Received);
        Assert.Equal([2], bench.Holders[0].Reacquired.Select(grant => grant.Epoch));
        Assert.Equal(3, (await bench.RowsAsync(0, "a")).Count);
    });

    [Fact]
    public void An_unknown_outcome_that_was_not_written_is_sent_again_under_the_new_epoch() => new WriterBench().RunAsync(async bench =>
    {
        bench.Store.FailCommits(new StoreFault(StoreFailure.Unknown));
        Assert.Equal(AppendOutcome.Committed, await bench.Append(0, "a", 1));
        Assert.Equal([1, 2], bench.Store.Received.Select(batch => batch[0].Grant.Epoch));
        Assert.Equal([2], (await bench.RowsAsync(0, "a")).Select(row => row.Epoch));
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_reacquire_that_ends_unknown_itself_is_settled_too(bool applied) => new WriterBench().RunAsync(async bench =>
    {
        bench.Store.FailCommits(new StoreFault(StoreFailure.Unknown, Applied: true));
        bench.Store.FailReacquires(new StoreFault(StoreFailure.Unknown, applied, Times: 3));
        Assert.Equal(AppendOutcome.Committed, await bench.Append(0, "a", 1));
        Assert.Empty(bench.Holders[0].Refused);
        Assert.Equal(AppendOutcome.Committed, await bench.Append(0, "a", 2));
    });

    [Fact]
    public void An_unknown_outcome_stays_unknown_when_the_shard_is_lost_meanwhile() => new WriterBench().RunAsync(async bench =>
    {
        var go = bench.Store.StallCommits();
        bench.Store.FailCommits(new StoreFault(StoreFailure.Unknown));
        var append = bench.Append(0, "a", 1);
        await bench.SettleAsync();
        var takeOver = bench.Store.TakeOverAsync(0, new NodeId(Guid.Empty), default).AsTask();
        await bench.SettleAsync();
        Assert.False(takeOver.IsCompleted);
        go();
        Assert.Equal(AppendOutcome.Unknown, await append);
        Assert.Single(bench.Holders[0].Refused);
    });

    [Fact]
    public void A_store_that_never_says_what_became_of_it_ends_unknown() => new WriterBench().RunAsync(async bench =>
    {
        bench.Store.FailCommits(new StoreFault(StoreFailure.Unknown, Applied: true));
        bench.Store.FailReacquires(new StoreFault(StoreFailure.Transient, Times: 10_000));
        Assert.Equal(AppendOutcome.Unknown, await bench.Append(0, "a", 1));
        Assert.Empty(bench.Holders[0].Refused);
        Assert.Equal([1], bench.Holders[0].Doubtful.Select(grant => grant.Epoch));
    });

    [Fact]
    public void The_grant_is_asked_for_at_the_commit() => new WriterBench().RunAsync(async bench =>
    {
        var go = bench.Store.StallCommits();
        var first = bench.Append(1, "first", 1);
        await bench.SettleAsync();
        var raised = bench.Append(0, "a", 1);
        var lost = bench.Append(2, "b", 1);
        await bench.SettleAsync();
        var old = bench.Holders[0].Current!.Value;
        bench.Holders[0].Current = old with { Epoch = old.Epoch + 5 };
        bench.Holders[2].Current = null;
        go();
        Assert.Equal([AppendOutcome.Committed, AppendOutcome.Fenced, AppendOutcome.Fenced], await Task.WhenAll(first, raised, lost));
        Assert.Equal([("a", old.Epoch + 5)], bench.Store.Received[1].Select(part => (part.Session.Identifier.ToString(), part.Grant.Epoch)));
    });

    [Fact]
    public void A_request_that_queued_under_the_old_epoch_is_written_under_the_new_one() => new WriterBench().RunAsync(async bench =>
    {
        bench.Store.FailCommits(new StoreFault(StoreFailure.Unknown));
        var go = bench.Store.StallCommits();
        var first = bench.Append(0, "a", 1);
        await bench.SettleAsync();
        var queued = bench.Append(0, "b", 1);
        await bench.SettleAsync();
        go();
        Assert.Equal([AppendOutcome.Committed, AppendOutcome.Committed], await Task.WhenAll(first, queued));
        Assert.Equal([2], (await bench.RowsAsync(0, "b")).Select(row => row.Epoch));
        Assert.Empty(bench.Holders[0].Refused);
    });

    [Fact]
    public void A_lost_shard_is_fenced_and_the_others_commit() => new WriterBench().RunAsync(async bench =>
    {
        await bench.Store.TakeOverAsync(0, new NodeId(Guid.Empty), default);
        var go = bench.Store.StallCommits();
        var blocker = bench.Append(3, "blocker", 1);
        await bench.SettleAsync();
        var outcomes = Task.WhenAll(bench.Append(0, "a", 1), bench.Append(1, "b", 1));
        await bench.SettleAsync();
        go();
        Assert.Equal([AppendOutcome.Fenced, AppendOutcome.Committed], await outcomes);
        Assert.Equal(AppendOutcome.Committed, await blocker);
        Assert.Single(bench.Holders[0].Refused);
    });

    [Fact]
    public void Requests_of_an_old_holder_of_a_shard_never_share_a_batch_with_those_of_the_new_one() => new WriterBench().RunAsync(async bench =>
    {
        var stale = new Holder(bench.Holders[0].Current!.Value);
        bench.Holders[0].Current = (await bench.Store.ReacquireAsync(stale.Current!.Value, default))!.Value;
        var go = bench.Store.StallCommits();
        var blocker = bench.Append(3, "blocker", 1);
        await bench.SettleAsync();
        var outcomes = Task.WhenAll(
            bench.Append(0, "a", 1),
            bench.Writer.AppendAsync(WriterBench.Request(stale, "b", 1), default).AsTask(),
            bench.Append(0, "c", 1));
        await bench.SettleAsync();
        go();
        await blocker;
        Assert.Equal([AppendOutcome.Committed, AppendOutcome.Fenced, AppendOutcome.Committed], await outcomes);
        Assert.All(bench.Store.Received, batch => Assert.Equal(batch.Count, batch.DistinctBy(part => part.Session).Count()));
    });

    [Fact]
    public void A_full_queue_slows_producers_down_and_drops_nothing() => new WriterBench(new JournalOptions { QueueMax = 2 }).RunAsync(async bench =>
    {
        var go = bench.Store.StallCommits();
        var all = new List<Task<AppendOutcome>> { bench.Append(0, "first", 1) };
        await bench.SettleAsync();
        all.AddRange(Enumerable.Range(0, 10).Select(index => bench.Append(0, $"s{index}", 1)));
        await bench.SettleAsync();
        Assert.Equal(2, bench.Writer.Queued);
        go();
        Assert.All(await Task.WhenAll(all), outcome => Assert.Equal(AppendOutcome.Committed, outcome));
    });

    [Fact]
    public void Waiting_for_room_can_be_cancelled_waiting_for_the_outcome_cannot() => new WriterBench(new JournalOptions { QueueMax = 1 }).RunAsync(async bench =>
    {
        using var stop = new CancellationTokenSource();
        var go = bench.Store.StallCommits();
        var sent = bench.Writer.AppendAsync(WriterBench.Request(bench.Holders[0], "a", 1), stop.Token).AsTask();
        await bench.SettleAsync();
        var queued = bench.Writer.AppendAsync(WriterBench.Request(bench.Holders[0], "b", 1), stop.Token).AsTask();
        var waiting = bench.Writer.AppendAsync(WriterBench.Request(bench.Holders[0], "c", 1), stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        go();
        Assert.Equal([AppendOutcome.Committed, AppendOutcome.Committed], await Task.WhenAll(sent, queued));
        Assert.Empty(await bench.RowsAsync(0, "c"));
    });

    [Fact]
    public void A_drain_writes_what_is_queued_and_refuses_what_comes_later() => new WriterBench().RunAsync(async bench =>
    {
        var go = bench.Store.StallCommits();
        var queued = Enumerable.Range(0, 5).Select(index => bench.Append(0, $"s{index}", 1)).ToList();
        await bench.SettleAsync();
        var drain = bench.Writer.DrainAsync().AsTask();
        Assert.Equal(AppendOutcome.Unavailable, await bench.Append(0, "late", 1));
        go();
        await drain;
        Assert.All(await Task.WhenAll(queued), outcome => Assert.Equal(AppendOutcome.Committed, outcome));
    });

    [Fact]
    public void A_drain_does_not_wait_long_for_a_store_that_fails() => new WriterBench().RunAsync(async bench =>
    {
        bench.Store.FailCommits(new StoreFault(StoreFailure.Transient, Times: 10_000));
        var append = bench.Append(0, "a", 1);
        await Task.Delay(TimeSpan.FromSeconds(5), bench.World.Time);
        await bench.Writer.DrainAsync();
        Assert.Equal(AppendOutcome.Unavailable, await append);
        Assert.InRange(bench.World.Time.Elapsed.TotalSeconds, 5, 10);
    });

    [Fact]
    public void A_holder_that_throws_leaves_nobody_without_an_answer() => new WriterBench().RunAsync(async bench =>
    {
        var broken = new BrokenHolder();
        Assert.Equal(AppendOutcome.Unknown, await bench.Writer.AppendAsync(WriterBench.Request(broken, "a", 1), default));
        Assert.Equal(AppendOutcome.Committed, await bench.Append(1, "b", 1));
        Assert.Single(bench.World.Loggers.Of(2005));
    });

    [Fact]
    public void The_oldest_unanswered_append_is_watched() => new WriterBench().RunAsync(async bench =>
    {
        Assert.Equal(TimeSpan.Zero, bench.Writer.OldestUnanswered);
        var go = bench.Store.StallCommits();
        var append = bench.Append(0, "a", 1);
        await Task.Delay(TimeSpan.FromSeconds(7), bench.World.Time);
        Assert.Equal(TimeSpan.FromSeconds(7), bench.Writer.OldestUnanswered);
        go();
        await append;
        await bench.SettleAsync();
        Assert.Equal(TimeSpan.Zero, bench.Writer.OldestUnanswered);
    });

    [Fact]
    public void Lanes_do_not_wait_for_each_other_and_a_shard_keeps_its_lane() => new WriterBench(new JournalOptions { Writers = 2 }).RunAsync(async bench =>
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 40).Select(index => bench.Append(index % 4, $"s{index}", 1)));
        Assert.All(outcomes, outcome => Assert.Equal(AppendOutcome.Committed, outcome));
        Assert.All(bench.Store.Received, batch => Assert.Single(batch.Select(part => part.Grant.ShardId % 2).Distinct()));
    });

    [Fact]
    public void Options_that_cannot_work_are_named()
    {
        Assert.Empty(new JournalOptions().Problems());
        Assert.Contains("Writers", Assert.Single(new JournalOptions { Writers = -1 }.Problems()), StringComparison.Ordinal);
        Assert.Contains("RetryPauseMin", Assert.Single(new JournalOptions { RetryPauseMin = TimeSpan.FromMinutes(1) }.Problems()), StringComparison.Ordinal);
    }

    private sealed class BrokenHolder : IGrantHolder
    {
        public bool IsSuspended => false;

        public int ShardId => 0;

        public ShardGrant? Current => throw new InvalidOperationException("A bug.");

        public void OnFenced(ShardGrant refused) => throw new InvalidOperationException("A bug.");

        public void OnReacquired(ShardGrant grant) => throw new InvalidOperationException("A bug.");
    }
}
