using System.Buffers;
using System.Security.Cryptography;
using Backhaul.Node.Files;
using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>A small body needs no pump: one buffer, one write, no checkpoint. What breaks is fetched again whole.</summary>
internal sealed class SmallBody(AttemptOrder order, IAttemptReports reports, TransferServices services, IPace pace, PartOwner owner, AttemptWatch watch)
{
    public async ValueTask<AttemptOutcome> StoreAsync(OutboundAnswer.Head head, int length, ResponseReport report)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Max(length, 1));
        var received = 0;
        try
        {
            watch.Wait();
            try
            {
                var body = await head.Message.Content.ReadAsStreamAsync(watch.Token);
                while (received < length)
                {
                    var count = await body.ReadAsync(buffer.AsMemory(received, Math.Min(pace.Grain, length - received)), watch.Token);
                    if (count == 0)
                        throw new HttpIOException(HttpRequestError.ResponseEnded);
                    received += count;
                    watch.Rest();
                    await pace.TakeAsync(count, watch.Token);
                    watch.Wait();
                }
            }
            catch (Exception broken) when (NetworkFailures.IsNetwork(broken))
            {
                return Broken(broken, head.Url, received, report);
            }
            finally
            {
                watch.Rest();
            }
            if (!order.Trust.MayAct)
                return new AttemptOutcome.Failed(RequestSender.Untrusted(received));
            return await PublishAsync(buffer.AsMemory(0, length), report);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<AttemptOutcome> PublishAsync(ReadOnlyMemory<byte> content, ResponseReport report)
    {
        var sha256 = order.Sha256 is not null || services.Options.ComputeDigest ? Convert.ToHexStringLower(SHA256.HashData(content.Span)) : null;
        if (order.Sha256 is not null && sha256 != order.Sha256)
            return DownloadFailures.DigestMismatch(sha256!, content.Length, retryable: false);
        if (order.Resume is not null)
            await services.Parts.DiscardAsync(order.Files, order.Epoch, resultToo: false, CancellationToken.None);
        var file = await services.Parts.PublishWholeAsync(order.Files, owner, content, sha256, services.Options.FlushOnComplete, CancellationToken.None);
        reports.Progress(content.Length, 0, content.Length, null);
        return new AttemptOutcome.Finished(report.Response, content.Length, 0, file, Verified: true, sha256);
    }

    private AttemptOutcome Broken(Exception broken, Uri url, int received, ResponseReport report)
    {
        var origin = RequestSender.Origin(url);
        if (!watch.Silent && watch.Token.IsCancellationRequested)
            return new AttemptOutcome.Stopped(0);
        var failure = watch.Silent
            ? NetworkFailures.Idle(origin, order.IdleTimeout, received, inBody: true, sending: false)
            : NetworkFailures.Describe(broken, origin, received, inBody: true, services.Clients.Options.ConnectTimeout);
        return new AttemptOutcome.Failed(failure with { Response = report.Response });
    }
}
