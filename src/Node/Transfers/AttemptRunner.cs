using Backhaul.Node.Egress;
using Backhaul.Node.Files;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers.Downloads;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Node.Transfers.Uploads;
using Backhaul.Protocol;

namespace Backhaul.Node.Transfers;

/// <summary>
/// The bytes: one attempt of one task, from its request to its outcome.
/// <para>
/// <c>Downloads</c> asks, judges the answer by pure rules, moves the body to a part and publishes it; <c>Uploads</c> sends a file;
/// <see cref="RequestSender"/> follows redirects for both; <see cref="TransferSlots"/> says how many may run. Called by the task's actor, which
/// reports to the session. Whether, when and how often something is tried again is the session's: an attempt only says how it ended.
/// </para>
/// Invariants: what a network, a server or a disk does ends in an <see cref="AttemptOutcome"/>, never in an exception; nothing leaves
/// this node and nothing is written without trust; sentences carry host and port, never a query, a header's value or a secret.
/// </summary>
internal sealed class AttemptRunner(
    OutboundClients clients, IPartFiles parts, IFileWork work, TransferOptions options, TimeProvider time, Governor governor, ResumeJudge? judge = null) : IAttemptRunner
{
    private const int EndingsMax = 32;

    private readonly TransferServices _services = new(
        clients, new RequestSender(clients, options, governor.Gates, time), parts, work, options, time, governor.Slots, governor.Paces, governor.Gates)
    {
        Judge = judge ?? ResumeRules.Decide,
    };
    private readonly UploadProtocols _uploads = new(time);

    /// <summary>However many sessions have uploads to give up, so many targets are told at once by a node; the others wait their turn.</summary>
    private readonly SemaphoreSlim _endings = new(EndingsMax);

    public async Task<AttemptOutcome> RunAsync(AttemptOrder order, IAttemptReports reports, CancellationToken stop)
    {
        if (stop.IsCancellationRequested)
            return new AttemptOutcome.Stopped(order.Resume?.Bytes ?? 0);
        if (!order.Trust.MayAct)
            return new AttemptOutcome.Failed(RequestSender.Untrusted(order.Resume?.Bytes ?? 0));
        if (SealedOrders.Open(order, clients.Requests) is not { } opened)
            return new AttemptOutcome.Failed(SealedOrders.WithoutKey(order));
        return SealedOrders.Shown(await RunOpenedAsync(opened, new SealedOrders.Reports(reports, order.Files.Session.Tenant, clients.Requests), stop));
    }

    private async Task<AttemptOutcome> RunOpenedAsync(AttemptOrder order, SealedOrders.Reports reports, CancellationToken stop)
    {
        if (order.Kind == TaskKind.Upload)
        {
            using var upload = new UploadAttempt(order, reports, _services, _uploads, stop);
            return await upload.RunAsync();
        }
        if (order.IsRepeated)
            return await new RepeatedDownload(order, reports, _services, stop).RunAsync();
        using var download = new DownloadAttempt(order, reports, _services, stop);
        return await download.RunAsync();
    }

    public async Task DiscardAsync(TaskFiles files, long epoch, bool resultToo) =>
        await parts.DiscardAsync(files, epoch, resultToo, CancellationToken.None);

    public async Task<bool> AbandonUploadAsync(AttemptOrder order)
    {
        await _endings.WaitAsync();
        try
        {
            return SealedOrders.Open(order, clients.Requests) is { } opened && await UploadEnding.RunAsync(opened, _services, _uploads);
        }
        finally
        {
            _endings.Release();
        }
    }

    public string SealUrl(TenantId tenant, string url) => clients.Requests.SealUrl(tenant, url);

    public async Task<byte[]?> ReadFileAsync(TenantId tenant, FileReference file, int bytesMax)
    {
        if (await parts.OpenSourceAsync(tenant, file.Container!.Value, file.Path, CancellationToken.None) is not { } source)
            return null;
        await using (source)
        {
            if (source.Length > bytesMax)
                return null;
            var content = new byte[source.Length];
            for (var at = 0; at < content.Length;)
            {
                var read = await source.ReadAsync(content.AsMemory(at), at, CancellationToken.None);
                if (read == 0)
                    return null; // it was shortened since it was opened
                at += read;
            }
            return content;
        }
    }

    public async Task<KeepOutcome> KeepAsync(TaskFiles files, long epoch, ITrust trust, KeptPart kept) =>
        await parts.KeepAsync(files, new PartOwner(epoch, 0, () => trust.MayAct), kept, CancellationToken.None);
}
