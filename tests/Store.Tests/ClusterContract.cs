using Backhaul.Node.Journal;
using Backhaul.Node.Sharding.Membership;
using Xunit;
using static Backhaul.Store.Tests.Writing;

namespace Backhaul.Store.Tests;

/// <summary>
/// What every store of a cluster promises about members, leases and claims; E1, E5 and E7 are those of docs/architecture.md. A store joins by
/// deriving from this class.
/// </summary>
public abstract class ClusterContract : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(5);
    private static readonly ClusterFounding Founding = new("blue", Shards, Lease);

    private IClusterHarness _harness = null!;
    private ILeaseStore _leases = null!;

    private IClusterStore Cluster => _harness.Cluster;

    private protected IClusterHarness Harness => _harness;

    private protected abstract IClusterHarness Create();

    public async ValueTask InitializeAsync()
    {
        _harness = Create();
        _leases = _harness.NewLeaseStore();
        await Cluster.OpenAsync(Founding, None);
    }

    public async ValueTask DisposeAsync()
    {
        (_leases as IDisposable)?.Dispose();
        await _harness.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task What_the_cluster_was_founded_with_stays()
    {
        var first = await Cluster.OpenAsync(Founding, None);
        var second = await Cluster.OpenAsync(Founding with { Lease = TimeSpan.FromSeconds(40) }, None);

        Assert.Equal(("blue", Shards, Lease), (second.Name, second.ShardCount, second.Lease));
        Assert.Equal(32, first.Secret.Length);
        Assert.Equal(first.Secret.ToArray(), second.Secret.ToArray());
        Assert.NotEqual(new byte[32], first.Secret.ToArray());
    }

    [Fact]
    public async Task Another_cluster_in_the_same_store_is_refused()
    {
        var refused = await Assert.ThrowsAsync<JournalStoreException>(async () => await Cluster.OpenAsync(Founding with { Name = "green" }, None));
        Assert.Equal(StoreFailure.Rejected, refused.Failure);
        Assert.Contains("'blue'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_number_of_shards_is_refused()
    {
        var refused = await Assert.ThrowsAsync<JournalStoreException>(
            async () => await Cluster.OpenAsync(Founding with { ShardCount = Shards * 2 }, None));
        Assert.Equal(StoreFailure.Rejected, refused.Failure);
        Assert.Contains($"{Shards} shards", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_member_that_joined_is_in_the_view_with_a_whole_lease()
    {
        var before = await Cluster.ReadViewAsync(None);
        var node = NewNode();
        await Cluster.JoinAsync(node, "one", "http://10.0.0.1:5090", "0.1", None);

        var view = await Cluster.ReadViewAsync(None);
        Assert.Equal(before.Version + 1, view.Version);
        var member = Assert.Single(view.Members);
        Assert.Equal((node, "one", "http://10.0.0.1:5090", "0.1", MemberState.Active), (member.Id, member.Name, member.Address, member.Build, member.State));
        Assert.InRange(member.LeaseLeft, Lease - Within, Lease);
        Assert.Equal(Enumerable.Range(0, Shards).Select(shard => new ShardOwner(shard, 0, null, 0)), view.Shards);
    }

    [Fact]
    public async Task A_join_whose_answer_was_lost_may_be_tried_again()
    {
        var node = await JoinAsync();
        await Cluster.JoinAsync(node, "node", "http://10.0.0.1:5090", "0.1", None);
        Assert.Single((await Cluster.ReadViewAsync(None)).Members);
    }

    [Fact]
    public async Task Who_was_declared_dead_never_joins_again()
    {
        var node = await JoinDeadAsync();
        await Assert.ThrowsAsync<JournalStoreException>(async () => await Cluster.JoinAsync(node, "node", "http://10.0.0.1:5090", "0.1", None));
        Assert.Null((await _leases.RenewAsync(node, Within, None)).State);
    }

    [Fact]
    public async Task Every_change_of_membership_raises_the_version_once_and_nothing_else_does()
    {
        var (first, second) = (await JoinAsync(), await JoinAsync());
        var version = (await Cluster.ReadViewAsync(None)).Version;

        await AssertRaisedAsync(1, async () => Assert.True(await Cluster.MoveAsync(first, MemberState.Draining, None)));
        await AssertRaisedAsync(0, async () => Assert.False(await Cluster.MoveAsync(first, MemberState.Draining, None)));
        await AssertRaisedAsync(1, async () => Assert.True(await Cluster.MoveAsync(first, MemberState.Left, None)));
        await AssertRaisedAsync(0, async () => Assert.False(await Cluster.DeclareDeadAsync(first, None)));
        await AssertRaisedAsync(0, async () => Assert.False(await Cluster.DeclareDeadAsync(second, None)));
        await AssertRaisedAsync(0, async () => await _leases.RenewAsync(second, Within, None));
        await _harness.AgeLeasesAsync(Lease + TimeSpan.FromSeconds(2));
        await AssertRaisedAsync(1, async () => Assert.True(await Cluster.DeclareDeadAsync(second, None)));
        await AssertRaisedAsync(0, async () => Assert.False(await Cluster.DeclareDeadAsync(second, None)));

        async Task AssertRaisedAsync(int by, Func<Task> act)
        {
            await act();
            Assert.Equal(version += by, (await Cluster.ReadViewAsync(None)).Version);
        }
    }

    [Fact]
    public async Task Nobody_comes_back_from_draining_left_or_dead()
    {
        var (draining, left, dead) = (await JoinAsync(), await JoinAsync(), await JoinDeadAsync());
        Assert.True(await Cluster.MoveAsync(draining, MemberState.Draining, None));
        Assert.True(await Cluster.MoveAsync(left, MemberState.Left, None));

        Assert.False(await Cluster.MoveAsync(draining, MemberState.Active, None));
        Assert.False(await Cluster.MoveAsync(left, MemberState.Draining, None));
        Assert.False(await Cluster.MoveAsync(dead, MemberState.Left, None));
        Assert.False(await Cluster.MoveAsync(NewNode(), MemberState.Left, None));
    }

    [Fact]
    public async Task A_renewal_gives_a_whole_lease_and_the_version_of_the_view()
    {
        var node = await JoinAsync();
        await _harness.AgeLeasesAsync(TimeSpan.FromSeconds(10));
        var renewal = await _leases.RenewAsync(node, Within, None);

        var view = await Cluster.ReadViewAsync(None);
        Assert.Equal(new LeaseRenewal(MemberState.Active, view.Version), renewal);
        Assert.InRange(view.Find(node)!.LeaseLeft, Lease - Within, Lease);
    }

    [Fact]
    public async Task A_draining_member_keeps_its_lease_one_that_left_does_not()
    {
        var node = await JoinAsync();
        await Cluster.MoveAsync(node, MemberState.Draining, None);
        Assert.Equal(MemberState.Draining, (await _leases.RenewAsync(node, Within, None)).State);
        await Cluster.MoveAsync(node, MemberState.Left, None);
        Assert.Null((await _leases.RenewAsync(node, Within, None)).State);
        Assert.Null((await _leases.RenewAsync(NewNode(), Within, None)).State);
    }

    [Fact]
    public async Task A_lease_that_ended_by_itself_may_be_renewed_until_somebody_declares_the_member_dead()
    {
        var node = await JoinAsync();
        await _harness.AgeLeasesAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(MemberState.Active, (await _leases.RenewAsync(node, Within, None)).State);
        Assert.False(await Cluster.DeclareDeadAsync(node, None));
    }

    [Fact]
    public async Task Nobody_is_declared_dead_before_a_second_after_the_end_of_the_lease()
    {
        var node = await JoinAsync();
        Assert.False(await Cluster.DeclareDeadAsync(node, None));
        await _harness.AgeLeasesAsync(Lease);
        Assert.False(await Cluster.DeclareDeadAsync(node, None));
        await _harness.AgeLeasesAsync(TimeSpan.FromSeconds(1.2));
        Assert.True(await Cluster.DeclareDeadAsync(node, None));
    }

    [Fact]
    public async Task E5_of_a_heartbeat_and_a_declaration_at_the_same_time_exactly_one_wins()
    {
        for (var round = 0; round < 20; round++)
        {
            var node = await JoinAsync();
            await _harness.AgeLeasesAsync(Lease + TimeSpan.FromSeconds(5));
            var declaring = Cluster.DeclareDeadAsync(node, None).AsTask();
            var renewal = await _leases.RenewAsync(node, Within, None);
            Assert.Equal(await declaring, renewal.State is null);
            await _harness.AgeLeasesAsync(Lease + TimeSpan.FromSeconds(5));
            await Cluster.DeclareDeadAsync(node, None);
        }
    }

    [Fact]
    public async Task A_free_shard_is_claimed_once()
    {
        var (first, second) = (await JoinAsync(), await JoinAsync());
        var grant = await Cluster.ClaimAsync(first, 3, 0, None);

        Assert.Equal(new ShardGrant(3, 1, first), grant);
        Assert.Null(await Cluster.ClaimAsync(second, 3, 0, None));
        Assert.Null(await Cluster.ClaimAsync(second, 3, 1, None));
        Assert.Null(await Cluster.ClaimAsync(first, 3, 1, None));
        Assert.Null(await Cluster.ClaimAsync(first, 4, 7, None));
        Assert.Null(await Cluster.ClaimAsync(first, Shards, 0, None));
        Assert.Equal(new ShardOwner(3, 1, first, 0), (await Cluster.ReadViewAsync(None)).Shards[3]);
    }

    [Fact]
    public async Task Of_two_claims_at_the_same_time_one_gets_the_shard()
    {
        var (first, second) = (await JoinAsync(), await JoinAsync());
        for (var shard = 0; shard < Shards; shard++)
        {
            var claims = await Task.WhenAll(
                Cluster.ClaimAsync(first, shard, 0, None).AsTask(), Cluster.ClaimAsync(second, shard, 0, None).AsTask());
            var winner = Assert.Single(claims, claim => claim is not null)!.Value;
            Assert.Equal(new ShardOwner(shard, 1, winner.Node, 0), (await Cluster.ReadViewAsync(None)).Shards[shard]);
        }
    }

    [Fact]
    public async Task Only_an_active_member_with_a_lease_in_force_may_claim()
    {
        var (draining, expired) = (await JoinAsync(), await JoinAsync());
        await Cluster.MoveAsync(draining, MemberState.Draining, None);
        await _harness.AgeLeasesAsync(Lease + TimeSpan.FromSeconds(1));
        await _leases.RenewAsync(draining, Within, None);

        Assert.Null(await Cluster.ClaimAsync(draining, 0, 0, None));
        Assert.Null(await Cluster.ClaimAsync(expired, 0, 0, None));
        Assert.Null(await Cluster.ClaimAsync(NewNode(), 0, 0, None));
        await _leases.RenewAsync(expired, Within, None);
        Assert.NotNull(await Cluster.ClaimAsync(expired, 0, 0, None));
    }

    [Fact]
    public async Task An_owner_without_a_lease_keeps_its_shards_until_it_is_declared_dead()
    {
        var (owner, other) = (await JoinAsync(), await JoinAsync());
        await Cluster.ClaimAsync(owner, 0, 0, None);
        await _harness.AgeLeasesAsync(Lease + TimeSpan.FromSeconds(5));
        await _leases.RenewAsync(other, Within, None);
        Assert.Null(await Cluster.ClaimAsync(other, 0, 1, None));

        Assert.True(await Cluster.DeclareDeadAsync(owner, None));
        Assert.Equal(MemberState.Dead, (await Cluster.ReadViewAsync(None)).Find(owner)!.State);
        Assert.Equal(new ShardGrant(0, 2, other), await Cluster.ClaimAsync(other, 0, 1, None));
        Assert.Null((await Cluster.ReadViewAsync(None)).Find(owner));
    }

    [Fact]
    public async Task Adoptions_from_the_dead_are_counted_until_a_release_in_good_order()
    {
        var owner = await JoinAsync();
        var grant = (await Cluster.ClaimAsync(owner, 0, 0, None))!.Value;
        for (var adoption = 1; adoption <= 3; adoption++)
        {
            await _harness.AgeLeasesAsync(Lease + TimeSpan.FromSeconds(5));
            Assert.True(await Cluster.DeclareDeadAsync(grant.Node, None));
            grant = (await Cluster.ClaimAsync(await JoinAsync(), 0, grant.Epoch, None))!.Value;
            Assert.Equal(adoption, (await Cluster.ReadViewAsync(None)).Shards[0].Takeovers);
        }

        Assert.True(await Cluster.ReleaseAsync(grant, None));
        Assert.Equal(new ShardOwner(0, grant.Epoch + 1, null, 0), (await Cluster.ReadViewAsync(None)).Shards[0]);
    }

    [Fact]
    public async Task An_operator_lets_a_shard_be_claimed_again()
    {
        var dead = await JoinAsync();
        await Cluster.ClaimAsync(dead, 0, 0, None);
        await _harness.AgeLeasesAsync(Lease + TimeSpan.FromSeconds(5));
        await Cluster.DeclareDeadAsync(dead, None);
        var grant = (await Cluster.ClaimAsync(await JoinAsync(), 0, 1, None))!.Value;

        Assert.True(await Cluster.ForgiveAsync(0, None));
        Assert.False(await Cluster.ForgiveAsync(0, None));
        Assert.Equal(new ShardOwner(0, grant.Epoch, grant.Node, 0), (await Cluster.ReadViewAsync(None)).Shards[0]);
    }

    [Fact]
    public async Task A_shard_is_given_to_a_member_that_lives_in_one_step_and_to_no_other()
    {
        var (owner, other, gone) = (await JoinAsync(), await JoinAsync(), await JoinAsync());
        var grant = (await Cluster.ClaimAsync(owner, 0, 0, None))!.Value;
        await Cluster.MoveAsync(gone, MemberState.Left, None);

        Assert.False(await Cluster.GiveAsync(grant, gone, None));
        Assert.False(await Cluster.GiveAsync(grant, NewNode(), None));
        Assert.False(await Cluster.GiveAsync(grant with { Epoch = 0 }, other, None));
        Assert.Equal(new ShardOwner(0, grant.Epoch, owner, 0), (await Cluster.ReadViewAsync(None)).Shards[0]);

        Assert.True(await Cluster.GiveAsync(grant, other, None));
        Assert.Equal(new ShardOwner(0, grant.Epoch + 1, other, 0), (await Cluster.ReadViewAsync(None)).Shards[0]);
        Assert.False(await Cluster.GiveAsync(grant, owner, None));
        Assert.Null(await Cluster.ClaimAsync(owner, 0, grant.Epoch + 1, None));
        Assert.Null(await _harness.Journal.ReadLastSequenceAsync(grant, Key("a"), None));
        Assert.Equal(new ShardGrant(0, grant.Epoch + 2, other), await _harness.Journal.ReacquireAsync(new ShardGrant(0, grant.Epoch + 1, other), None));
    }

    [Fact]
    public async Task What_a_member_left_behind_may_be_claimed()
    {
        var (gone, other) = (await JoinAsync(), await JoinAsync());
        await Cluster.ClaimAsync(gone, 5, 0, None);
        await Cluster.MoveAsync(gone, MemberState.Left, None);
        Assert.Equal(new ShardGrant(5, 2, other), await Cluster.ClaimAsync(other, 5, 1, None));
    }

    [Fact]
    public async Task Only_the_grant_in_force_releases_a_shard()
    {
        var (owner, other) = (await JoinAsync(), await JoinAsync());
        var grant = (await Cluster.ClaimAsync(owner, 0, 0, None))!.Value;

        Assert.False(await Cluster.ReleaseAsync(grant with { Epoch = 0 }, None));
        Assert.False(await Cluster.ReleaseAsync(grant with { Node = other }, None));
        Assert.True(await Cluster.ReleaseAsync(grant, None));
        Assert.False(await Cluster.ReleaseAsync(grant, None));
        Assert.Equal(new ShardGrant(0, 3, other), await Cluster.ClaimAsync(other, 0, 2, None));
    }

    [Fact]
    public async Task E1_a_claim_waits_for_the_append_in_flight_and_fences_what_comes_later()
    {
        for (var round = 0; round < 10; round++)
        {
            var session = Key($"e1-{round}");
            var shard = Protocol.ShardMap.ShardOf(session, Shards);
            var (owner, other) = (await JoinAsync(), await JoinAsync());
            var mine = (await Cluster.ClaimAsync(owner, shard, (await Cluster.ReadViewAsync(None)).Shards[shard].Epoch, None))!.Value;
            await _harness.AgeLeasesAsync(Lease + TimeSpan.FromSeconds(5));
            await _leases.RenewAsync(other, Within, None);
            await Cluster.DeclareDeadAsync(owner, None);

            var append = _harness.Journal.CommitAsync([Append(mine, session, 1, rows: 300)], None).AsTask();
            var taken = (await Cluster.ClaimAsync(other, shard, mine.Epoch, None))!.Value;
            var firstRead = await _harness.Journal.ReadLastSequenceAsync(taken, session, None);
            Assert.Equal((await append).FencedShards.Count == 0 ? 300 : 0, firstRead);
            var late = await _harness.Journal.CommitAsync([Append(mine, session, firstRead!.Value + 1)], None);
            Assert.Equal([shard], late.FencedShards);
            Assert.Equal(firstRead, await _harness.Journal.ReadLastSequenceAsync(taken, session, None));
            await Cluster.ReleaseAsync(taken, None);
            await _harness.AgeLeasesAsync(TimeSpan.FromHours(1));
            await Cluster.DeclareDeadAsync(other, None);
        }
    }

    [Fact]
    public async Task Who_listens_is_told_of_changes()
    {
        var told = 0;
        using var subscription = _harness.Signals.Subscribe(() => Interlocked.Increment(ref told));
        var node = NewNode();
        ShardGrant grant = default;
        Func<Task>[] changes =
        [
            async () => await Cluster.JoinAsync(node, "node", "http://10.0.0.1:5090", "0.1", None),
            async () => grant = (await Cluster.ClaimAsync(node, 0, 0, None))!.Value,
            async () => await Cluster.ReleaseAsync(grant, None),
            async () => await Cluster.MoveAsync(node, MemberState.Draining, None),
        ];
        await SettledAsync();
        foreach (var change in changes)
        {
            var before = Volatile.Read(ref told);
            await change();
            await Until.TrueAsync(() => Volatile.Read(ref told) > before, "the change is told");
        }

        // A listener that connects calls back once; the first change must not be mistaken for that.
        async Task SettledAsync()
        {
            var dummy = await JoinAsync();
            await Until.TrueAsync(() => Volatile.Read(ref told) > 0, "the listener listens");
            await Cluster.MoveAsync(dummy, MemberState.Left, None);
        }
    }

    private protected async Task<NodeId> JoinAsync()
    {
        var node = NewNode();
        await Cluster.JoinAsync(node, "node", "http://10.0.0.1:5090", "0.1", None);
        return node;
    }

    private async Task<NodeId> JoinDeadAsync()
    {
        var node = await JoinAsync();
        await _harness.AgeLeasesAsync(Lease + TimeSpan.FromSeconds(5));
        Assert.True(await Cluster.DeclareDeadAsync(node, None));
        return node;
    }
}
