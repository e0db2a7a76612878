using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Node.Sharding.Membership;
using Backhaul.Protocol;
using Backhaul.World;
using Xunit;

namespace Backhaul.Node.Tests.Journal;

/// <summary>What the memory cluster store does with time and with appends in flight; what every store promises is in Store.Tests.</summary>
public sealed class MemoryClusterStoreTests
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly SessionKey Session = SessionKey.Parse("acme/orders");

    private readonly VirtualWorld _world = new(seed: 3);
    private readonly MemoryJournalStore _journal;
    private readonly MemoryClusterStore _cluster;

    public MemoryClusterStoreTests()
    {
        _journal = new MemoryJournalStore(_world.Time);
        _cluster = new MemoryClusterStore(_journal);
    }

    [Fact]
    public void A_claim_waits_for_the_append_in_flight_and_its_owner_reads_it() => Run(async () =>
    {
        var (old, heir) = (await JoinAsync(), await JoinAsync());
        var grant = (await _cluster.ClaimAsync(old, 0, 0, None))!.Value;
        var go = _journal.StallCommits();
        var append = _journal.CommitAsync([Append(grant, 1)], None).AsTask();
        await _cluster.MoveAsync(old, MemberState.Left, None);
        var claim = _cluster.ClaimAsync(heir, 0, grant.Epoch, None).AsTask();
        await Task.Delay(TimeSpan.FromSeconds(1), _world.Time);
        Assert.False(claim.IsCompleted);
        go();

        var taken = (await claim)!.Value;
        Assert.Equal(grant.Epoch + 1, taken.Epoch);
        Assert.Equal(1, await _journal.ReadLastSequenceAsync(taken, Session, None));
        Assert.Empty((await append).FencedShards);
        Assert.Equal([0], (await _journal.CommitAsync([Append(grant, 2)], None)).FencedShards);
    });

    [Fact]
    public void A_claim_gives_up_when_the_append_takes_too_long() => Run(async () =>
    {
        var (old, heir) = (await JoinAsync(), await JoinAsync());
        var grant = (await _cluster.ClaimAsync(old, 0, 0, None))!.Value;
        var go = _journal.StallCommits();
        var append = _journal.CommitAsync([Append(grant, 1)], None).AsTask();
        await _cluster.MoveAsync(old, MemberState.Left, None);
        var refused = await Assert.ThrowsAsync<JournalStoreException>(() => _cluster.ClaimAsync(heir, 0, grant.Epoch, None).AsTask());
        Assert.Equal(StoreFailure.Transient, refused.Failure);
        go();
        await append;
        Assert.NotNull(await _cluster.ClaimAsync(heir, 0, grant.Epoch, None));
    });

    [Fact]
    public void A_lease_must_be_over_for_a_second_before_its_node_is_dead() => Run(async () =>
    {
        var (node, other) = (await JoinAsync(), await JoinAsync());
        var grant = (await _cluster.ClaimAsync(node, 0, 0, None))!.Value;
        await Task.Delay(TimeSpan.FromSeconds(10), _world.Time);
        await _cluster.RenewAsync(other, TimeSpan.FromSeconds(1), None);
        await Task.Delay(TimeSpan.FromSeconds(6), _world.Time);
        Assert.False(await _cluster.DeclareDeadAsync(node, None));
        await Task.Delay(TimeSpan.FromMilliseconds(1), _world.Time);
        Assert.True(await _cluster.DeclareDeadAsync(node, None));
        Assert.False(await _cluster.DeclareDeadAsync(node, None));
        Assert.Null((await _cluster.RenewAsync(node, TimeSpan.FromSeconds(1), None)).State);
        var claimed = await _cluster.ClaimAsync(other, 0, grant.Epoch, None);
        Assert.Equal(new ShardGrant(0, grant.Epoch + 1, other), claimed);
        Assert.Equal(1, (await _cluster.ReadViewAsync(None)).Shards[0].Takeovers);
    });

    [Fact]
    public void A_store_that_is_put_back_knows_nothing_of_what_came_after() => Run(async () =>
    {
        var node = await JoinAsync();
        var grant = (await _cluster.ClaimAsync(node, 0, 0, None))!.Value;
        await _journal.CommitAsync([Append(grant, 1)], None);
        var backup = _journal.Tables.Save();
        await _journal.CommitAsync([Append(grant, 2)], None);
        var go = _journal.StallCommits();
        var inFlight = _journal.CommitAsync([Append(grant, 3)], None).AsTask();
        _journal.Tables.Restore(backup);
        go();
        Assert.Equal(StoreFailure.Unknown, (await Assert.ThrowsAsync<JournalStoreException>(() => inFlight)).Failure);
        Assert.Equal(1, await _journal.ReadLastSequenceAsync(grant, Session, None));
    });

    private void Run(Func<Task> body)
    {
        _world.Run(async () =>
        {
            await _cluster.OpenAsync(new ClusterFounding("test", 4, TimeSpan.FromSeconds(15)), None);
            await body();
        });
        Assert.Equal(0, _world.Scheduler.ForeignWork);
    }

    private async Task<NodeId> JoinAsync()
    {
        var node = new NodeId(_world.Random.Next());
        await _cluster.JoinAsync(node, "n", "http://n", "1", None);
        return node;
    }

    private static SessionAppend Append(ShardGrant grant, long first) => new(
        grant, Session, first, [new NewRow("test.v1", new byte[] { 1 }, null, null)], new HeadUpdate("active", 1, 0, null), []);
}
