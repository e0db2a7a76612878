using Backhaul.Node.Files;
using Backhaul.Node.Sessions;

namespace Backhaul.Node.Transfers.Uploads;

/// <summary>
/// One attempt of an upload: opens what is sent, once; chooses the protocol, which the task or an earlier attempt said or the target is asked for; and
/// leaves the rest to that. What is sent must be the file of the earlier attempts, or their bytes and its bytes would be mixed at the target.
/// </summary>
internal sealed class UploadAttempt(
    AttemptOrder order, IAttemptReports reports, TransferServices services, UploadProtocols protocols, CancellationToken stop) : IDisposable
{
    private readonly AttemptWatch _watch = new(services.Time, order.IdleTimeout, stop, stopAtOnce: false);
    private UploadRun? _run;

    public async Task<AttemptOutcome> RunAsync()
    {
        if (!Uri.TryCreate(order.Url, UriKind.Absolute, out var url))
            return new AttemptOutcome.Failed(new AttemptFailure { Code = TransferCodes.ProtocolError, Message = "The task's URL is not absolute.", Retryable = false });
        if (PlainUpload.MustNotRepeat(order) && order.Resume is { Complete: true, Upload: null })
            return new AttemptOutcome.Failed(UploadFailures.Ambiguous(RequestSender.Origin(url)));
        await using var ending = stop.UnsafeRegister(static attempt => ((UploadAttempt)attempt!).OnStop(), this);
        try
        {
            var (opened, missing) = await UploadSources.OpenAsync(order, services.Parts, _watch.Token);
            if (opened is null)
                return new AttemptOutcome.Failed(UploadFailures.SourceMissing(missing));
            await using (opened.Source)
                return await SendAsync(url, opened);
        }
        catch (StorageException refused)
        {
            return new AttemptOutcome.Failed(new AttemptFailure
            {
                Code = TransferCodes.StorageFailed,
                Message = refused.Message,
                Retryable = true,
                BytesSent = order.Resume?.Upload?.Offset ?? 0,
                // The mark of a plain POST is taken back while its last slice is certainly still here.
                DiscardPart = order.Resume?.Upload is null && _run is not ({ HasSaved: true } or { Progress.WasSentWhole: true }),
            });
        }
        catch (OperationCanceledException) when (_watch.Token.IsCancellationRequested)
        {
            return new AttemptOutcome.Stopped(order.Resume?.Upload?.Offset ?? 0);
        }
    }

    public void Dispose() => _watch.Dispose();

    private async ValueTask<AttemptOutcome> SendAsync(Uri url, OpenedSource opened)
    {
        _run = new UploadRun(order, reports, services, protocols.Memory, _watch, url, opened.Source, opened.ContentType);
        if (_run.State is { Source: { } earlier } && earlier != opened.Source.Identity)
            return new AttemptOutcome.Failed(UploadFailures.SourceReplaced());
        var protocol = _run.State?.Protocol ?? order.UploadProtocol;
        if (protocol == UploadProtocol.Auto)
        {
            (protocol, var ended) = await TargetDiscovery.ChooseAsync(_run);
            if (ended is not null)
                return ended;
        }
        return protocols.Find(protocol) is { } known
            ? await known.SendAsync(_run)
            : new AttemptOutcome.Failed(UploadFailures.UnknownProtocol());
    }

    /// <summary>A body under way is broken off; a POST that is only waiting for its answer gets a little longer.</summary>
    private void OnStop()
    {
        if (_run is { StopWaitsForAnswer: true, Progress.WasSentWhole: true })
            _watch.CancelAfter(services.Options.AnswerGrace);
        else
            _watch.Cancel();
    }
}
