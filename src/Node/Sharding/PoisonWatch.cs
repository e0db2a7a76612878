using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Sharding;

/// <summary>
/// Shards that node after node died with: their number of take-overs in a row is above the limit. They are left alone, so that what
/// kills nodes does not travel through the cluster, but for one try after a cool-down, because it may have been something else. An operator may let
/// one go on at once. Pure.
/// </summary>
internal sealed class PoisonWatch(int takeoversMax, TimeSpan coolDown)
{
    private readonly Dictionary<int, TimeSpan> _since = [];

    /// <summary>Left alone at the moment.</summary>
    public IReadOnlyCollection<int> Poisoned => _since.Keys;

    /// <summary>Whether an orphan may be claimed now. <paramref name="isNew"/>: it has just become poisoned, somebody should hear of it.</summary>
    public bool MayClaim(ShardOwner orphan, TimeSpan now, out bool isNew)
    {
        isNew = false;
        if (orphan.Takeovers <= takeoversMax)
        {
            _since.Remove(orphan.ShardId);
            return true;
        }
        if (!_since.TryGetValue(orphan.ShardId, out var since))
        {
            _since.Add(orphan.ShardId, now);
            isNew = true;
            return false;
        }
        return now - since >= coolDown;
    }

    /// <summary>The one try is made.</summary>
    public void Tried(int shardId, TimeSpan now)
    {
        if (_since.ContainsKey(shardId))
            _since[shardId] = now;
    }

    /// <summary>Somebody alive holds it.</summary>
    public void Held(int shardId) => _since.Remove(shardId);
}
