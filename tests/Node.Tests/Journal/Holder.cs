using Backhaul.Node.Journal;

namespace Backhaul.Node.Tests.Journal;

/// <summary>A shard's host as the writer sees it.</summary>
internal sealed class Holder(ShardGrant grant) : IGrantHolder
{
    public bool IsSuspended { get; set; }

    public int ShardId => grant.ShardId;

    public ShardGrant? Current { get; set; } = grant;

    public List<ShardGrant> Refused { get; } = [];

    public List<ShardGrant> Reacquired { get; } = [];

    public List<ShardGrant> Doubtful { get; } = [];

    public void OnDoubtful(ShardGrant used)
    {
        Doubtful.Add(used);
        Current = null;
    }

    public void OnFenced(ShardGrant refused)
    {
        Refused.Add(refused);
        Current = null;
    }

    public void OnReacquired(ShardGrant grant)
    {
        Reacquired.Add(grant);
        Current = grant;
    }
}
