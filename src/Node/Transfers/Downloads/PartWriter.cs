using Backhaul.Node.Files;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// The disk's side of a download, and the one owner of the part's map: writes, digests, starts write-back, and makes checkpoints. A
/// checkpoint is a flush followed by journaled ranges, in this order; the flush runs beside further writes and covers what was written
/// before it began. Only resumable downloads make checkpoints: an offset nobody can continue from is not worth a flush.
/// Writes come from all connections at once; everything else from the attempt's one thread of logic.
/// </summary>
internal sealed class PartWriter(
    IPartFile part, RangeSet held, string? validator, PartDigest? digest, IAttemptReports reports, TransferOptions options, TimeProvider time)
{
    /// <summary>More ranges than this are not journaled: the longest are kept, and the others may be fetched again.</summary>
    private const int JournaledRangesMax = 64;

    private readonly Lock _gate = new();
    private RangeSet _written = held;
    private RangeSet _journaled = held;
    private ByteRange _unstarted = new(0, 0);
    private long _unstartedBytes;
    private long _checkpointAt = time.GetTimestamp();
    private Task<PartFlush>? _flush;
    private bool _hasBegun;

    public IPartFile Part => part;

    /// <summary>A digest is computed, and what came out of order could not be read back for it.</summary>
    public bool NeedsOrder => digest is not null && !part.CanRead;

    /// <summary>The head that is reported before the first checkpoint.</summary>
    public required ResponseReport Response { get; set; }

    /// <summary>A checkpoint is due this long after the last one.</summary>
    public TimeSpan CheckpointInterval { get; init; } = options.CheckpointInterval;

    /// <summary>Length of the file, when known.</summary>
    public long? Total { get; set; }

    /// <summary>How many bytes were written.</summary>
    public long Written
    {
        get
        {
            lock (_gate)
                return _written.Length;
        }
    }

    /// <summary>How many bytes are flushed and journaled.</summary>
    public long Journaled => _journaled.Length;

    /// <summary>The session knows a checkpoint of this part.</summary>
    public bool HasCheckpoint { get; private set; } = !held.IsEmpty;

    /// <summary>A flush failed: what was written since the last good one is lost, and the file is of no use.</summary>
    public bool FlushFailed { get; private set; }

    public bool IsCheckpointDue => CanCheckpoint && time.GetElapsedTime(_checkpointAt) >= CheckpointInterval && HasNews;

    /// <summary>The part has something that would be lost without its first checkpoint.</summary>
    public bool IsFirstDue => FirstDurable is { IsCompleted: true } && CanCheckpoint;

    /// <summary>Ends when that is so; null when a checkpoint can wait for its time.</summary>
    public Task? FirstDurable => validator is null || HasCheckpoint || _hasBegun ? null : part.FirstDurable;

    /// <summary>The flush of a started checkpoint, while there is one.</summary>
    public Task? Flushing => _flush;

    private bool CanCheckpoint => validator is not null && _flush is null;

    private bool HasNews
    {
        get
        {
            lock (_gate)
                return !_written.Equals(_journaled);
        }
    }

    /// <summary>May be called for several chunks at once.</summary>
    public async Task WriteAsync(ReadOnlyMemory<byte> chunk, long offset)
    {
        await part.WriteAsync(chunk, offset, CancellationToken.None);
        if (digest is not null)
            await digest.TakeAsync(chunk, offset);
        ByteRange due;
        lock (_gate)
        {
            _written = _written.Add(new ByteRange(offset, offset + chunk.Length));
            due = CountUnstarted(offset, chunk.Length);
        }
        if (!due.IsEmpty)
            part.StartWriteBack(due.From, due.Length);
    }

    /// <summary>Starts the flush of what is written.</summary>
    public void BeginCheckpoint()
    {
        _hasBegun |= IsFirstDue;
        _flush = FlushAsync();
    }

    /// <summary>Waits for the flush and journals what it made durable. False: the attempt is not wanted any more.</summary>
    public async ValueTask<bool> EndCheckpointAsync()
    {
        var flush = await _flush!;
        var durable = flush.Durable;
        _flush = null;
        _checkpointAt = time.GetTimestamp();
        if (durable.Equals(_journaled))
            return true;
        if (!await Response.EnsureAsync() || !await reports.CheckpointAsync(At(durable) with { Object = flush.Object }))
            return false;
        _journaled = durable;
        HasCheckpoint = true;
        return true;
    }

    /// <summary>The last checkpoint of an attempt that ends early, so that the next one asks only for what is missing.</summary>
    public async ValueTask<bool> SettleAsync()
    {
        if (_flush is not null && !await EndCheckpointAsync())
            return false;
        if (validator is null || !HasNews)
            return true;
        BeginCheckpoint();
        return await EndCheckpointAsync();
    }

    /// <summary>What an attempt comes to whose body did not end as it should: what is written is kept where it can be.</summary>
    public async ValueTask<AttemptOutcome> EndEarlyAsync(PumpEnd end, ResponseReport report)
    {
        switch (end)
        {
            case PumpEnd.Broken { Failure.DiscardPart: true } broken:
                return new AttemptOutcome.Failed(broken.Failure with { Response = report.Response });
            case PumpEnd.Broken broken:
                return await SettleAsync()
                    ? new AttemptOutcome.Failed(broken.Failure with { Response = report.Response, BytesReceived = Written })
                    : new AttemptOutcome.Stopped(Journaled);
            case PumpEnd.Stopped:
                await SettleAsync();
                return new AttemptOutcome.Stopped(Journaled);
            case PumpEnd.Untrusted:
                return new AttemptOutcome.Failed(RequestSender.Untrusted(Written));
            default:
                return new AttemptOutcome.Stopped(Journaled);
        }
    }

    /// <summary>The checkpoint by which a file is recognised that was published just before a crash. False: not wanted any more.</summary>
    public async ValueTask<bool> CompleteAsync(string? sha256)
    {
        if (_flush is not null && !await EndCheckpointAsync())
            return false;
        // An object store writes what is left when it is asked what the file is: the flush comes after.
        var identity = await part.IdentifyAsync(CancellationToken.None);
        var flush = await FlushAsync();
        var complete = At(flush.Durable) with { Complete = true, Identity = identity, Sha256 = sha256, Object = flush.Object };
        return await Response.EnsureAsync() && await reports.CheckpointAsync(complete);
    }

    /// <summary>Waits for a flush that nobody will ask for any more; the part may be closed afterwards.</summary>
    public async ValueTask AbandonAsync()
    {
        if (_flush is { } flush)
            await flush.WaitForEndAsync();
        _flush = null;
    }

    private PartCheckpoint At(RangeSet ranges)
    {
        var prefix = ranges.Prefix;
        var beyond = ranges.Remove(new ByteRange(0, prefix));
        if (beyond.Count > JournaledRangesMax)
            beyond = RangeSet.Of(beyond.OrderByDescending(range => range.Length).Take(JournaledRangesMax));
        return new PartCheckpoint { Part = part.Name, Bytes = prefix, Ranges = beyond.IsEmpty ? null : beyond, Total = Total, Validator = validator };
    }

    /// <summary>Under the gate: the range whose write-back is to be started, or an empty one.</summary>
    private ByteRange CountUnstarted(long offset, int count)
    {
        var end = offset + count;
        _unstarted = _unstartedBytes == 0 ? new ByteRange(offset, end) : new ByteRange(Math.Min(_unstarted.From, offset), Math.Max(_unstarted.To, end));
        _unstartedBytes += count;
        if (_unstartedBytes < options.WriteBackBytes)
            return default;
        _unstartedBytes = 0;
        return _unstarted;
    }

    private async Task<PartFlush> FlushAsync()
    {
        RangeSet written;
        lock (_gate)
            written = _written;
        try
        {
            return await part.FlushAsync(written, CancellationToken.None);
        }
        catch (StorageException refused)
        {
            FlushFailed |= refused.Failure != StorageFailure.Away;
            throw;
        }
    }
}
