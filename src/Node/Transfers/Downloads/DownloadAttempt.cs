using Backhaul.Node.Files;
using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// One attempt of a download, from the request to the published file.
/// <code>
///            ┌──────────────── ask again / from zero / for the rest ────────────────┐
/// resume? ─► ask ─► judge (ResumeRules) ─► store (SmallBody | PartFiller) ─► publish ─► Finished
///   │          │       │                     │ break, stop
///   │          └───────┴── Failed            └─ last checkpoint ─► Failed | Stopped
///   └─ complete before a crash ─► found published, or publish ─► Finished
/// </code>
/// Invariants: a part is continued only after <see cref="ResumeRules"/> said so; a start from zero is a new inode; the journal learns
/// ranges only after their flush; the file is published only after length and digest agree, and never without trust. Network, server and disk end in a value.
/// </summary>
internal sealed class DownloadAttempt(AttemptOrder order, IAttemptReports reports, TransferServices services, CancellationToken stop) : IDisposable
{
    /// <summary>Answers in a row that were good and brought nothing.</summary>
    private const int IdleRoundsMax = 3;

    /// <summary>Somebody waits for the bytes of a download with random access: they are made durable, and told, sooner.</summary>
    private static readonly TimeSpan RandomAccessInterval = TimeSpan.FromSeconds(1);

    private readonly AttemptWatch _watch = new(services.Time, order.IdleTimeout, stop);
    private readonly long _startedAt = services.Time.GetTimestamp();
    private readonly bool _asksForRangeItself = order.Headers.ContainsKey("Range");
    private readonly PartOwner _owner = new(order.Epoch, order.Attempt, () => order.Trust.MayAct);
    private readonly CancellationToken _stop = stop;
    private readonly IPace _pace = services.Paces.For(order);
    private IPartFile? _part;
    private PartWriter? _writer;
    private PartDigest? _digest;
    private PromisedDigest? _promised;
    private SegmentPlan? _plan;
    private string? _validator;
    private int _idleRounds;

    private bool NeedsDigest => order.Sha256 is not null || services.Options.ComputeDigest;

    /// <summary>What lies in the part.</summary>
    private long Have => _writer?.Written ?? _plan?.Taken.Length ?? 0;

    public async Task<AttemptOutcome> RunAsync()
    {
        try
        {
            if (order.Resume is { Complete: true } complete && await FinishCompleteAsync(complete) is { } finished)
                return finished;
            await AdoptAsync();
            return await AskAndStoreAsync();
        }
        catch (StorageException refused)
        {
            return new AttemptOutcome.Failed(await SettleAfterAsync(refused));
        }
        catch (OwnershipLostException)
        {
            return new AttemptOutcome.Failed(RequestSender.Untrusted(_writer?.Written ?? order.Resume?.Durable.Length ?? 0));
        }
        catch (OperationCanceledException) when (_watch.Token.IsCancellationRequested)
        {
            return new AttemptOutcome.Stopped(_writer?.Journaled ?? 0);
        }
        finally
        {
            await CloseAsync();
        }
    }

    public void Dispose()
    {
        _digest?.Dispose();
        _watch.Dispose();
    }

    private async ValueTask<AttemptOutcome> AskAndStoreAsync()
    {
        if (!Uri.TryCreate(order.Url, UriKind.Absolute, out var url))
            return new AttemptOutcome.Failed(DownloadFailures.Of(TransferCodes.ProtocolError, "The task's URL is not absolute.", retryable: false));
        await using var body = order.Body is { } file
            ? await services.Parts.OpenSourceAsync(order.Files.Session.Tenant, file.Container!.Value, file.Path, _watch.Token)
            : null;
        if (order.Body is { } named && body is null)
            return new AttemptOutcome.Failed(DownloadFailures.BodyMissing(named));
        var again = false;
        while (true)
        {
            if (order.Wishes is { } wishes)
                _plan?.Want(wishes.Wanted);
            var segment = _plan?.Next(splits: false) ?? _plan?.OpenEnd();
            var state = segment is null ? null : new PartState(segment.From, _plan!.Total, _validator!);
            var answer = await services.Sender.SendAsync(order, Ask(url, segment, body), _watch, reports);
            if (answer is OutboundAnswer.Failed failed)
                return new AttemptOutcome.Failed(failed.Failure with { BytesReceived = Have });
            if (answer is not OutboundAnswer.Head head)
                return new AttemptOutcome.Stopped(Have);
            using var message = head.Message;
            if (segment is null && head.IsUnchanged)
                return new AttemptOutcome.Finished(Report(head, 0, null).Response, 0, 0, File: null, Verified: true, Sha256: null) { IsUnchanged = true };
            if (body is not null && !await body.IsUnchangedAsync(_watch.Token))
                return new AttemptOutcome.Failed(DownloadFailures.BodyChanged());
            if (Refuse(head, state) is { } failure)
            {
                await services.Sender.DiscardBodyAsync(message, _watch);
                return new AttemptOutcome.Failed(failure);
            }
            var step = _asksForRangeItself && head.Response.Status == 206
                ? new ResumeStep.FromZero(Why: null)
                : services.Judge(state, head.Response, again, order.SourceChange, order.Sha256 is not null);
            again = step is ResumeStep.AskAgain;
            if (await TakeAsync(step, head, segment) is { } outcome)
                return outcome;
        }
    }

