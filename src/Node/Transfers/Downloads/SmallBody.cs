using System.Buffers;
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
            var check = new DigestCheck(
                order, services, PromisedDigest.Of(head.Response.Status, head.Message.Headers.NonValidated, head.Message.Content.Headers.NonValidated));
            return await PublishAsync(buffer.AsMemory(0, length), check, report);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<AttemptOutcome> PublishAsync(ReadOnlyMemory<byte> content, DigestCheck check, ResponseReport report)
    {
        var (sha256, wrong) = check.Check(content.Span);
        if (wrong is not null)
            return wrong;
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
