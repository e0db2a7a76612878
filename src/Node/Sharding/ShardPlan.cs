using Backhaul.Node.Journal;
using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Sharding;

/// <summary>
/// Which active node should hold which shard: a pure function of the view that every node computes for itself, so there is no leader to
/// be stuck, doubled or lost. Two nodes that see different views may disagree; the compare-and-swap of the claim settles that.
///
/// First every shard stays where it is, up to its owner's quota (floor or ceiling of shards / nodes; the ceilings go to those that hold
/// most). Then the rest goes, shard by shard, to the node with room that scores highest for it. Invariants: the same view gives the same
/// plan; quotas differ by one at most; no plan of the same balance moves fewer shards; the plan of a planned state is that state.
/// </summary>
internal sealed class ShardPlan
{
    private readonly Dictionary<int, NodeId> _owners;

    private ShardPlan(Dictionary<int, NodeId> owners) => _owners = owners;

    /// <summary>Null when no node is active, or there is no such shard.</summary>
    public NodeId? OwnerOf(int shardId) => _owners.TryGetValue(shardId, out var owner) ? owner : null;

    public static ShardPlan Compute(ClusterView view)
    {
        List<NodeId> nodes = [.. view.Members.Where(member => member.State == MemberState.Active).Select(member => member.Id).OrderBy(id => id.Value)];
        Dictionary<int, NodeId> owners = new(view.Shards.Count);
        if (nodes.Count == 0)
            return new ShardPlan(owners);
        var room = Quotas(nodes, view.Shards);
        List<int> rest = [];
        foreach (var shard in view.Shards.OrderBy(shard => shard.ShardId))
        {
            if (shard.Owner is { } owner && room.TryGetValue(owner, out var left) && left > 0)
            {
                owners.Add(shard.ShardId, owner);
                room[owner] = left - 1;
            }
            else
            {
                rest.Add(shard.ShardId);
            }
        }
        foreach (var shardId in rest)
        {
            var chosen = nodes.Where(node => room[node] > 0).MaxBy(node => (Score(shardId, node), node.Value));
            owners.Add(shardId, chosen);
            room[chosen]--;
        }
        return new ShardPlan(owners);
    }

    private static Dictionary<NodeId, int> Quotas(List<NodeId> nodes, IReadOnlyList<ShardOwner> shards)
    {
        var held = nodes.ToDictionary(node => node, _ => 0);
        foreach (var shard in shards)
        {
            if (shard.Owner is { } owner && held.TryGetValue(owner, out var count))
                held[owner] = count + 1;
        }
        var (floor, extra) = Math.DivRem(shards.Count, nodes.Count);
        return nodes.OrderByDescending(node => held[node]).ThenBy(node => node.Value)
            .Select((node, place) => (node, Quota: floor + (place < extra ? 1 : 0)))
            .ToDictionary(item => item.node, item => item.Quota);
    }

    /// <summary>A rendezvous score: the same on every machine and in every version, because nodes of two builds must agree.</summary>
    private static ulong Score(int shardId, NodeId node)
    {
        Span<byte> bytes = stackalloc byte[16];
        node.Value.TryWriteBytes(bytes, bigEndian: true, out _);
        var hash = Mix((ulong)shardId + 0x9e3779b97f4a7c15);
        hash = Mix(hash ^ System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes));
        return Mix(hash ^ System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));
    }

    /// <summary>The finalizer of SplitMix64.</summary>
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
        value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
        return value ^ (value >> 31);
    }
}