    private OutboundAsk Ask(Uri url, Segment? segment, IUploadSource? body) => new()
    {
        Url = url,
        Method = RequestSender.Method(order.Method),
        RangeFrom = segment?.From,
        RangeTo = segment is null || segment.To == SegmentPlan.Unbounded || segment.To == _plan!.Total ? null : segment.To,
        IfRange = segment is null ? null : _validator,
        IfChanged = segment is null ? order.Fetched?.Validator : null,
        Body = body is null ? null : () => new RequestBody(body, order, _watch, _pace),
    };

    /// <summary>Does what the judgement says; null asks once more.</summary>
    private async ValueTask<AttemptOutcome?> TakeAsync(ResumeStep step, OutboundAnswer.Head head, Segment? segment)
    {
        switch (step)
        {
            case ResumeStep.FromZero fromZero:
                if (fromZero.Why is not null && !await StartOverAsync(fromZero.Why))
                    return new AttemptOutcome.Stopped(0);
                return await StoreAsync(head);
            case ResumeStep.Continue range:
                return await ContinueAsync(head, range, segment!);
            case ResumeStep.Complete:
                var report = Report(head, segment!.From, segment.From);
                return await PublishAsync(EnsureWriter(report), segment.From, verified: true, report);
            case ResumeStep.AskAgain:
                if (segment is not null)
                    _plan!.Release(segment);
                return null;
            case ResumeStep.AskFromZero fromZero:
                return await StartOverAsync(fromZero.Why) ? null : new AttemptOutcome.Stopped(0);
            case ResumeStep.SourceChanged changed:
                return new AttemptOutcome.Failed(DownloadFailures.Of(TransferCodes.SourceChanged, changed.Why, retryable: false) with { DiscardPart = true });
            case ResumeStep.Unusable unusable:
                return new AttemptOutcome.Failed(DownloadFailures.Of(TransferCodes.ProtocolError, unusable.Why, retryable: true));
            default:
                throw new InvalidOperationException($"Unknown step {step.GetType().Name}.");
        }
    }

    /// <summary>Null when the answer's body may be judged; else why not.</summary>
    private AttemptFailure? Refuse(OutboundAnswer.Head head, PartState? state)
    {
        var response = head.Response;
        var origin = RequestSender.Origin(head.Url);
        var judged = StatusRules.IsAccepted(response.Status, order.AcceptStatus) || (response.Status == 416 && state is not null);
        if (!judged)
        {
            var described = StatusFailures.Describe(order, response, origin, services.Time.GetUtcNow(), Report(head, state?.Bytes ?? 0, state?.Total).Response);
            return described with { BytesReceived = Have };
        }
        if (response.FramingFault is { } fault)
            return DownloadFailures.Of(TransferCodes.ProtocolError, $"{origin}: {fault}", retryable: true) with { BytesReceived = Have };
        return null;
    }

    /// <summary>Stores a body from its first byte.</summary>
    private async ValueTask<AttemptOutcome?> StoreAsync(OutboundAnswer.Head head)
    {
        var length = head.Response.BodyLength(order.Method);
        if (length > order.MaxBytes)
            return new AttemptOutcome.Failed(DownloadFailures.TooLarge(order.MaxBytes.Value, length.Value) with { BytesReceived = 0 });
        var report = Report(head, 0, length);
        if (length <= services.Options.SmallFileBytesMax)
            return await new SmallBody(order, reports, services, _pace, _owner, _watch).StoreAsync(head, (int)length, report);
        _part = await services.Parts.CreateAsync(order.Files, _owner, length, order.ExpectedBytes, _watch.Token);
        _promised = PromisedDigest.Of(head.Response.Status, head.Message.Headers.NonValidated, head.Message.Content.Headers.NonValidated);
        _digest = DigestCheck.Wanted(order, services.Options, _promised) is { Count: > 0 } wanted ? new PartDigest(services.Work, wanted) : null;
        _validator = Verdict(head).Validator;
        _plan = new SegmentPlan(length, RangeSet.Empty, Math.Max(services.Options.SegmentBytesMin, _part.Grain));
        return await FillAsync(head, _plan.OpenWhole(), report);
    }

