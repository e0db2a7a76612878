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

    /// <summary>False when the row could not be freed, or was not ours: the next view tells. Ends in time, always; throws nothing.</summary>
    public async Task<bool> RunAsync(int shardId, CancellationToken stop)
    {
        var released = await shards.CloseAsync(shardId, stop) is not null && await ReleaseAsync(shardId, stop);
        shards.Released(shardId);
        return released;
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
