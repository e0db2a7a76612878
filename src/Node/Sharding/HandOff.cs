using Backhaul.Node.Journal;
using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Sharding;

/// <summary>
/// Giving one shard back: its commands are answered "moving", its sessions put their work down, then the row is freed, which wakes
/// whoever should take it. Two parties and one row: nobody else is asked, nobody's answer is waited for. What has not stopped in its time
/// is left to the fence. A shard that another hand-off is closing is that one's, to its end.
/// </summary>
internal sealed class HandOff(NodeShards shards, IClusterStore store, TimeProvider time, ILogger logger)
{
    private const int TriesMax = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Ends in time, always; throws nothing.</summary>
    /// <param name="shardId">A shard that is held.</param>
    /// <param name="to">Who is to have it next; null, or when that one is not fit for it: whoever takes it.</param>
    /// <param name="stop">Cancelled: what still runs is left to the fence.</param>
    /// <param name="patience">Of a drain with a store that does not answer; null: every shard has its own tries.</param>
    public async Task<HandOffEnd> RunAsync(int shardId, NodeId? to, CancellationToken stop, StorePatience? patience = null)
    {
        if (await shards.CloseAsync(shardId, stop) is not { } grant)
            return HandOffEnd.NotOurs; // another hand-off gives it back when its sessions have stopped, or the fence was faster
        var end = to is { } next && await GiveAsync(grant, next) ? HandOffEnd.Given : await ReleaseAsync(shardId, patience, stop);
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

    private async Task<HandOffEnd> ReleaseAsync(int shardId, StorePatience? patience, CancellationToken stop)
    {
        for (var tries = 1; shards.GrantOf(shardId) is { } grant; tries++)
        {
            if (patience is { IsOver: true })
                return HandOffEnd.Unanswered;
            var asked = time.GetTimestamp();
            try
            {
                var release = store.ReleaseAsync(grant, CancellationToken.None).AsTask();
                var isReleased = await (patience is null ? release : release.WaitAsync(StorePatience.Limit, time, CancellationToken.None));
                patience?.Answered();
                if (isReleased)
                    return HandOffEnd.Freed;
                if (shards.GrantOf(shardId) == grant)
                    return HandOffEnd.NotOurs;
                // a straggler's append had raised the epoch in the same moment
            }
            catch (Exception failure) when (failure is JournalStoreException or TimeoutException)
            {
                patience?.Failed(asked);
                logger.ShardNotReleased(shardId, tries, failure.Message);
            }
            if (tries == TriesMax || stop.IsCancellationRequested)
                return HandOffEnd.Unanswered;
            await Task.Delay(Pause * tries, time, CancellationToken.None);
        }
        return HandOffEnd.NotOurs;
    }
}

/// <summary>What became of a shard that was handed over.</summary>
internal enum HandOffEnd
{
    /// <summary>It was another's already, or is in the hands of another hand-off: the next view tells.</summary>
    NotOurs = 1,

    /// <summary>Whoever the plan gives it to takes it.</summary>
    Freed = 2,

    /// <summary>Its row is in the name of the node that was asked for.</summary>
    Given = 3,

    /// <summary>The store did not say that it is free: the others find out by the lease, or by the leaving.</summary>
    Unanswered = 4,
}
