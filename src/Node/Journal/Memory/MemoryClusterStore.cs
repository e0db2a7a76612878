using System.Security.Cryptography;
using System.Text;
using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Journal.Memory;

/// <summary>
/// Members, leases and claims in memory, over the shards' rows of a <see cref="MemoryJournalStore"/> and by the store's own clock; every
/// statement is the one that the real store sends (docs/architecture.md). A claim waits behind an append in flight, and gives up after two seconds.
/// </summary>
internal sealed class MemoryClusterStore(MemoryJournalStore journal) : IClusterStore, ILeaseStore, IClusterSignals
{
    private static readonly TimeSpan ClaimWait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ReleaseWait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DeadAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Forgotten = TimeSpan.FromDays(1);

    private readonly MemoryTables _tables = journal.Tables;
    private readonly List<Action> _subscribers = [];

    public ValueTask<ClusterFacts> OpenAsync(ClusterFounding founding, CancellationToken stop) => _tables.NowAsync(
        () =>
        {
            _tables.Facts ??= Found(founding);
            if (_tables.Facts.Name != founding.Name)
                throw Rejected($"The store holds the cluster '{_tables.Facts.Name}', and this node belongs to '{founding.Name}'.");
            if (_tables.Facts.ShardCount != founding.ShardCount)
            {
                throw Rejected(
                    $"The cluster was founded with {_tables.Facts.ShardCount} shards, and the configuration says {founding.ShardCount}. The number is fixed for life.");
            }

            return _tables.Facts;
        },
        stop);

    public ValueTask JoinAsync(NodeId node, string name, string address, string build, CancellationToken stop) => Told(_tables.NowAsync(
        () =>
        {
            Purge();
            if (_tables.Members.TryGetValue(node, out var known) && known.State != MemberState.Active)
                throw Rejected($"The node {node} was a member before and is none any more; a process that starts again has another id.");
            _tables.Members[node] = new MemberRow(node, name, address, build, MemberState.Active, Now + Lease);
            _tables.ViewVersion++;
            return true;
        },
        stop));

    public ValueTask<ClusterView> ReadViewAsync(CancellationToken stop) => _tables.NowAsync(
        () =>
        {
            var owners = _tables.Shards.Values.Select(shard => shard.Owner).ToHashSet();
            return new ClusterView(
                _tables.ViewVersion,
                [.. _tables.Members.Values
                    .Where(member => IsLive(member) || owners.Contains(member.Id))
                    .OrderBy(member => member.Id.Value)
                    .Select(member => new Member(member.Id, member.Name, member.Address, member.Build, member.State, member.LeaseExpiresAt - Now))],
                [.. _tables.Shards.Select(shard => new ShardOwner(shard.Key, shard.Value.Epoch, shard.Value.Owner, shard.Value.Takeovers))]);
        },
        stop);

    public ValueTask<bool> MoveAsync(NodeId node, MemberState to, CancellationToken stop) => TellIf(_tables.NowAsync(
        () => _tables.Members.TryGetValue(node, out var member) && IsLive(member) && to is MemberState.Draining or MemberState.Left && member!.State != to && Set(member, to),
        stop));

    public ValueTask<bool> DeclareDeadAsync(NodeId suspect, CancellationToken stop) => TellIf(_tables.NowAsync(
        () => _tables.Members.TryGetValue(suspect, out var member) && IsLive(member) && member.LeaseExpiresAt + DeadAfter < Now && Set(member, MemberState.Dead),
        stop));

    public ValueTask<ShardGrant?> ClaimAsync(NodeId node, int shardId, long seenEpoch, CancellationToken stop) => TellIf(_tables.ChangeAsync<ShardGrant?>(
        [shardId],
        () =>
        {
            if (!_tables.Shards.TryGetValue(shardId, out var shard) || shard.Epoch != seenEpoch || !IsClaimable(shard) || !MayClaim(node))
                return null;
            shard.Takeovers = shard.Owner is null ? 0 : shard.Takeovers + 1;
            shard.Owner = node;
            return new ShardGrant(shardId, ++shard.Epoch, node);
        },
        ClaimWait, stop));

