using System.Buffers;
using System.Net;

namespace Backhaul.Node.Transfers.Uploads;

/// <summary>What an upload's bodies have in common over the requests of one attempt.</summary>
internal sealed class UploadProgress
{
    /// <summary>Bytes of the latest body that the socket took.</summary>
    public long Sent { get; set; }

    /// <summary>A body went out whole, so that the target may have acted on it.</summary>
    public bool WasSentWhole { get; set; }
}

/// <summary>Why sending a body stopped, when it was not the network.</summary>
internal sealed class UploadBrokenException(AttemptFailure? failure) : IOException(failure?.Message ?? "The attempt is not wanted any more.")
{
    /// <summary>Null: the session does not want the attempt any more.</summary>
    public AttemptFailure? Failure { get; } = failure;
}

/// <summary>
/// The body of a request of an upload: bytes of the source, of a known length. The next chunk is read from the disk while the socket takes this one, in
/// slices: a slow peer takes its time for a chunk, and trust is checked before each slice. What a socket has taken leaves in any case. Before the
/// last slice of a request that must not be repeated, <paramref name="beforeLast"/> is asked: it journals that the outcome may become unknown.
/// </summary>
internal sealed class UploadContent(UploadRun run, long from, long count, Func<ValueTask<bool>>? beforeLast, Action? onStart) : HttpContent
{
    /// <summary>A socket takes no more at a time, and two of them belong to each upload however slow its target is.</summary>
    private const int BufferBytesMax = 1024 * 1024;

    private const int SliceBytes = 64 * 1024;

    private readonly long _end = from + count;
    private bool _lastSliceLeft;

    /// <summary>The whole body went to the socket.</summary>
    public bool IsSent { get; private set; }

    protected override bool TryComputeLength(out long length)
    {
        length = count;
        return true;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SendAsync(stream, run.Watch.Token);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        SendAsync(stream, cancellationToken);

    private async Task SendAsync(Stream stream, CancellationToken stop)
    {
        onStart?.Invoke();
        // HttpClient repeats a request by itself when a pooled connection turns out dead; what must not be repeated must not be repeated there either.
        if (beforeLast is not null && _lastSliceLeft)
            throw new UploadBrokenException(UploadFailures.Ambiguous(RequestSender.Origin(run.Url)));
        run.Progress.WasSentWhole = false; // what an earlier request sent was answered, by a redirect to here
        var size = (int)Math.Min(Math.Min(run.Services.Options.ChunkBytes, BufferBytesMax), Math.Max(1, count));
        var front = ArrayPool<byte>.Shared.Rent(size);
        var back = ArrayPool<byte>.Shared.Rent(size);
        Task<int>? next = null;
        run.Progress.Sent = from;
        try
        {
            var filled = await FillAsync(front, size, from, stop);
            while (true)
            {
                var end = run.Progress.Sent + filled;
                next = end < _end ? FillAsync(back, size, end, stop).AsTask() : null;
                await WriteAsync(stream, front.AsMemory(0, filled), stop);
                if (next is null)
                    break;
                filled = await next;
                next = null;
                (front, back) = (back, front);
            }
            await stream.FlushAsync(stop);
            run.Progress.WasSentWhole = _lastSliceLeft = true;
            IsSent = true;
        }
        finally
        {
            if (next is not null)
                await next.WaitForEndAsync();
            ArrayPool<byte>.Shared.Return(front);
            ArrayPool<byte>.Shared.Return(back);
        }
    }

    private async ValueTask WriteAsync(Stream stream, ReadOnlyMemory<byte> chunk, CancellationToken stop)
    {
        do
        {
            var slice = chunk[..Math.Min(Math.Min(SliceBytes, run.Pace.Grain), chunk.Length)];
            chunk = chunk[slice.Length..];
            var end = run.Progress.Sent + slice.Length;
            run.Watch.Rest();
            await run.Pace.TakeAsync(slice.Length, stop);
            run.Watch.Wait();
            await PassAsync(isLast: end >= _end, stop);
            if (slice.Length > 0)
                await stream.WriteAsync(slice, stop);
            run.Watch.Wait();
            run.Progress.Sent = end;
            run.Reports.Progress(0, end, null, run.Source.Length);
        }
        while (chunk.Length > 0);
    }

    private async ValueTask<int> FillAsync(byte[] buffer, int size, long offset, CancellationToken stop)
    {
        var wanted = (int)Math.Min(size, _end - offset);
        var filled = 0;
        while (filled < wanted)
        {
            var read = await run.Source.ReadAsync(buffer.AsMemory(filled, wanted - filled), offset + filled, stop);
            if (read == 0)
                throw new UploadBrokenException(UploadFailures.SourceChanged());
            filled += read;
        }
        return filled;
    }

    /// <summary>What must hold before a slice leaves.</summary>
    private async ValueTask PassAsync(bool isLast, CancellationToken stop)
    {
        var mark = isLast && beforeLast is not null;
        if (mark)
        {
            run.Watch.Rest();
            if (!await beforeLast!())
                throw new UploadBrokenException(null);
            run.Watch.Wait();
        }
        // The slice is still here: whatever ends the attempt now takes the mark back.
        if (!run.Order.Trust.MayAct)
            throw new UploadBrokenException(RequestSender.Untrusted(0) with { DiscardPart = beforeLast is not null });
        if (mark && stop.IsCancellationRequested)
            throw new UploadBrokenException(UploadFailures.StoppedInTime());
        // From here on nobody can say that the target did not get it.
        run.Progress.WasSentWhole |= mark;
        _lastSliceLeft |= mark;
    }
}
