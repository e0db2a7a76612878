using System.Buffers;
using System.Net;
using Backhaul.Node.Files;
using Backhaul.Node.Transfers.Origins;

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
/// The body of an upload: the source's bytes with a known length. The next chunk is read from the disk while the socket takes this one, in
/// slices: a slow peer takes its time for a chunk, and trust is checked before each slice. What a socket has taken leaves in any case. Before the
/// last slice of a request that must not be repeated, <paramref name="beforeLast"/> is asked: it journals that the outcome may become unknown.
/// </summary>
internal sealed class UploadContent(
    IUploadSource source, AttemptOrder order, AttemptWatch watch, IAttemptReports reports, UploadProgress progress, TransferOptions options,
    IPace pace, Func<ValueTask<bool>>? beforeLast, Action onStart) : HttpContent
{
    /// <summary>A socket takes no more at a time, and two of them belong to each upload however slow its target is.</summary>
    private const int BufferBytesMax = 1024 * 1024;

    private const int SliceBytes = 64 * 1024;

    private bool _lastSliceLeft;

    /// <summary>The whole body went to the socket.</summary>
    public bool IsSent { get; private set; }

    protected override bool TryComputeLength(out long length)
    {
        length = source.Length;
        return true;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SendAsync(stream, watch.Token);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        SendAsync(stream, cancellationToken);

    private async Task SendAsync(Stream stream, CancellationToken stop)
    {
        onStart();
        // HttpClient repeats a request by itself when a pooled connection turns out dead; what must not be repeated must not be repeated there either.
        if (beforeLast is not null && _lastSliceLeft)
            throw new UploadBrokenException(UploadFailures.Ambiguous(RequestSender.Origin(new Uri(order.Url))));
        progress.WasSentWhole = false; // what an earlier request sent was answered, by a redirect to here
        var size = (int)Math.Min(Math.Min(options.ChunkBytes, BufferBytesMax), Math.Max(1, source.Length));
        var front = ArrayPool<byte>.Shared.Rent(size);
        var back = ArrayPool<byte>.Shared.Rent(size);
        Task<int>? next = null;
        progress.Sent = 0;
        try
        {
            var filled = await FillAsync(front, size, 0, stop);
            while (true)
            {
                var end = progress.Sent + filled;
                next = end < source.Length ? FillAsync(back, size, end, stop).AsTask() : null;
                await WriteAsync(stream, front.AsMemory(0, filled), stop);
                if (next is null)
                    break;
                filled = await next;
                next = null;
                (front, back) = (back, front);
            }
            await stream.FlushAsync(stop);
            progress.WasSentWhole = _lastSliceLeft = true;
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
            var slice = chunk[..Math.Min(Math.Min(SliceBytes, pace.Grain), chunk.Length)];
            chunk = chunk[slice.Length..];
            var end = progress.Sent + slice.Length;
            watch.Rest();
            await pace.TakeAsync(slice.Length, stop);
            watch.Wait();
            await PassAsync(isLast: end >= source.Length, stop);
            if (slice.Length > 0)
                await stream.WriteAsync(slice, stop);
            watch.Wait();
            progress.Sent = end;
            reports.Progress(0, end, null, source.Length);
        }
        while (chunk.Length > 0);
    }

    private async ValueTask<int> FillAsync(byte[] buffer, int size, long offset, CancellationToken stop)
    {
        var wanted = (int)Math.Min(size, source.Length - offset);
        var filled = 0;
        while (filled < wanted)
        {
            var count = await source.ReadAsync(buffer.AsMemory(filled, wanted - filled), offset + filled, stop);
            if (count == 0)
                throw new UploadBrokenException(UploadFailures.SourceChanged());
            filled += count;
        }
        return filled;
    }

    /// <summary>What must hold before a slice leaves.</summary>
    private async ValueTask PassAsync(bool isLast, CancellationToken stop)
    {
        var mark = isLast && beforeLast is not null;
        if (mark)
        {
            watch.Rest();
            if (!await beforeLast!())
                throw new UploadBrokenException(null);
            watch.Wait();
        }
        // The slice is still here: whatever ends the attempt now takes the mark back.
        if (!order.Trust.MayAct)
            throw new UploadBrokenException(RequestSender.Untrusted(0) with { DiscardPart = true });
        if (mark && stop.IsCancellationRequested)
            throw new UploadBrokenException(UploadFailures.StoppedInTime());
        // From here on nobody can say that the target did not get it.
        progress.WasSentWhole |= mark;
        _lastSliceLeft |= mark;
    }
}
