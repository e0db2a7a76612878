using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>What changed between two views, in words. Pure.</summary>
internal static class ClusterChanges
{
    public static string Sentence(ClusterView view) =>
        $"{string.Join(", ", view.Members.OrderBy(member => member.Name, StringComparer.Ordinal).Select(member => $"{member.Name} {ClusterPicture.StateOf(member.State)}"))}; "
        + $"{view.Shards.Count(shard => shard.Owner is not null)} of {view.Shards.Count} shards held";

    public static IEnumerable<string> Between(ClusterView before, ClusterView after)
    {
        foreach (var member in after.Members)
        {
            var was = before.Find(member.Id)?.State;
            if (was is null)
                yield return $"{member.Name} joined from {member.Address}";
            else if (was != member.State)
                yield return $"{member.Name} is {ClusterPicture.StateOf(member.State)}";
        }
        foreach (var gone in before.Members.Where(member => after.Find(member.Id) is null))
            yield return $"{gone.Name} is gone";
        // Shards change hands by the dozen: one line for each pair of owners.
        var owners = before.Shards.ToDictionary(shard => shard.ShardId);
        var moves = after.Shards
            .Where(shard => owners.TryGetValue(shard.ShardId, out var was) && was.Owner != shard.Owner)
            .GroupBy(shard => (From: ClusterPicture.OwnerOf(before, owners[shard.ShardId]), To: ClusterPicture.OwnerOf(after, shard)));
        foreach (var move in moves.OrderBy(move => move.Key.From, StringComparer.Ordinal).ThenBy(move => move.Key.To, StringComparer.Ordinal))
            yield return $"{move.Count()} {(move.Count() == 1 ? "shard" : "shards")} from {move.Key.From} to {move.Key.To}: {string.Join(' ', move.Select(shard => shard.ShardId).Order().Take(12))}{(move.Count() > 12 ? " ..." : "")}";
    }
}
