using Backhaul.Node.Files;
using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Transfers.Uploads;

/// <summary>
/// One attempt of a plain upload: PUT or POST of a file whose length is known.
/// <para>
/// A PUT may be repeated whenever its outcome is unknown. A POST may not: before its last chunk leaves, a checkpoint with
/// <see cref="PartCheckpoint.Complete"/> is journaled, and from then on a lost answer, a stop or a crash ends the task as
/// <c>ambiguous</c>. An answer, whatever it says, is an outcome; a failure that comes with one carries
/// <see cref="AttemptFailure.DiscardPart"/>, which takes the mark back, so that a retry is allowed.
/// </para>
/// Bodies over 1 MiB ask with <c>Expect: 100-continue</c>, so that an early refusal is seen instead of a broken pipe.
/// </summary>
internal sealed class UploadAttempt(AttemptOrder order, IAttemptReports reports, TransferServices services, ContinueMemory continues, CancellationToken stop) : IDisposable
{
    /// <summary>HttpClient sends the body after a second without a 100; a body that began later than this was not invited.</summary>
    private static readonly TimeSpan Uninvited = TimeSpan.FromMilliseconds(950);

    private readonly AttemptWatch _watch = new(services.Time, order.IdleTimeout, stop, stopAtOnce: false);
    private readonly UploadProgress _progress = new();
    private readonly IPace _pace = services.Paces.For(order);

    /// <summary>The name in the checkpoint that marks a POST whose last chunk may be out; no part file has it.</summary>
    private const string SentMark = "sent";

    private bool MustNotRepeat => order.Method == "POST";

    public async Task<AttemptOutcome> RunAsync()
    {
        if (!Uri.TryCreate(order.Url, UriKind.Absolute, out var url))
            return new AttemptOutcome.Failed(new AttemptFailure { Code = TransferCodes.ProtocolError, Message = "The task's URL is not absolute.", Retryable = false });
        if (MustNotRepeat && order.Resume is { Complete: true })
            return new AttemptOutcome.Failed(UploadFailures.Ambiguous(RequestSender.Origin(url)));
        if (order.Source is not { } reference)
            return new AttemptOutcome.Failed(UploadFailures.SourceMissing(null));
        await using var ending = stop.UnsafeRegister(static attempt => ((UploadAttempt)attempt!).OnStop(), this);
        try
        {
            await using var source = await services.Parts.OpenSourceAsync(
                order.Files.Session.Tenant, reference.Container ?? order.Files.Container, reference.Path, _watch.Token);
            return source is null
                ? new AttemptOutcome.Failed(UploadFailures.SourceMissing(reference))
                : await SendAsync(url, source);
        }
        catch (StorageException refused)
        {
            return new AttemptOutcome.Failed(new AttemptFailure
            {
                Code = TransferCodes.StorageFailed,
                Message = refused.Message,
                Retryable = true,
                DiscardPart = !_progress.WasSentWhole,
            });
        }
        catch (OperationCanceledException) when (_watch.Token.IsCancellationRequested)
        {
            return new AttemptOutcome.Stopped(0);
        }
    }

    public void Dispose() => _watch.Dispose();

    private async ValueTask<AttemptOutcome> SendAsync(Uri url, IUploadSource source)
    {
        var origin = RequestSender.Origin(url);
        var expect = source.Length > services.Options.ExpectContinueBytesMin && !continues.IsKnown(origin);
        while (true)
        {
            var began = services.Time.GetTimestamp();
            var invited = true;
            var ask = new OutboundAsk
            {
                Url = url,
                Method = RequestSender.Method(order.Method),
                ExpectContinue = expect,
                Body = () => new UploadContent(
                    source, order, _watch, reports, _progress, services.Options, _pace, MustNotRepeat ? MarkSentAsync : null,
                    onStart: () => invited &= services.Time.GetElapsedTime(began) < Uninvited),
            };
            var answer = await services.Sender.SendAsync(order, ask, _watch, reports);
            if (expect && !invited)
                continues.Remember(origin);
            switch (answer)
            {
                case OutboundAnswer.Failed failed:
                    return Describe(failed.Failure, origin);
                case OutboundAnswer.Head { Response.Status: 417 } refused when expect:
                    refused.Message.Dispose();
                    continues.Remember(origin);
                    expect = false;
                    continue;
                case OutboundAnswer.Head head:
                    using (head.Message)
                        return await JudgeAsync(head, source);
                default:
                    return MustNotRepeat && _progress.WasSentWhole
                        ? new AttemptOutcome.Failed(UploadFailures.Ambiguous(origin))
                        : new AttemptOutcome.Stopped(0);
            }
        }
    }

    private async ValueTask<AttemptOutcome> JudgeAsync(OutboundAnswer.Head head, IUploadSource source)
    {
        await services.Sender.DiscardBodyAsync(head.Message, _watch);
        var response = new AttemptResponse
        {
            Url = head.Url.AbsoluteUri,
            Status = head.Response.Status,
            Headers = head.Response.Shown,
            Resumable = false,
            ResumableWhy = "A plain upload starts again from its first byte.",
            From = 0,
            Total = null,
        };
        if (!StatusRules.IsAccepted(head.Response.Status, order.AcceptStatus))
        {
            var failure = StatusFailures.Describe(order, head.Response, RequestSender.Origin(head.Url), services.Time.GetUtcNow(), response);
            return new AttemptOutcome.Failed(failure with { DiscardPart = true });
        }
        if (!await source.IsUnchangedAsync(CancellationToken.None))
            return new AttemptOutcome.Failed(UploadFailures.SourceChanged() with { Status = head.Response.Status, Response = response });
        return new AttemptOutcome.Finished(response, 0, _progress.Sent, null, Verified: true, null);
    }

    private AttemptOutcome.Failed Describe(AttemptFailure failure, string origin)
    {
        var unanswered = failure.Code is TransferCodes.ConnectionLost or TransferCodes.IdleTimeout or TransferCodes.ProtocolError
            or TransferCodes.HeadersTooLarge or TransferCodes.ConnectFailed or TransferCodes.TlsFailed or TransferCodes.Truncated;
        // A refusal is an outcome: the target did nothing with the body, and the mark of a POST is taken back.
        if (failure.Challenge is { IsProxy: false })
            return new(failure with { DiscardPart = true });
        return new(MustNotRepeat && _progress.WasSentWhole && unanswered ? UploadFailures.Ambiguous(origin) : failure);
    }

    /// <summary>Journals that the target may get the whole body from now on.</summary>
    private ValueTask<bool> MarkSentAsync() =>
        reports.CheckpointAsync(new PartCheckpoint { Part = SentMark, Bytes = 0, Total = null, Complete = true });

    /// <summary>A body under way is broken off; a POST that is only waiting for its answer gets a little longer.</summary>
    private void OnStop()
    {
        if (MustNotRepeat && _progress.WasSentWhole)
            _watch.CancelAfter(services.Options.AnswerGrace);
        else
            _watch.Cancel();
    }
}
