using Backhaul.Node.Files;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// The disk's side of a download: writes, digests, starts write-back, and makes checkpoints. A checkpoint is a flush followed by a
/// journaled offset, in this order; the flush runs beside further writes and covers what was written before it began.
/// Only resumable downloads make checkpoints: an offset nobody can continue from is not worth a flush.
/// </summary>
internal sealed class PartWriter(
    IPartFile part, long from, long? total, string? validator, PartDigest? digest, ResponseReport response, IAttemptReports reports,
    TransferOptions options, TimeProvider time)
{
    private long _writeBackFrom = from;
    private long _checkpointAt = time.GetTimestamp();
    private Task<PartFlush>? _flush;

    public IPartFile Part => part;
    public PartDigest? Digest => digest;

    /// <summary>Everything below this offset was written.</summary>
    public long Written { get; private set; } = from;

    /// <summary>Everything below this offset is flushed and journaled.</summary>
    public long Journaled { get; private set; } = from;

    /// <summary>The session knows a checkpoint of this part.</summary>
    public bool HasCheckpoint { get; private set; } = from > 0;

    /// <summary>A flush failed: what was written since the last good one is lost, and the file is of no use.</summary>
    public bool FlushFailed { get; private set; }

    public bool IsCheckpointDue =>
        validator is not null && _flush is null && Written > Journaled && time.GetElapsedTime(_checkpointAt) >= options.CheckpointInterval;

    /// <summary>The flush of a started checkpoint is over; its offset waits to be journaled.</summary>
    public bool IsFlushed => _flush is { IsCompleted: true };

    public async Task WriteAsync(ReadOnlyMemory<byte> chunk, long offset)
    {
        await part.WriteAsync(chunk, offset, CancellationToken.None);
        if (digest is not null)
            await digest.AppendAsync(chunk);
        Written = offset + chunk.Length;
        if (Written - _writeBackFrom >= options.WriteBackBytes)
        {
            part.StartWriteBack(_writeBackFrom, Written - _writeBackFrom);
            _writeBackFrom = Written;
        }
    }

    /// <summary>Starts the flush. No write may be under way.</summary>
    public void BeginCheckpoint()
    {
        _flush = FlushAsync();
    }

    /// <summary>Waits for the flush and journals its offset. False: the attempt is not wanted any more.</summary>
    public async ValueTask<bool> EndCheckpointAsync()
    {
        var durable = (await _flush!).Durable.Prefix;
        _flush = null;
        _checkpointAt = time.GetTimestamp();
        if (durable <= Journaled)
            return true;
        if (!await response.EnsureAsync() || !await reports.CheckpointAsync(At(durable)))
            return false;
        Journaled = durable;
        HasCheckpoint = true;
        return true;
    }

    /// <summary>The last checkpoint of an attempt that ends early, so that the next one asks only for what is missing.</summary>
    public async ValueTask<bool> SettleAsync()
    {
        if (_flush is not null && !await EndCheckpointAsync())
            return false;
        if (validator is null || Written <= Journaled)
            return true;
        BeginCheckpoint();
        return await EndCheckpointAsync();
    }

    /// <summary>The checkpoint by which a file is recognised that was published just before a crash. False: not wanted any more.</summary>
    public async ValueTask<bool> CompleteAsync(string? sha256)
    {
        if (_flush is not null && !await EndCheckpointAsync())
            return false;
        await FlushAsync();
        var identity = await part.IdentifyAsync(CancellationToken.None);
        var complete = At(Written) with { Complete = true, Identity = identity, Sha256 = sha256 };
        return await response.EnsureAsync() && await reports.CheckpointAsync(complete);
    }

    /// <summary>Waits for a flush that nobody will ask for any more; the part may be closed afterwards.</summary>
    public async ValueTask AbandonAsync()
    {
        if (_flush is { } flush)
            await flush.WaitForEndAsync();
        _flush = null;
    }

    private PartCheckpoint At(long bytes) => new() { Part = part.Name, Bytes = bytes, Total = total, Validator = validator };

    private async Task<PartFlush> FlushAsync()
    {
        try
        {
            return await part.FlushAsync(RangeSet.Of(0, Written), CancellationToken.None);
        }
        catch (StorageException)
        {
            FlushFailed = true;
            throw;
        }
    }
}
