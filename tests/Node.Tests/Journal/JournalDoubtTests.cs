using System.Text;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Xunit;

namespace Backhaul.Node.Tests.Journal;

/// <summary>Appends whose outcome is not found out in time, and the grants that they were made under.</summary>
public sealed class JournalDoubtTests
{
    [Fact]
    public void An_append_that_arrives_late_is_never_taken_for_the_next_one_of_the_same_rows() => new WriterBench().RunAsync(async bench =>
    {
        var grant = bench.Holders[0].Current!.Value;
        bench.Store.FailCommits(new StoreFault(StoreFailure.Unknown));
        bench.Store.FailReacquires(new StoreFault(StoreFailure.Transient, Times: 10_000));
        Assert.Equal(AppendOutcome.Unknown, await bench.Append(0, "a", 1, text: "ghost"));
        bench.Store.Heal();
        var ghost = bench.Store.Received[0];

        // Whoever goes on under the old grant would meet the ghost in the resolution of its own unknown append, and take it for that.
        Assert.Equal(AppendOutcome.Fenced, await bench.Append(0, "a", 1, text: "second"));
        Assert.Single(bench.Store.Received);

        var next = new Holder((await bench.Store.ReacquireAsync(grant, default))!.Value); // as an adoption does it
        bench.Store.FailCommits(new StoreFault(StoreFailure.Unknown));
        var go = bench.Store.StallCommits();
        var second = bench.Writer.AppendAsync(WriterBench.Request(next, "a", 1, text: "second"), default).AsTask();
        await bench.SettleAsync();
        var late = bench.Store.CommitAsync(ghost, default).AsTask();
        await bench.SettleAsync();
        go();
        Assert.Equal([0], (await late).FencedShards);
        Assert.Equal(AppendOutcome.Committed, await second);
        var row = Assert.Single((await bench.Store.ReadRowsAsync(next.Current!.Value, WriterBench.Key("a"), 0, 10, default))!);
        Assert.Equal("second", Encoding.UTF8.GetString(row.Payload.Span));
    });

    [Fact]
    public void When_the_time_is_used_up_the_store_is_not_asked_again() => new WriterBench().RunAsync(async bench =>
    {
        bench.Store.FailCommits(new StoreFault(StoreFailure.Unknown, Applied: true));
        var go = bench.Store.StallCommits();
        var append = bench.Append(0, "a", 1);
        await Task.Delay(new JournalOptions().RetryLimit + TimeSpan.FromSeconds(1), bench.World.Time);
        go();
        Assert.Equal(AppendOutcome.Unknown, await append);
        Assert.Empty(bench.Holders[0].Reacquired);
        Assert.Equal([1], bench.Holders[0].Doubtful.Select(grant => grant.Epoch));
    });

    [Fact]
    public void One_commit_never_carries_two_epochs_of_a_shard() => new WriterBench().RunAsync(async bench =>
    {
        var go = bench.Store.StallCommits();
        var blocker = bench.Append(3, "blocker", 1);
        await bench.SettleAsync();
        var rising = new RisingHolder(bench.Holders[0].Current!.Value);
        var appends = Task.WhenAll(new[] { "a", "b", "c" }.Select(session => bench.Writer.AppendAsync(WriterBench.Request(rising, session, 1), default).AsTask()));
        await bench.SettleAsync();
        go();
        await blocker;
        Assert.All(await appends, outcome => Assert.Equal(AppendOutcome.Committed, outcome));
        Assert.Equal(3, bench.Store.Received[1].Count);
    });

    [Fact]
    public void A_lost_shard_is_refused_at_once_while_a_suspended_one_waits() => new WriterBench().RunAsync(async bench =>
    {
        var go = bench.Store.StallCommits();
        var blocker = bench.Append(3, "blocker", 1);
        await bench.SettleAsync();
        var suspended = bench.Holders[0];
        var grant = suspended.Current;
        (suspended.Current, suspended.IsSuspended) = (null, true);
        bench.Holders[1].Current = null;
        var waits = bench.Append(0, "a", 1);
        var lost = bench.Append(1, "b", 1);
        await bench.SettleAsync();
        go();
        await blocker;
        Assert.Equal(AppendOutcome.Fenced, await lost);
        Assert.False(waits.IsCompleted);
        (suspended.Current, suspended.IsSuspended) = (grant, false);
        Assert.Equal(AppendOutcome.Committed, await waits);
    });

    /// <summary>Says another epoch each time; the first is the good one.</summary>
    private sealed class RisingHolder(ShardGrant first) : IGrantHolder
    {
        private int _asked;

        public bool IsSuspended => false;

        public int ShardId => first.ShardId;

        public ShardGrant? Current => first with { Epoch = first.Epoch + _asked++ };

        public void OnFenced(ShardGrant refused)
        {
        }

        public void OnReacquired(ShardGrant grant)
        {
        }
    }
}
