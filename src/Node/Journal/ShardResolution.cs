namespace Backhaul.Node.Journal;

/// <summary>
/// Turns the unknown outcome of an append into a known one, shard by shard: bump the shard's own epoch, which waits for an append still
/// in flight or fences it, then read where the sessions end. Nothing is guessed: when the store does not answer in time, the parts are
/// answered Unknown and their sessions reload. If the epoch was not raised by then, the append may still arrive, and a later one of the
/// same rows must not be taken for it: the holder gives the grant up.
/// </summary>
internal static class ShardResolution
{
    /// <summary>Answers what is settled and gives back the parts that are certainly not in the journal.</summary>
    public static async ValueTask<IReadOnlyList<AppendBatch.Part>> RunAsync(
        IJournalStore store, IGrantHolder holder, IReadOnlyList<AppendBatch.Part> parts, RetryClock clock, JournalLog log)
    {
        var used = parts[0].Grant;
        var (settled, grant) = await ReacquireAsync(store, holder, used, clock, log);
        if (grant is null)
        {
            if (settled)
                holder.OnFenced(used);
            else if (store.MayApplyLate)
                holder.OnDoubtful(used);
            foreach (var part in parts)
                part.Answer(AppendOutcome.Unknown);
            return [];
        }

        var absent = new List<AppendBatch.Part>();
        foreach (var part in parts)
        {
            if (await ReadOutcomeAsync(store, grant.Value, part, clock, log) is { } outcome)
                part.Answer(outcome);
            else
                absent.Add(part);
        }

        log.Resolved(holder.ShardId, parts.Count - absent.Count, absent.Count);
        return absent;
    }

    /// <summary>The new grant; or none, which is settled when the shard is certainly lost, and not when the time was used up.</summary>
    private static async ValueTask<(bool Settled, ShardGrant? Grant)> ReacquireAsync(
        IJournalStore store, IGrantHolder holder, ShardGrant used, RetryClock clock, JournalLog log)
    {
        // A re-acquire may itself end unknown. Only the owner can raise the epoch and stay the owner, so if the row then stands one
        // higher and is still ours, that was us.
        var probe = used;
        var bumpsUnknown = 0;
        while (!clock.IsUsedUp)
        {
            try
            {
                if (await store.ReacquireAsync(probe, CancellationToken.None) is { } grant)
                {
                    holder.OnReacquired(grant);
                    return (true, grant);
                }

                if (bumpsUnknown > 0)
                {
                    bumpsUnknown--;
                    probe = probe with { Epoch = probe.Epoch + 1 };
                    continue;
                }

                // Somebody on this node re-acquired it meanwhile: that settled the append in flight as well.
                var current = holder.Current;
                return current is { } newer && newer.Epoch > used.Epoch ? (true, newer) : (true, null);
            }
            catch (JournalStoreException failed)
            {
                log.ResolveFailed(holder.ShardId, failed.Message);
                if (failed.Failure == StoreFailure.Unknown)
                    bumpsUnknown++;
                if (!await clock.PauseAsync())
                    break;
            }
        }

        return (false, null);
    }

    /// <summary>Null when the part is not in the journal.</summary>
    private static async ValueTask<AppendOutcome?> ReadOutcomeAsync(
        IJournalStore store, ShardGrant grant, AppendBatch.Part part, RetryClock clock, JournalLog log)
    {
        while (!clock.IsUsedUp)
        {
            try
            {
                var last = await store.ReadLastSequenceAsync(grant, part.Session, CancellationToken.None);
                if (last is null)
                {
                    part.Holder.OnFenced(grant);
                    return AppendOutcome.Unknown;
                }

                if (last >= part.LastSequence)
                    return AppendOutcome.Committed;
                return last == part.FirstSequence - 1 ? null : AppendOutcome.Conflict;
            }
            catch (JournalStoreException failed)
            {
                log.ResolveFailed(grant.ShardId, failed.Message);
                if (!await clock.PauseAsync())
                    break;
            }
        }

        return AppendOutcome.Unknown;
    }
}
