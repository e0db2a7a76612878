using System.Diagnostics;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Postgres;
using Backhaul.Node.Sharding.Membership;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using static Backhaul.Store.Tests.Writing;

namespace Backhaul.Store.Tests;

/// <summary>Leases and claims against statements that really run at the same time, and over a network that is cut (E5, E6).</summary>
public sealed class PostgresLeaseTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(10);

    private readonly PostgresClusterHarness _harness = new();
    private readonly NodeId _node = NewNode();
    private ILeaseStore _leases = null!;

    public async ValueTask InitializeAsync()
    {
        await _harness.Cluster.OpenAsync(new ClusterFounding("blue", Shards, Lease), None);
        await _harness.Cluster.JoinAsync(_node, "node", "http://10.0.0.1:5090", "0.1", None);
        _leases = _harness.NewLeaseStore();
    }

    public async ValueTask DisposeAsync()
    {
        (_leases as IDisposable)?.Dispose();
        await _harness.DisposeAsync();
    }

    [Fact]
    public async Task E5_a_declaration_that_waits_for_a_heartbeat_finds_the_member_alive()
    {
        await _harness.AgeLeasesAsync(Lease + TimeSpan.FromSeconds(5));
        await using var heartbeat = await BeginAsync($"UPDATE node SET lease_expires_at = clock_timestamp() + interval '15 s' WHERE node_id = '{_node.Value}'");
        var declaring = _harness.Cluster.DeclareDeadAsync(_node, None).AsTask();
        await _harness.Server.UntilSomebodyWaitsAsync();
        await heartbeat.CommitAsync();
        Assert.False(await declaring);
    }

    [Fact]
    public async Task E5_a_heartbeat_that_waits_for_a_declaration_finds_itself_lost()
    {
        await using var declaration = await BeginAsync($"UPDATE node SET state = 'dead' WHERE node_id = '{_node.Value}'");
        var renewing = RenewAsync();
        await _harness.Server.UntilSomebodyWaitsAsync();
        await declaration.CommitAsync();
        Assert.Null((await renewing).State);
    }

    [Fact]
    public async Task E6_a_heartbeat_that_had_to_wait_gives_a_lease_that_began_before_the_wait()
    {
        await using var holding = await BeginAsync($"SELECT 1 FROM node WHERE node_id = '{_node.Value}' FOR UPDATE");
        var renewing = RenewAsync();
        await _harness.Server.UntilSomebodyWaitsAsync();
        var waited = Stopwatch.StartNew();
        await Until.TrueAsync(() => waited.Elapsed > TimeSpan.FromMilliseconds(400), "it waited");
        await holding.CommitAsync();
        Assert.Equal(MemberState.Active, (await renewing).State);
        Assert.True((await _harness.Cluster.ReadViewAsync(None)).Find(_node)!.LeaseLeft < Lease - TimeSpan.FromMilliseconds(400));
    }

    [Fact]
    public async Task A_claim_that_waits_too_long_for_an_append_is_tried_again_later()
    {
        await using var appending = await BeginAsync("SELECT 1 FROM shard WHERE shard_id = 0 FOR SHARE");
        var failed = await Assert.ThrowsAsync<JournalStoreException>(async () => await _harness.Cluster.ClaimAsync(_node, 0, 0, None));
        Assert.Equal(StoreFailure.Transient, failed.Failure);
        await appending.CommitAsync();
        Assert.NotNull(await _harness.Cluster.ClaimAsync(_node, 0, 0, None));
    }

    [Fact]
    public async Task A_renewal_comes_back_in_time_over_a_network_that_is_cut()
    {
        using var proxy = new CutProxy(_harness.Server.ConnectionString);
        await using var database = new PostgresDatabase(
            proxy.ConnectionString, new PostgresOptions { ConnectTimeout = TimeSpan.FromSeconds(1), ClaimLockTimeout = TimeSpan.FromSeconds(1), NetworkGrace = TimeSpan.FromSeconds(1) },
            "cut", NullLogger<PostgresDatabase>.Instance);
        using var leases = new PostgresLeaseStore(database);
        Assert.Equal(MemberState.Active, (await leases.RenewAsync(_node, Within, None)).State);

        proxy.Cut();
        for (var attempt = 0; attempt < 6; attempt++)
        {
            var watch = Stopwatch.StartNew();
            await Assert.ThrowsAsync<JournalStoreException>(async () => await leases.RenewAsync(_node, TimeSpan.FromMilliseconds(300), None));
            Assert.InRange(watch.ElapsedMilliseconds, 0, 2000); // far from the seconds of the connection's own time-outs added up
        }

        proxy.Mend();
        LeaseRenewal? renewed = null;
        await Until.TrueAsync(() => (renewed = TryRenew(leases)) is not null, "the renewals that hang have ended and a new one gets through");
        Assert.Equal(MemberState.Active, renewed!.Value.State);
    }

    [Fact]
    public async Task A_renewal_after_its_connection_was_ended_takes_a_new_one()
    {
        await _leases.RenewAsync(_node, Within, None);
        _harness.Server.Execute(
            $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'backhaul {_harness.Server.Tag} lease'");
        await Assert.ThrowsAsync<JournalStoreException>(async () => await _leases.RenewAsync(_node, Within, None));
        Assert.Equal(MemberState.Active, (await _leases.RenewAsync(_node, Within, None)).State);
    }

    [Fact]
    public async Task Who_listens_is_told_again_after_the_connection_was_ended()
    {
        var told = 0;
        using var subscription = _harness.Signals.Subscribe(() => Interlocked.Increment(ref told));
        await Until.TrueAsync(() => Volatile.Read(ref told) > 0, "the listener listens");
        _harness.Server.Execute(
            $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'backhaul {_harness.Server.Tag} signal'");
        var before = Volatile.Read(ref told);
        await Until.TrueAsync(() => Volatile.Read(ref told) > before, "the listener is back");
    }

    [Fact]
    public async Task Members_that_went_long_ago_are_forgotten_unless_they_own_something()
    {
        var (idle, owning) = (NewNode(), NewNode());
        foreach (var node in new[] { idle, owning })
            await _harness.Cluster.JoinAsync(node, "gone", "http://10.0.0.2:5090", "0.1", None);
        await _harness.Cluster.ClaimAsync(owning, 0, 0, None);
        foreach (var node in new[] { idle, owning })
            await _harness.Cluster.MoveAsync(node, MemberState.Left, None);
        await _harness.Cluster.JoinAsync(NewNode(), "new", "http://10.0.0.3:5090", "0.1", None);
        Assert.Equal(2, Gone());
        await _harness.AgeLeasesAsync(TimeSpan.FromHours(25));
        await _harness.Cluster.JoinAsync(NewNode(), "new", "http://10.0.0.3:5090", "0.1", None);
        Assert.Equal(1, Gone());

        long Gone() => _harness.Server.Read<long>("SELECT count(*) FROM node WHERE node_name = 'gone'");
    }

    /// <summary>A renewal blocks its caller, which in a node is the heartbeat's own thread.</summary>
    private Task<LeaseRenewal> RenewAsync() => Task.Run(async () => await _leases.RenewAsync(_node, Within, None));

    private LeaseRenewal? TryRenew(PostgresLeaseStore leases)
    {
        try
        {
            return leases.RenewAsync(_node, TimeSpan.FromSeconds(1), None).AsTask().GetAwaiter().GetResult();
        }
        catch (JournalStoreException)
        {
            return null;
        }
    }

    private Task<OpenTransaction> BeginAsync(string sql) => OpenTransaction.BeginAsync(_harness.Server, sql);
}
