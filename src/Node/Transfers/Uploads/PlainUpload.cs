using Backhaul.Node.Sessions;

namespace Backhaul.Node.Transfers.Uploads;

/// <summary>
/// PUT or POST of a source whose length is known.
/// <para>
/// A PUT may be repeated whenever its outcome is unknown. A POST may not: before its last chunk leaves, a checkpoint with
/// <see cref="PartCheckpoint.Complete"/> is journaled, and from then on a lost answer, a stop or a crash ends the task as
/// <c>ambiguous</c>. An answer, whatever it says, is an outcome; a failure that comes with one carries
/// <see cref="AttemptFailure.DiscardPart"/>, which takes the mark back, so that a retry is allowed.
/// </para>
/// Bodies over 1 MiB ask with <c>Expect: 100-continue</c>, so that an early refusal is seen instead of a broken pipe.
/// </summary>
internal sealed class PlainUpload : IUploadProtocol
{
    /// <summary>The name in the checkpoint that marks a POST whose last chunk may be out; no part file has it.</summary>
    private const string SentMark = "sent";

    public UploadProtocol Protocol => UploadProtocol.Plain;

    public static bool MustNotRepeat(AttemptOrder order) => order.Method == "POST";

    public async ValueTask<AttemptOutcome> SendAsync(UploadRun run)
    {
        var mustNotRepeat = run.StopWaitsForAnswer = MustNotRepeat(run.Order);
        var origin = RequestSender.Origin(run.Url);
        var ask = new OutboundAsk
        {
            Url = run.Url,
            Method = RequestSender.Method(run.Order.Method),
            Extra = run.ContentType is { } type ? [("Content-Type", type)] : [],
        };
        switch (await run.SendBytesAsync(ask, 0, run.Source.Length, mustNotRepeat ? () => MarkSentAsync(run) : null))
        {
            case OutboundAnswer.Failed failed:
                return Describe(run, failed.Failure, origin);
            case OutboundAnswer.Head head:
                using (head.Message)
                    return await JudgeAsync(run, head);
            default:
                return mustNotRepeat && run.Progress.WasSentWhole
                    ? new AttemptOutcome.Failed(UploadFailures.Ambiguous(origin))
                    : new AttemptOutcome.Stopped(0);
        }
    }

    /// <summary>What a target got of it, it got as one request: there is nothing to take back.</summary>
    public ValueTask<bool> TerminateAsync(UploadRun run, UploadState state) => new(true);

    private static async ValueTask<AttemptOutcome> JudgeAsync(UploadRun run, OutboundAnswer.Head head)
    {
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
        if (!StatusRules.IsAccepted(head.Response.Status, run.Order.AcceptStatus))
        {
            await run.Services.Sender.DiscardBodyAsync(head.Message, run.Watch);
            var failure = StatusFailures.Describe(run.Order, head.Response, RequestSender.Origin(head.Url), run.Services.Time.GetUtcNow(), response);
            return new AttemptOutcome.Failed(failure with { DiscardPart = true });
        }
        if (!await run.Source.IsUnchangedAsync(CancellationToken.None))
            return new AttemptOutcome.Failed(UploadFailures.SourceChanged() with { Status = head.Response.Status, Response = response });
        return await UploadAnswer.FinishAsync(run, head, response, run.Progress.Sent);
    }

    private static AttemptOutcome.Failed Describe(UploadRun run, AttemptFailure failure, string origin)
    {
        var unanswered = failure.Code is TransferCodes.ConnectionLost or TransferCodes.IdleTimeout or TransferCodes.ProtocolError
            or TransferCodes.HeadersTooLarge or TransferCodes.ConnectFailed or TransferCodes.TlsFailed or TransferCodes.Truncated;
        // A refusal is an outcome: the target did nothing with the body, and the mark of a POST is taken back.
        if (failure.Challenge is { IsProxy: false })
            return new(failure with { DiscardPart = true });
        return new(MustNotRepeat(run.Order) && run.Progress.WasSentWhole && unanswered ? UploadFailures.Ambiguous(origin) : failure);
    }

    /// <summary>Journals that the target may get the whole body from now on.</summary>
    private static ValueTask<bool> MarkSentAsync(UploadRun run) =>
        run.Reports.CheckpointAsync(new PartCheckpoint { Part = SentMark, Bytes = 0, Total = null, Complete = true });
}
