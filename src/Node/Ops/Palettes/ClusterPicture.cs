using Backhaul.Node.Journal;
using Backhaul.Node.Sharding;
using Backhaul.Node.Sharding.Membership;
using Backhaul.Protocol;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>
/// The cluster as palettes show it: what the store says where there is one, else this node alone with every shard. Shards of this node
/// are the ones it really holds, which for a moment may differ from what the store says.
/// </summary>
internal sealed class ClusterPicture(NodeShards shards, NodeFacts facts, IClusterViews? views, int takeoversMax)
{
    public NodeShards Shards { get; } = shards;

    public NodeFacts Facts { get; } = facts;

    public bool IsCluster => views is not null;

    public NodeId Me => Shards.Node;

    /// <summary>Adoptions from dead owners in a row after which nobody claims a shard any more by itself.</summary>
    public int TakeoversMax => takeoversMax;

    public bool IsPoisoned(ShardOwner shard) => shard.Takeovers > takeoversMax;

    /// <summary>The newest view; freshly read when the store can be.</summary>
    public async ValueTask<ClusterView> ReadAsync(PaletteOutput output, CancellationToken stop)
    {
        if (views is null)
            return Alone();
        try
        {
            await views.RefreshAsync(stop);
        }
        catch (JournalStoreException away)
        {
            await output.ErrorAsync($"The store cannot be read at the moment ({away.Message}); this is what was last read of it.");
        }
        return views.Current;
    }

    /// <summary>What is known without asking the store.</summary>
    public ClusterView Current => views?.Current ?? Alone();

    public int ShardOf(SessionKey session) => ShardMap.ShardOf(session, Shards.Count);

    /// <summary>The node that holds a session's shard, by the view at hand.</summary>
    public string HolderOf(SessionKey session)
    {
        var (view, shard) = (Current, ShardOf(session));
        return view.Shards.FirstOrDefault(row => row.ShardId == shard) is { Owner: not null } row ? OwnerOf(view, row) : "nobody";
    }

    /// <summary>A member by its name or the beginning of its id, or a sentence about why there is none.</summary>
    public static Member Find(ClusterView view, string word)
    {
        var found = view.Members.Where(member => member.Name == word).ToList();
        if (found.Count == 0)
            found = [.. view.Members.Where(member => member.Id.ToString().StartsWith(word, StringComparison.OrdinalIgnoreCase))];
        return found.Count switch
        {
            1 => found[0],
            0 => throw new PaletteUsageException($"There is no member '{word}'. There are: {string.Join(", ", view.Members.Select(NameOf))}."),
            _ => throw new PaletteUsageException($"'{word}' is not one member but {found.Count}: {string.Join(", ", found.Select(member => member.Id.ToString()))}. Name it by the beginning of its id."),
        };
    }

    public static string NameOf(Member member) => member.Name;

    public static string StateOf(MemberState state) => state.ToString().ToLowerInvariant();

    /// <summary>Who owns a shard, as a word.</summary>
    public static string OwnerOf(ClusterView view, ShardOwner shard) =>
        shard.Owner is { } owner ? view.Find(owner) is { } member ? NameOf(member) : owner.ToString() : "nobody";

    private ClusterView Alone() => new(
        0,
        [new Member(Me, Facts.Name, Facts.ClientUrls, Facts.Version, Shards.IsDraining ? MemberState.Draining : MemberState.Active, TimeSpan.Zero)],
        [.. Shards.Shards.Select(shard => new ShardOwner(shard.ShardId, shard.Epoch ?? 0, shard.Epoch is null ? null : Me, 0))]);
}
