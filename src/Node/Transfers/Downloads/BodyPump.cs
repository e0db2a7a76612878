using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// Moves one body from its socket to the part. The socket fills one buffer while the disk empties another on its own thread, which
/// nearly doubles the speed of one transfer. <see cref="Nudge"/> comes from beside: what lies in the buffer of a silent peer is written
/// without waiting for more.
/// <para>
/// Invariants: at most one write is under way; chunks are written in order, and none beyond the segment's end as the plan knows it then: a pump
/// that had to drop a byte is over, whatever becomes of the segment;
/// trust is checked before each; a buffer is given back to the pool only when nothing writes from it or reads into it. A byte lies as far behind
/// a page's boundary in memory as in the file, so that whole pages can go to the disk as they are (<see cref="ChunkPool"/>).
/// </para>
/// </summary>
internal sealed class BodyPump(
    AttemptOrder order, PartWriter writer, SegmentPlan plan, Segment segment, AttemptWatch watch, TransferOptions options, IPace pace, TimeProvider time,
    ITransferSlots slots, string origin, TimeSpan connectTimeout)
{
    private readonly Lock _gate = new();
    private Memory<byte> _front;
    private int _size = Math.Min(ChunkSize.First, options.ChunkBytes);
    private long _wantedAt;
    private int _filled;
    private int _handed;
    private int _unpaced;
    private bool _isOver;
    private Task _pending = Task.CompletedTask;

    /// <summary>Offset after the last byte that came in.</summary>
    public long Received { get; private set; } = segment.At;

    /// <param name="body">The response's body.</param>
    /// <param name="end">Offset after its last byte as it was promised, or <see cref="SegmentPlan.Unbounded"/>.</param>
    public async ValueTask<PumpEnd> RunAsync(Stream body, long end)
    {
        try
        {
            return await PumpAsync(body, end);
        }
        finally
        {
            Memory<byte> rest;
            lock (_gate)
            {
                // From here on a nudge finds nothing, and starts no write from a buffer that belongs to another.
                (rest, _front) = (_front, default);
                _filled = _handed = 0;
            }
            await _pending.WaitForEndAsync();
            if (!rest.IsEmpty)
                ChunkPool.Return(rest);
        }
    }

    /// <summary>Writes what came in so far, unless a write is under way.</summary>
    public void Nudge()
    {
        lock (_gate)
        {
            if (_pending.IsCompletedSuccessfully && _filled > _handed && order.Trust.MayAct)
                StartWrite(isLast: false);
        }
    }

    private async ValueTask<PumpEnd> PumpAsync(Stream body, long end)
    {
        while (true)
        {
            // What a body holds beyond the range that its head named is nobody's.
            var left = _isOver ? 0 : Math.Min(segment.To, end) - Received;
            var count = 0;
            if (left > 0)
            {
                try
                {
                    count = await ReadAsync(body, left);
                }
                catch (Exception broken) when (NetworkFailures.IsNetwork(broken))
                {
                    // What came in before the break is worth keeping.
                    var refused = await HandOverAsync();
                    await _pending;
                    return refused ?? Describe(broken);
                }
            }
            lock (_gate)
            {
                _filled += count;
                Received += count;
            }
            if (Received > order.MaxBytes)
                return new PumpEnd.Broken(DownloadFailures.TooLarge(order.MaxBytes.Value, Received));
            if (count > 0 && count < left && _filled < _front.Length)
                continue;
            if (await HandOverAsync() is { } untrusted)
                return untrusted;
            if (count > 0)
                continue;
            await _pending;
            return !_isOver && end != SegmentPlan.Unbounded && Received < Math.Min(end, segment.To)
                ? Describe(new HttpIOException(HttpRequestError.ResponseEnded))
                : PumpEnd.Finished.Instance;
        }
    }

    private async ValueTask<int> ReadAsync(Stream body, long left)
    {
        // Before the next read, so that a stop meanwhile loses nothing of the last one.
        await pace.TakeAsync(_unpaced, watch.Token);
        _unpaced = 0;
        watch.Wait();
        try
        {
            if (_front.IsEmpty)
            {
                // A peer that is slow to send holds no buffer meanwhile.
                _wantedAt = time.GetTimestamp();
                _ = await body.ReadAsync(Memory<byte>.Empty, watch.Token);
                Rent();
            }
            var most = (int)Math.Min(Math.Min(pace.Grain, _front.Length - _filled), left);
            return _unpaced = await body.ReadAsync(_front.Slice(_filled, most), watch.Token);
        }
        finally
        {
            watch.Rest();
        }
    }

    private void Rent()
    {
        _front = ChunkPool.Rent(_size);
        _filled = _handed = (int)(Received & (ChunkPool.Alignment - 1));
    }

    private PumpEnd Describe(Exception broken)
    {
        if (watch.Silent)
            return new PumpEnd.Broken(NetworkFailures.Idle(origin, order.IdleTimeout, Received, inBody: true, sending: false));
        if (watch.Token.IsCancellationRequested)
            return new PumpEnd.Stopped();
        return new PumpEnd.Broken(NetworkFailures.Describe(broken, origin, Received, inBody: true, connectTimeout));
    }

    /// <summary>Gives what was read to the disk; the next read goes into another buffer.</summary>
    private async ValueTask<PumpEnd?> HandOverAsync()
    {
        while (true)
        {
            await _pending;
            if (!order.Trust.MayAct)
                return new PumpEnd.Untrusted();
            lock (_gate)
            {
                if (!_pending.IsCompleted)
                    continue; // a nudge came in between
                if (!_front.IsEmpty)
                    StartWrite(isLast: true);
                return null;
            }
        }
    }

    /// <summary>Under the gate, with no write under way.</summary>
    private void StartWrite(bool isLast)
    {
        var chunk = _front;
        var (at, from) = (_handed, Received - (_filled - _handed));
        var count = (int)(plan.Advance(segment, from, Received) - from);
        _isOver |= count < _filled - _handed;
        _handed = _filled;
        slots.Moved(count, 0);
        if (isLast)
        {
            _size = ChunkSize.Next(_size, time.GetElapsedTime(_wantedAt), options.ChunkBytes);
            _front = default;
            _filled = _handed = 0;
        }
        _pending = WriteAsync(chunk, at, count, from, isLast);
    }

    private async Task WriteAsync(Memory<byte> chunk, int at, int count, long offset, bool isLast)
    {
        try
        {
            if (count > 0)
                await writer.WriteAsync(chunk.Slice(at, count), offset);
        }
        finally
        {
            if (isLast)
                ChunkPool.Return(chunk);
        }
    }
}