    /// <summary>Stores a range that continues the part.</summary>
    private async ValueTask<AttemptOutcome?> ContinueAsync(OutboundAnswer.Head head, ResumeStep.Continue range, Segment segment)
    {
        if (range.Total > order.MaxBytes)
            return new AttemptOutcome.Failed(DownloadFailures.TooLarge(order.MaxBytes.Value, range.Total.Value));
        if (range.Total is { } total)
            _plan!.Learn(total);
        segment.Limit = range.End;
        _promised ??= PromisedDigest.Of(head.Response.Status, head.Message.Headers.NonValidated, head.Message.Content.Headers.NonValidated);
        return await FillAsync(head, segment, Report(head, range.From, range.Total));
    }

    /// <summary>Moves a body, and what further connections fetch, into the part. Null: there is more to ask for.</summary>
    private async ValueTask<AttemptOutcome?> FillAsync(OutboundAnswer.Head head, Segment segment, ResponseReport report)
    {
        var writer = EnsureWriter(report);
        var plan = _plan!;
        writer.Total = plan.Total;
        var wasWritten = writer.Written;
        var source = new DownloadSource(_validator, ServesRanges: head.Response.Status == 206 || head.Response.SaysRanges);
        var end = await new PartFiller(order, reports, services, plan, writer, source, _pace, _startedAt, _stop).RunAsync(head, segment);
        if (end is PumpEnd.Changed changed)
            return await TakeAsync(changed.Step, head, null);
        if (end is not (PumpEnd.Finished or PumpEnd.Refused))
            return await writer.EndEarlyAsync(end, report);
        // A body without a promise ends with its connection.
        if (plan.IsComplete || (plan.Total is null && segment.From == 0))
            return await PublishAsync(writer, plan.Taken.Prefix, verified: plan.Total is not null, report);
        // A range may be shorter than asked for, and a total of * leaves open whether it was the last one.
        _idleRounds = writer.Written > wasWritten ? 0 : _idleRounds + 1;
        if (_idleRounds > IdleRoundsMax)
            return new AttemptOutcome.Failed(DownloadFailures.Of(TransferCodes.ProtocolError, $"{RequestSender.Origin(head.Url)} sent a range without bytes.", retryable: true) with { BytesReceived = writer.Written });
        return await writer.SettleAsync() ? null : new AttemptOutcome.Stopped(writer.Journaled);
    }

    /// <summary>Everything is written: digest, last checkpoint, publication.</summary>
    private async ValueTask<AttemptOutcome> PublishAsync(PartWriter writer, long length, bool verified, ResponseReport report)
    {
        var check = new DigestCheck(order, services, _promised);
        var (sha256, wrong) = await check.CheckAsync(_digest, writer.Part, length, resumed: report.Response.From > 0, _watch.Token);
        if (wrong is not null)
            return wrong;
        var flush = services.Options.FlushOnComplete;
        if (flush && (writer.HasCheckpoint || length > services.Options.CompleteCheckpointBytesMin))
        {
            if (!await writer.CompleteAsync(sha256))
                return new AttemptOutcome.Stopped(writer.Journaled);
            flush = false;
        }
        await writer.AbandonAsync();
        var file = await writer.Part.PublishAsync(length, sha256, flush, CancellationToken.None);
        return new AttemptOutcome.Finished(report.Response, length, 0, file, verified || check.Proves, sha256);
    }