    public ValueTask<bool> ReleaseAsync(ShardGrant grant, CancellationToken stop) => TellIf(_tables.ChangeAsync(
        [grant.ShardId],
        () =>
        {
            if (!_tables.IsHeld(grant))
                return false;
            var shard = _tables.Shards[grant.ShardId];
            (shard.Owner, shard.Takeovers) = (null, 0);
            shard.Epoch++;
            return true;
        },
        ReleaseWait, stop));

    public ValueTask<bool> GiveAsync(ShardGrant grant, NodeId to, CancellationToken stop) => TellIf(_tables.ChangeAsync(
        [grant.ShardId],
        () =>
        {
            if (!_tables.IsHeld(grant) || !MayClaim(to))
                return false;
            var shard = _tables.Shards[grant.ShardId];
            (shard.Owner, shard.Takeovers) = (to, 0);
            shard.Epoch++;
            return true;
        },
        ReleaseWait, stop));

    public ValueTask<bool> ForgiveAsync(int shardId, CancellationToken stop) => TellIf(_tables.ChangeAsync(
        [shardId],
        () =>
        {
            if (!_tables.Shards.TryGetValue(shardId, out var shard) || shard.Takeovers == 0)
                return false;
            shard.Takeovers = 0;
            return true;
        },
        ReleaseWait, stop));

    public ValueTask<LeaseRenewal> RenewAsync(NodeId node, TimeSpan within, CancellationToken stop) => _tables.NowAsync(
        () =>
        {
            if (!_tables.Members.TryGetValue(node, out var member) || !IsLive(member))
                return new LeaseRenewal(null, _tables.ViewVersion);
            _tables.Members[node] = member with { LeaseExpiresAt = Now + Lease };
            return new LeaseRenewal(member.State, _tables.ViewVersion);
        },
        stop);

    public IDisposable Subscribe(Action changed)
    {
        lock (_subscribers)
            _subscribers.Add(changed);
        return new Subscription(this, changed);
    }

    private DateTimeOffset Now => _tables.Time.GetUtcNow();

    private TimeSpan Lease => (_tables.Facts ?? throw Rejected("The store holds no cluster yet.")).Lease;

    private static bool IsLive(MemberRow member) => member.State is MemberState.Active or MemberState.Draining;

    private bool IsClaimable(ShardRow shard) =>
        shard.Owner is not { } owner || (_tables.Members.TryGetValue(owner, out var member) && !IsLive(member));

    private bool MayClaim(NodeId node) =>
        _tables.Members.TryGetValue(node, out var member) && member.State == MemberState.Active && member.LeaseExpiresAt > Now;

    private bool Set(MemberRow member, MemberState state)
    {
        _tables.Members[member.Id] = member with { State = state };
        _tables.ViewVersion++;
        return true;
    }

    /// <summary>Who has been gone for a day and owns nothing is of no use to anybody; until then it is remembered, so that it cannot join again.</summary>
    private void Purge()
    {
        var owners = _tables.Shards.Values.Select(shard => shard.Owner).ToHashSet();
        foreach (var gone in _tables.Members.Values.Where(member => !IsLive(member) && member.LeaseExpiresAt + Forgotten < Now && !owners.Contains(member.Id)).ToList())
            _tables.Members.Remove(gone.Id);
    }

    private ClusterFacts Found(ClusterFounding founding)
    {
        for (var shard = 0; shard < founding.ShardCount; shard++)
            _tables.Shards.TryAdd(shard, new ShardRow());
        _tables.ViewVersion = 1;
        return new ClusterFacts(founding.Name, founding.ShardCount, founding.Lease, SHA256.HashData(Encoding.UTF8.GetBytes(founding.Name)));
    }

    private async ValueTask Told(ValueTask<bool> change) => await TellIf(change);

    private async ValueTask<T> TellIf<T>(ValueTask<T> change)
    {
        var result = await change;
        if (result is not (false or null))
            Tell();
        return result;
    }

    private void Tell()
    {
        Action[] told;
        lock (_subscribers)
            told = [.. _subscribers];
        foreach (var changed in told)
            changed();
    }

    private static JournalStoreException Rejected(string sentence) => new(StoreFailure.Rejected, sentence);

    private sealed class Subscription(MemoryClusterStore owner, Action changed) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._subscribers)
                owner._subscribers.Remove(changed);
        }
    }
}
