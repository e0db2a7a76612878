using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>How the reading of a body ended.</summary>
internal abstract record PumpEnd
{
    private PumpEnd()
    {
    }

    /// <summary>The body ended as it should, and everything is written.</summary>
    internal sealed record Finished : PumpEnd;

    internal sealed record Broken(AttemptFailure Failure) : PumpEnd;

    /// <summary>Asked to stop.</summary>
    internal sealed record Stopped : PumpEnd;

    /// <summary>A report was answered with no: nothing more may be reported.</summary>
    internal sealed record Unwanted : PumpEnd;

    /// <summary>This node may not act any more: nothing more may be reported either.</summary>
    internal sealed record Untrusted : PumpEnd;
}

/// <summary>
/// Moves a body from the socket to the part. Two buffers: the socket fills one while the disk empties the other on another thread,
/// which nearly doubles the speed of one transfer. A tick beside the reads keeps checkpoints on time while the peer is silent.
/// <para>
/// Invariants: at most one write is under way; chunks are written in order; trust is checked before each; a buffer is given back to
/// the pool only when nothing writes from it or reads into it. A byte lies as far behind a page's boundary in memory as in the file, so
/// that whole pages can go to the disk as they are (<see cref="ChunkPool"/>).
/// </para>
/// </summary>
internal sealed class BodyPump(
    AttemptOrder order, PartWriter writer, ResponseReport response, AttemptWatch watch, IAttemptReports reports, TransferOptions options,
    TimeProvider time, string origin, long startedAt, IPace pace)
{
    private Memory<byte> _front;
    private int _size = Math.Min(ChunkSize.First, options.ChunkBytes);
    private long _rentedAt;
    private int _filled;
    private int _handed;
    private int _unpaced;
    private Task _pending = Task.CompletedTask;

    /// <summary>Offset after the last byte that came in.</summary>
    public long Received { get; private set; }

    /// <param name="body">The response's body.</param>
    /// <param name="from">Offset of its first byte in the file.</param>
    /// <param name="end">Offset after its last byte, when promised.</param>
    /// <param name="total">Length of the whole file, when known.</param>
    /// <param name="connectTimeout">For sentences.</param>
    public async ValueTask<PumpEnd> RunAsync(Stream body, long from, long? end, long? total, TimeSpan connectTimeout)
    {
        Received = from;
        using var tick = new PumpTick(time, Shorter(options.CheckpointInterval, TimeSpan.FromSeconds(1)));
        try
        {
            return await PumpAsync(body, end, total, tick, connectTimeout);
        }
        finally
        {
            await _pending.WaitForEndAsync();
            if (!_front.IsEmpty)
                ChunkPool.Return(_front);
        }
    }

    private async ValueTask<PumpEnd> PumpAsync(Stream body, long? end, long? total, PumpTick tick, TimeSpan connectTimeout)
    {
        while (true)
        {
            var (count, ended) = await ReadAsync(body, tick, total, connectTimeout);
            if (ended is not null)
                return ended;
            _filled += count;
            Received += count;
            if (Received > order.MaxBytes)
                return new PumpEnd.Broken(TooLarge(order.MaxBytes.Value, Received));
            if (count > 0 && _filled < _front.Length && !tick.IsDue)
                continue;
            if (await HandOverAsync(swap: true, total) is { } refused)
                return refused;
            if ((tick.IsDue || writer.IsFlushed) && await OnTickAsync(tick) is { } over)
                return over;
            if (count > 0)
                continue;
            await _pending;
            if (Received < end)
            {
                return new PumpEnd.Broken(
                    NetworkFailures.Describe(new HttpIOException(HttpRequestError.ResponseEnded), origin, Received, inBody: true, connectTimeout));
            }
            return new PumpEnd.Finished();
        }
    }

    /// <summary>Reads once; while the peer is silent, ticks are served beside the pending read.</summary>
    private async ValueTask<(int Count, PumpEnd? Ended)> ReadAsync(Stream body, PumpTick tick, long? total, TimeSpan connectTimeout)
    {
        Task<int>? pending = null;
        try
        {
            await pace.TakeAsync(_unpaced, watch.Token); // before the next read, so that a stop meanwhile loses nothing of the last one
            _unpaced = 0;
            if (_front.IsEmpty)
                Rent();
            watch.Wait();
            var read = body.ReadAsync(_front.Slice(_filled, Math.Min(pace.Grain, _front.Length - _filled)), watch.Token);
            if (read.IsCompleted)
                return (_unpaced = await read, null);
            pending = read.AsTask();
            while (true)
            {
                if (!tick.IsDue)
                    await Task.WhenAny(pending, tick.Next);
                if (pending.IsCompleted)
                    return (_unpaced = await pending, null);
                if (await HandOverAsync(swap: false, total) is { } refused)
                    return (0, refused);
                if (await OnTickAsync(tick) is { } over)
                    return (0, over);
            }
        }
        catch (Exception broken) when (NetworkFailures.IsNetwork(broken))
        {
            // What came in before the break is worth keeping.
            var refused = await HandOverAsync(swap: true, total);
            await _pending;
            return (0, refused ?? Describe(broken, connectTimeout));
        }
        finally
        {
            watch.Rest();
            if (pending is { IsCompleted: false })
            {
                watch.Cancel();
                await pending.WaitForEndAsync();
            }
        }
    }

    private PumpEnd Describe(Exception broken, TimeSpan connectTimeout)
    {
        if (watch.Silent)
            return new PumpEnd.Broken(NetworkFailures.Idle(origin, order.IdleTimeout, Received, inBody: true, sending: false));
        if (watch.Token.IsCancellationRequested)
            return new PumpEnd.Stopped();
        return new PumpEnd.Broken(NetworkFailures.Describe(broken, origin, Received, inBody: true, connectTimeout));
    }

    private void Rent()
    {
        _front = ChunkPool.Rent(_size);
        _rentedAt = time.GetTimestamp();
        _filled = _handed = (int)(Received & (ChunkPool.Alignment - 1));
    }

    /// <summary>Gives what was read to the disk; with <paramref name="swap"/> the next read goes into another buffer.</summary>
    private async ValueTask<PumpEnd?> HandOverAsync(bool swap, long? total)
    {
        await _pending;
        if (!order.Trust.MayAct)
            return new PumpEnd.Untrusted();
        var count = _filled - _handed;
        if (count > 0)
        {
            _pending = WriteAsync(_front, _handed, count, isLast: swap);
            _handed = _filled;
            reports.Progress(Received, 0, total, null);
        }
        else if (swap && !_front.IsEmpty)
        {
            ChunkPool.Return(_front);
        }
        if (swap)
        {
            _size = ChunkSize.Next(_size, time.GetElapsedTime(_rentedAt), options.ChunkBytes);
            _front = default;
            _filled = _handed = 0;
        }
        return null;
    }

    private async Task WriteAsync(Memory<byte> chunk, int at, int count, bool isLast)
    {
        try
        {
            await writer.WriteAsync(chunk.Slice(at, count), Received - count);
        }
        finally
        {
            if (isLast)
                ChunkPool.Return(chunk);
        }
    }

    private async ValueTask<PumpEnd?> OnTickAsync(PumpTick tick)
    {
        if (tick.IsDue)
            tick.Clear();
        if (time.GetElapsedTime(startedAt) >= options.RespondAfter && !await response.EnsureAsync())
            return new PumpEnd.Unwanted();
        if (writer.IsFlushed && !await writer.EndCheckpointAsync())
            return new PumpEnd.Unwanted();
        await _pending;
        if (writer.IsCheckpointDue)
            writer.BeginCheckpoint();
        return null;
    }

    public static AttemptFailure TooLarge(long max, long bytes) => new()
    {
        Code = TransferCodes.TooLarge,
        Message = $"The file has {bytes} bytes or more, and the task allows {max}. Raise maxBytes if it may be that large.",
        Retryable = false,
        BytesReceived = bytes,
        DiscardPart = true,
    };

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
