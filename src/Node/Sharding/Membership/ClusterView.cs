using Backhaul.Node.Journal;

namespace Backhaul.Node.Sharding.Membership;

/// <summary>Where a member of the cluster stands. Stored by name: active, draining, left, dead.</summary>
internal enum MemberState
{
    Active = 1,

    /// <summary>Hands its shards over and gets no new ones; its lease goes on.</summary>
    Draining = 2,

    /// <summary>Went in good order.</summary>
    Left = 3,

    /// <summary>Declared dead by another: this incarnation owns nothing any more, whatever it believes.</summary>
    Dead = 4,
}

/// <summary>One process of the cluster, as the store knows it.</summary>
/// <param name="Id">The incarnation.</param>
/// <param name="Name">For people.</param>
/// <param name="Address">Where other nodes reach it, for instance http://10.0.0.7:5090.</param>
/// <param name="Build">The version it runs.</param>
/// <param name="State">What the row says.</param>
/// <param name="LeaseLeft">Until its lease ends, by the store's clock when it was read; negative when it has ended.</param>
internal sealed record Member(NodeId Id, string Name, string Address, string Build, MemberState State, TimeSpan LeaseLeft);

/// <summary>A shard's row.</summary>
/// <param name="Takeovers">Adoptions from dead owners in a row; a release in good order starts it anew.</param>
internal readonly record struct ShardOwner(int ShardId, long Epoch, NodeId? Owner, int Takeovers);

/// <summary>
/// What the store says of the cluster, read at once. Immutable: whoever decides, decides over one of these. The version goes up with
/// every change of membership; owners of shards may change without it.
/// </summary>
internal sealed record ClusterView(long Version, IReadOnlyList<Member> Members, IReadOnlyList<ShardOwner> Shards)
{
    public static ClusterView Empty { get; } = new(0, [], []);

    public Member? Find(NodeId id) => Members.FirstOrDefault(member => member.Id == id);
}
