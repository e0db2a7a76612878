using System.Threading.Channels;
using Backhaul.Node.Actors;
using Backhaul.Node.Telemetry;

namespace Backhaul.Node.Journal;

/// <summary>
/// One loop of the writer: take a request, add what else waits, commit, answer, repeat. No linger and no ticker: under load the next
/// batch is what queued while the last one was committed. How the store's answers are handled:
/// <code>
///  committed            answer; shards that were left out are fenced
///  Conflict, Rejected, Taken   nothing was written: alone → answer it; in company → every session again by itself, so that the culprit is found
///                       and its neighbours commit
///  Transient            nothing was written: again after a pause, until the retry limit → Unavailable
///  Unknown, any other   perhaps written: re-acquire the shards (waits for or fences the ghost), read where the sessions end:
///                       there → Committed, not there → again under the new epoch; shard lost meanwhile → Unknown; not found out in
///                       time → Unknown, and the holder gives its grant up
/// </code>
/// </summary>
internal sealed class JournalLane(
    IJournalStore store, JournalOptions options, TimeProvider time, IRandom random, JournalLog log, CancellationToken draining)
{
    private const long Nothing = long.MinValue;

    private readonly Channel<PendingAppend> _queue = Channel.CreateBounded<PendingAppend>(
        new BoundedChannelOptions(options.QueueMax) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private PendingAppend? _carried;
    private long _batchOldestAt = Nothing;

    public int Queued => _queue.Reader.Count;

    public TimeSpan OldestUnanswered
    {
        get
        {
            var oldest = Volatile.Read(ref _batchOldestAt);
            if (oldest == Nothing && _queue.Reader.TryPeek(out var next))
                oldest = next.EnqueuedAt;
            return oldest == Nothing ? TimeSpan.Zero : time.GetElapsedTime(oldest);
        }
    }

    public ValueTask EnqueueAsync(PendingAppend pending, CancellationToken stop) => _queue.Writer.WriteAsync(pending, stop);

    /// <summary>No new requests; the loop ends after those that are queued.</summary>
    public void Close() => _queue.Writer.TryComplete();

    public async Task RunAsync()
    {
        while (_carried is not null || await _queue.Reader.WaitToReadAsync())
        {
            using var batch = new AppendBatch();
            try
            {
                Gather(batch);
                Volatile.Write(ref _batchOldestAt, batch.OldestEnqueuedAt);
                await SettleAsync(batch.Open, Clock(batch.OldestEnqueuedAt));
            }
            catch (Exception bug)
            {
                log.BatchAbandoned(bug, batch.Open.Count);
                Abandon(batch.Open);
            }
            finally
            {
                Volatile.Write(ref _batchOldestAt, Nothing);
            }
        }
    }

    private RetryClock Clock(long startedAt) => new(options, time, random, startedAt, draining);

    private void Gather(AppendBatch batch)
    {
        while (batch.Rows < options.BatchRowsMax && batch.Bytes < options.BatchBytesMax
            && (_carried is not null || _queue.Reader.TryRead(out _carried)))
        {
            if (!batch.TryAdd(_carried))
                return; // It goes first into the next batch, so that nobody overtakes it.
            _carried = null;
        }
    }

    /// <summary>Tries until every part has its answer.</summary>
    private async ValueTask SettleAsync(IReadOnlyList<AppendBatch.Part> parts, RetryClock clock)
    {
        var open = parts;
        while ((open = await TakeGrantsAsync(open, clock)).Count > 0)
        {
            var failure = await CommitAsync(open);
            open = [.. open.Where(part => !part.Answered)];
            switch (failure)
            {
                case null:
                    return;
                case StoreFailure.Conflict or StoreFailure.Rejected or StoreFailure.Taken when open.Count == 1:
                    AnswerCulprit(open[0], failure.Value);
                    return;
                case StoreFailure.Conflict or StoreFailure.Rejected or StoreFailure.Taken:
                    foreach (var part in open)
                        await SettleAsync([part], clock);
                    return;
                case StoreFailure.Transient:
                    if (!await clock.PauseAsync())
                    {
                        Answer(open, AppendOutcome.Unavailable);
                        return;
                    }

                    break;
                default:
                    open = await ResolveAsync(open, clock);
                    if (open.Count > 0 && !await clock.PauseAsync())
                        Answer(open, AppendOutcome.Unavailable);
                    break;
            }
        }
    }

    /// <summary>
    /// The grants in force now; parts of lost shards are answered. Trust is the node's, so while it is lost every part waits, and nothing overtakes.
    /// </summary>
    private static async ValueTask<IReadOnlyList<AppendBatch.Part>> TakeGrantsAsync(IReadOnlyList<AppendBatch.Part> parts, RetryClock clock)
    {
        var open = parts;
        while (!TryTakeGrants(open))
        {
            open = [.. open.Where(part => !part.Answered)];
            if (await clock.PauseAsync())
                continue;
            Answer(open, AppendOutcome.Unavailable);
            break;
        }

        return [.. open.Where(part => !part.Answered)];
    }

    /// <summary>
    /// Asks each holder once, so that one commit never carries two epochs of a shard. False when one of them is suspended: then nothing is sent.
    /// </summary>
    private static bool TryTakeGrants(IReadOnlyList<AppendBatch.Part> parts)
    {
        var mustWait = false;
        foreach (var shard in parts.Where(part => !part.Answered).GroupBy(part => part.Holder).ToList())
        {
            var (grant, isSuspended) = shard.Key.Ask();
            if (grant is null && !isSuspended)
                Answer([.. shard], AppendOutcome.Fenced);
            else if (grant is null)
                mustWait = true;
            foreach (var part in shard.Where(_ => grant is not null))
                part.Grant = grant!.Value;
        }

        return !mustWait;
    }

    /// <summary>One transaction. Null: every part is answered; else what went wrong with all that are not.</summary>
    private async ValueTask<StoreFailure?> CommitAsync(IReadOnlyList<AppendBatch.Part> parts)
    {
        var startedAt = time.GetTimestamp();
        try
        {
            var appends = parts.Select(part => part.ToAppend()).ToList();
            foreach (var part in parts)
                part.WasSent = true;
            var report = await store.CommitAsync(appends, CancellationToken.None);
            JournalInstruments.Committed(appends.Sum(append => append.Rows.Count));
            Answer([.. parts.Where(part => !report.FencedShards.Contains(part.Grant.ShardId))], AppendOutcome.Committed);
            foreach (var part in parts.Where(part => !part.Answered))
                Fence(part, AppendOutcome.Fenced);
            return null;
        }
        catch (JournalStoreException failed)
        {
            log.CommitFailed(failed.Failure, parts.Count, failed.Message);
            return failed.Failure;
        }
        catch (Exception unexpected)
        {
            log.CommitCrashed(unexpected);
            return StoreFailure.Unknown;
        }
        finally
        {
            JournalInstruments.Answered(time.GetElapsedTime(startedAt));
        }
    }

    /// <summary>Finds out what became of parts whose commit ended unknown; gives back those that must be sent again.</summary>
    private async ValueTask<IReadOnlyList<AppendBatch.Part>> ResolveAsync(IReadOnlyList<AppendBatch.Part> parts, RetryClock clock)
    {
        var absent = new List<AppendBatch.Part>();
        foreach (var shard in parts.GroupBy(part => part.Holder))
        {
            var resolution = await ShardResolution.RunAsync(store, shard.Key, [.. shard], clock, log);
            absent.AddRange(resolution);
        }

        return absent;
    }

    /// <summary>Nobody knows how far a batch came whose handling broke: what was sent of it may still arrive.</summary>
    private void Abandon(IReadOnlyList<AppendBatch.Part> parts)
    {
        foreach (var shard in parts.Where(part => part.WasSent && store.MayApplyLate).GroupBy(part => part.Holder))
        {
            try
            {
                shard.Key.OnDoubtful(shard.First().Grant);
            }
            catch (Exception bug)
            {
                log.BatchAbandoned(bug, shard.Count());
            }
        }
    }

    private void AnswerCulprit(AppendBatch.Part part, StoreFailure failure)
    {
        if (failure == StoreFailure.Conflict)
        {
            JournalInstruments.Conflicted();
            log.Conflict(part.Session.ToString(), part.FirstSequence);
        }

        part.Answer(failure switch
        {
            StoreFailure.Conflict => AppendOutcome.Conflict,
            StoreFailure.Taken => AppendOutcome.Taken,
            _ => AppendOutcome.Rejected,
        });
    }

    private static void Answer(IReadOnlyList<AppendBatch.Part> parts, AppendOutcome outcome)
    {
        foreach (var part in parts)
            part.Answer(outcome);
    }

    private static void Fence(AppendBatch.Part part, AppendOutcome outcome)
    {
        part.Answer(outcome);
        part.Holder.OnFenced(part.Grant);
    }
}
