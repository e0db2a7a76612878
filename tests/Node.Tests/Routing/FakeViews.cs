using Backhaul.Node.Journal;
using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Tests.Routing;

/// <summary>A cluster's view that a test writes.</summary>
internal sealed class FakeViews : IClusterViews
{
    private readonly Dictionary<NodeId, Member> _members = [];
    private readonly Dictionary<int, ShardOwner> _shards = [];

    public ClusterView Current { get; private set; } = ClusterView.Empty;

    public event Action? Changed;

    /// <summary>What the store says when it is read; nothing: what was there.</summary>
    public Func<CancellationToken, Task>? OnRefresh { get; set; }

    public int Refreshes { get; private set; }

    public FakeViews Node(NodeId node, string address, MemberState state = MemberState.Active)
    {
        _members[node] = new Member(node, "n", address, "1", state, TimeSpan.FromSeconds(15));
        return this;
    }

    public FakeViews Shard(int shardId, long epoch, NodeId? owner)
    {
        _shards[shardId] = new ShardOwner(shardId, epoch, owner, 0);
        return this;
    }

    /// <summary>The store says it, and this node has read it.</summary>
    public void Publish()
    {
        Current = new ClusterView(Current.Version + 1, [.. _members.Values], [.. _shards.Values.OrderBy(shard => shard.ShardId)]);
        Changed?.Invoke();
    }

    public Task RefreshAsync(CancellationToken stop)
    {
        Refreshes++;
        return OnRefresh is { } read ? read(stop) : SameAgainAsync();
    }

    private Task SameAgainAsync()
    {
        Changed?.Invoke(); // every reading is told, also one that says what the last one said
        return Task.CompletedTask;
    }
}
