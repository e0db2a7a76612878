using System.Buffers;
using System.Net;
using Backhaul.Node.Files;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Node.Transfers.Uploads;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>What a download's request carries: a file with a known length, in slices, each with trust and at the attempt's pace.</summary>
internal sealed class RequestBody(IUploadSource source, AttemptOrder order, AttemptWatch watch, IPace pace) : HttpContent
{
    private const int SliceBytes = 64 * 1024;

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
        var buffer = ArrayPool<byte>.Shared.Rent(SliceBytes);
        try
        {
            for (long sent = 0; sent < source.Length;)
            {
                var most = (int)Math.Min(Math.Min(SliceBytes, pace.Grain), source.Length - sent);
                var count = await source.ReadAsync(buffer.AsMemory(0, most), sent, stop);
                if (count == 0)
                    throw new UploadBrokenException(DownloadFailures.BodyChanged());
                if (!order.Trust.MayAct)
                    throw new UploadBrokenException(RequestSender.Untrusted(0));
                watch.Rest();
                await pace.TakeAsync(count, stop);
                watch.Wait();
                await stream.WriteAsync(buffer.AsMemory(0, count), stop);
                sent += count;
            }
            await stream.FlushAsync(stop);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
