using Backhaul.Node.Journal;
using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Sharding;

/// <summary>
/// Giving one shard back: its commands are answered "moving", its sessions put their work down, then the row is freed, which wakes
/// whoever should take it. Two parties and one row: nobody else is asked, nobody's answer is waited for. What has not stopped in its time
/// is left to the fence.
/// </summary>
internal sealed class HandOff(NodeShards shards, IClusterStore store, TimeProvider time, ILogger logger)
{
    private const int TriesMax = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Ends in time, always; throws nothing.</summary>
    /// <param name="shardId">A shard that is held.</param>
    /// <param name="to">Who is to have it next; null, or when that one is not fit for it: whoever takes it.</param>
    /// <param name="stop">Cancelled: what still runs is left to the fence.</param>
    public async Task<HandOffEnd> RunAsync(int shardId, NodeId? to, CancellationToken stop)
    {
        var end = HandOffEnd.NotOurs;
        if (await shards.CloseAsync(shardId, stop) is { } grant)
            end = to is { } next && await GiveAsync(grant, next) ? HandOffEnd.Given : await ReleaseAsync(shardId, stop) ? HandOffEnd.Freed : HandOffEnd.NotOurs;
        shards.Released(shardId);
        return end;
    }

    private async Task<bool> GiveAsync(ShardGrant grant, NodeId to)
    {
        try
        {
            return await store.GiveAsync(grant, to, CancellationToken.None);
        }
        catch (JournalStoreException failure)
        {
            logger.ShardNotReleased(grant.ShardId, 1, failure.Message); // freeing it fails too if it was given after all
            return false;
        }
    }

    private async Task<bool> ReleaseAsync(int shardId, CancellationToken stop)
    {
        for (var tries = 1; shards.GrantOf(shardId) is { } grant; tries++)
        {
            try
            {
                if (await store.ReleaseAsync(grant, CancellationToken.None))
                    return true;
                if (shards.GrantOf(shardId) == grant)
                    return false;
                // a straggler's append had raised the epoch in the same moment
            }
            catch (JournalStoreException failure)
            {
                logger.ShardNotReleased(shardId, tries, failure.Message);
            }
            if (tries == TriesMax || stop.IsCancellationRequested)
                return false;
            await Task.Delay(Pause * tries, time, CancellationToken.None);
        }
        return false;
    }
}

/// <summary>What became of a shard that was handed over.</summary>
internal enum HandOffEnd
{
    /// <summary>It was another's already, or the store did not answer: the next view tells.</summary>
    NotOurs = 1,

    /// <summary>Whoever the plan gives it to takes it.</summary>
    Freed = 2,

    /// <summary>Its row is in the name of the node that was asked for.</summary>
    Given = 3,
}