    /// <summary>All bytes were there before a crash: the file is published, or its part only needs publishing. Null: it is gone.</summary>
    private async ValueTask<AttemptOutcome?> FinishCompleteAsync(PartCheckpoint complete)
    {
        var file = await services.Parts.FindPublishedAsync(order.Files, order.Epoch, complete, _watch.Token);
        if (file is null)
        {
            _part = await services.Parts.AdoptAsync(order.Files, _owner, complete, _watch.Token);
            if (_part is null)
                return null;
            file = await _part.PublishAsync(complete.Bytes, complete.Sha256, services.Options.FlushOnComplete, CancellationToken.None);
        }
        var response = new AttemptResponse
        {
            Url = order.Url,
            Status = 200,
            Headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase),
            Resumable = complete.Validator is not null,
            ResumableWhy = "The file was complete before the node restarted; the origin was not asked again.",
            From = complete.Bytes,
            Total = complete.Bytes,
        };
        return new AttemptOutcome.Finished(
            response, complete.Bytes, 0, file, Verified: complete.Total is not null || order.Sha256 is not null, complete.Sha256);
    }

    /// <summary>Takes over the part of the last checkpoint, or says why it starts from zero.</summary>
    private async ValueTask AdoptAsync()
    {
        var resume = order.Resume;
        if (resume is null && order.Kept is { } kept)
            resume = await TakeKeptAsync(kept);
        if (resume is null)
            return;
        var usable = resume is { Validator: not null, Complete: false, Durable.IsEmpty: false } && order.Method == "GET" && !_asksForRangeItself;
        if (usable && _part is null)
            _part = await services.Parts.AdoptAsync(order.Files, _owner, resume, _watch.Token);
        if (_part is not null && NeedsDigest)
        {
            _digest = new PartDigest(services.Work, DigestAlgorithm.Sha256);
            // What an object store has of an unfinished object cannot be read back: a digest that was begun elsewhere begins again.
            if (!_part.CanRead || !await _digest.CatchUpAsync(_part, resume.Bytes, services.Options.ChunkBytes, _watch.Token))
                await DropPartAsync();
        }
        if (_part is not null)
        {
            _validator = resume.Validator;
            _plan = new SegmentPlan(resume.Total, _part.Held ?? resume.Durable, Math.Max(services.Options.SegmentBytesMin, _part.Grain));
            return;
        }
        var why = usable || resume.Complete ? "The part that was downloaded is gone or shorter than it was." : "The download could not be resumed.";
        await BeginAnewAsync(why);
    }

    /// <summary>Goes on where another task ended: its bytes are copied, and are this part's once they are flushed and journaled.</summary>
    private async ValueTask<PartCheckpoint?> TakeKeptAsync(KeptPart kept)
    {
        var copy = await services.Parts.CopyKeptAsync(order.Files, _owner, kept, _watch.Token);
        if (copy.Part is null)
        {
            await BeginAnewAsync(copy.WhyNot!);
            return null;
        }
        _part = copy.Part;
        var flushed = await _part.FlushAsync(kept.Durable, _watch.Token);
        var checkpoint = new PartCheckpoint
        {
            Part = _part.Name,
            Bytes = flushed.Durable.Prefix,
            Ranges = flushed.Durable.Remove(new ByteRange(0, flushed.Durable.Prefix)) is { IsEmpty: false } beyond ? beyond : null,
            Total = kept.Total,
            Validator = kept.Validator,
        };
        if (!await reports.CheckpointAsync(checkpoint))
            _watch.Cancel();
        _watch.Token.ThrowIfCancellationRequested();
        return checkpoint;
    }

    private async ValueTask BeginAnewAsync(string why)
    {
        if (!await reports.RestartedAsync(why))
            _watch.Cancel();
        _watch.Token.ThrowIfCancellationRequested();
    }

    private async ValueTask<bool> StartOverAsync(string why)
    {
        await DropPartAsync();
        return await reports.RestartedAsync(why);
    }

    private async ValueTask DropPartAsync()
    {
        await CloseAsync();
        _digest?.Dispose();
        (_digest, _promised, _plan, _validator) = (null, null, null, null);
    }

    private async ValueTask CloseAsync()
    {
        if (_writer is not null)
            await _writer.AbandonAsync();
        if (_part is not null)
            await _part.DisposeAsync();
        _writer = null;
        _part = null;
    }

    /// <summary>The disk refused. What was flushed and journaled stays, unless a flush failed.</summary>
    private async ValueTask<AttemptFailure> SettleAfterAsync(StorageException refused)
    {
        var waits = refused.Failure is StorageFailure.Full or StorageFailure.Away;
        var lost = refused.Failure == StorageFailure.Failed || _writer?.FlushFailed == true;
        if (waits && !lost && _writer is not null)
        {
            try
            {
                await _writer.SettleAsync();
            }
            catch (StorageException)
            {
                lost |= _writer.FlushFailed;
            }
        }
        return DownloadFailures.Storage(refused, _writer?.Written ?? 0, lost);
    }

    private PartWriter EnsureWriter(ResponseReport report)
    {
        _writer ??= new PartWriter(_part!, _plan!.Taken, _validator, _digest, reports, services.Options, services.Time)
        {
            Response = report,
            Total = _plan!.Total,
            CheckpointInterval = order.Wishes is null || services.Options.CheckpointInterval < RandomAccessInterval ? services.Options.CheckpointInterval : RandomAccessInterval,
        };
        _writer.Response = report;
        return _writer;
    }

    private ResumeVerdict Verdict(OutboundAnswer.Head head) => ResumeVerdict.Of(order.Method, head.Response, _asksForRangeItself);

    private ResponseReport Report(OutboundAnswer.Head head, long from, long? total) => new(ResponseReport.Describe(head, Verdict(head), from, total), reports);
}
