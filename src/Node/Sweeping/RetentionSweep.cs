using Backhaul.Node.Files;
using Backhaul.Node.Journal;
using Backhaul.Node.Telemetry;
using Backhaul.Protocol;

namespace Backhaul.Node.Sweeping;

/// <summary>
/// Removes the files of downloads whose retention (<c>fileRetention</c>) has ended. What is due was journaled with the end of its task; each node deals with the
/// shards that it holds. A file goes only if it is still the one that the task made: its ETag says so, and is compared right before the unlink. First the file, then the
/// row: a crash in between finds nothing to remove the next time.
/// </summary>
internal sealed class RetentionSweep(
    IJournalStore store, Func<IReadOnlyList<ShardGrant>> grants, IContainers containers, TimeProvider time, ILogger<RetentionSweep> logger)
{
    private const int RowsMax = 500;

    /// <summary>How many files went.</summary>
    public async ValueTask<long> RunAsync(CancellationToken stop)
    {
        long removed = 0;
        while (true)
        {
            var held = grants();
            var due = held.Count == 0 ? [] : await store.ListExpiredFilesAsync(held, time.GetUtcNow(), RowsMax, stop);
            var forgotten = 0;
            foreach (var shard in due.GroupBy(file => file.ShardId))
            {
                List<ExpiredFile> done = [];
                foreach (var file in shard)
                {
                    if (await RemoveAsync(file, stop) is not { } isRemoved)
                        continue;
                    removed += isRemoved ? 1 : 0;
                    done.Add(file);
                }
                var grant = held.First(grant => grant.ShardId == shard.Key);
                if (done.Count > 0 && await store.ForgetExpiredFilesAsync(grant, done, stop))
                    forgotten += done.Count;
            }
            // What could not be removed is at the head of the list the next time too: it is for the next sweep.
            if (due.Count < RowsMax || forgotten == 0)
                break;
        }
        if (removed > 0)
        {
            SweepInstruments.Swept("retention", removed, 0);
            logger.RetentionEnded(removed);
        }
        return removed;
    }

    /// <summary>True: gone. False: another file lies there, or none. Null: the container refused, or is not one of this node's; again later.</summary>
    private async ValueTask<bool?> RemoveAsync(ExpiredFile file, CancellationToken stop)
    {
        var words = file.Expiry.Destination.Text.Split('/', 3);
        if (words.Length != 3 || !ContainerName.TryParse(words[1], out var container) || !ContainerPath.TryParse(words[2], out var path))
            return false;
        if (!containers.Exists(container))
            return null;
        try
        {
            var condition = new FileCondition((etag, _) => etag == file.Expiry.ETag, MustBeFree: false);
            return await containers.DeleteAsync(file.Session.Tenant, container, path, condition, stop);
        }
        catch (FileConditionException)
        {
            return false;
        }
        catch (StorageException refused)
        {
            logger.RetentionFailed(refused, container);
            return null;
        }
    }
}
