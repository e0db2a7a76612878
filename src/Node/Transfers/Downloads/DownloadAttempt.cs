using System.Buffers;
using System.Security.Cryptography;
using Backhaul.Node.Files;
using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// One attempt of a download, from the request to the published file.
/// <code>
///            ┌──────────────── ask again / from zero ────────────────┐
/// resume? ─► ask ─► judge (ResumeRules) ─► store (small | pump) ─► publish ─► Finished
///   │          │       │                     │ break, stop             │
///   │          └───────┴── Failed            └─ last checkpoint ─► Failed | Stopped
///   └─ complete before a crash ─► found published, or publish ─► Finished
/// </code>
/// Invariants: a part is continued only after <see cref="ResumeRules"/> said so; a start from zero is a new inode; the journal learns
/// an offset only after its flush; the file is published only after length and digest agree, and never without trust. Network, server and disk end in a value.
/// </summary>
internal sealed class DownloadAttempt(AttemptOrder order, IAttemptReports reports, TransferServices services, CancellationToken stop) : IDisposable
{
    private readonly AttemptWatch _watch = new(services.Time, order.IdleTimeout, stop);
    private readonly long _startedAt = services.Time.GetTimestamp();
    private readonly bool _asksForRangeItself = order.Headers.ContainsKey("Range");
    private readonly PartOwner _owner = new(order.Epoch, order.Attempt, () => order.Trust.MayAct);
    private readonly IPace _pace = services.Paces.For(order);
    private IPartFile? _part;
    private PartWriter? _writer;
    private PartDigest? _digest;

    private bool NeedsDigest => order.Sha256 is not null || services.Options.ComputeDigest;

    public async Task<AttemptOutcome> RunAsync()
    {
        try
        {
            if (order.Resume is { Complete: true } complete && await FinishCompleteAsync(complete) is { } finished)
                return finished;
            return await AskAndStoreAsync(await AdoptAsync());
        }
        catch (StorageException refused)
        {
            return new AttemptOutcome.Failed(await SettleAfterAsync(refused));
        }
        catch (OwnershipLostException)
        {
            return new AttemptOutcome.Failed(RequestSender.Untrusted(_writer?.Written ?? order.Resume?.Bytes ?? 0));
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

    private async ValueTask<AttemptOutcome> AskAndStoreAsync(PartState? state)
    {
        if (!Uri.TryCreate(order.Url, UriKind.Absolute, out var url))
            return Fail(TransferCodes.ProtocolError, "The task's URL is not absolute.", retryable: false);
        var again = false;
        while (true)
        {
            var ask = new OutboundAsk { Url = url, Method = RequestSender.Method(order.Method), RangeFrom = state?.Bytes, IfRange = state?.Validator };
            var answer = await services.Sender.SendAsync(order, ask, _watch, reports);
            if (answer is OutboundAnswer.Failed failed)
                return new AttemptOutcome.Failed(failed.Failure with { BytesReceived = state?.Bytes ?? 0 });
            if (answer is not OutboundAnswer.Head head)
                return new AttemptOutcome.Stopped(state?.Bytes ?? 0);
            using var message = head.Message;
            if (Refuse(head, state) is { } failure)
            {
                await services.Sender.DiscardBodyAsync(message, _watch);
                return new AttemptOutcome.Failed(failure);
            }
            var step = _asksForRangeItself && head.Response.Status == 206
                ? new ResumeStep.FromZero(Why: null)
                : ResumeRules.Decide(state, head.Response, again, order.SourceChange, order.Sha256 is not null);
            switch (step)
            {
                case ResumeStep.FromZero fromZero:
                    if (fromZero.Why is not null && !await StartOverAsync(fromZero.Why))
                        return new AttemptOutcome.Stopped(0);
                    return await StoreAsync(head);
                case ResumeStep.Continue range:
                    var (outcome, next) = await ContinueAsync(head, range, state!);
                    if (outcome is not null)
                        return outcome;
                    (state, again) = (next, false);
                    break;
                case ResumeStep.Complete:
                    return await PublishAsync(EnsureWriter(head, state!), state!.Bytes, verified: true, Report(head, state.Bytes, state.Bytes));
                case ResumeStep.AskAgain:
                    again = true;
                    break;
                case ResumeStep.AskFromZero fromZero:
                    if (!await StartOverAsync(fromZero.Why))
                        return new AttemptOutcome.Stopped(0);
                    (state, again) = (null, false);
                    break;
                case ResumeStep.SourceChanged changed:
                    return new AttemptOutcome.Failed(Failure(TransferCodes.SourceChanged, changed.Why, retryable: false) with { DiscardPart = true });
                case ResumeStep.Unusable unusable:
                    return Fail(TransferCodes.ProtocolError, unusable.Why, retryable: true);
            }
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
            return StatusFailures.Describe(order, response, origin, services.Time.GetUtcNow(), Report(head, state?.Bytes ?? 0, state?.Total).Response)
                with
            { BytesReceived = state?.Bytes ?? 0 };
        }
        if (response.FramingFault is { } fault)
            return Failure(TransferCodes.ProtocolError, $"{origin}: {fault}", retryable: true) with { BytesReceived = state?.Bytes ?? 0 };
        return null;
    }

    /// <summary>Stores a body from its first byte.</summary>
    private async ValueTask<AttemptOutcome> StoreAsync(OutboundAnswer.Head head)
    {
        var length = PromisedLength(head.Response);
        if (length > order.MaxBytes)
            return new AttemptOutcome.Failed(BodyPump.TooLarge(order.MaxBytes.Value, length.Value) with { BytesReceived = 0 });
        var report = Report(head, 0, length);
        if (length <= services.Options.SmallFileBytesMax)
            return await StoreSmallAsync(head, (int)length, report);
        _part = await services.Parts.CreateAsync(order.Files, _owner, length, _watch.Token);
        _digest = NeedsDigest ? new PartDigest(services.Work) : null;
        _writer = Writer(0, length, Verdict(head).Validator, report);
        var pump = Pump(_writer, report, head);
        var end = await pump.RunAsync(await head.Message.Content.ReadAsStreamAsync(_watch.Token), 0, length, length, services.Clients.Options.ConnectTimeout);
        return end is PumpEnd.Finished
            ? await PublishAsync(_writer, pump.Received, verified: length is not null, report)
            : await EndEarlyAsync(end, _writer, pump.Received, report);
    }

    /// <summary>A small body needs no pump: one buffer, one write, no checkpoint. What breaks is fetched again whole.</summary>
    private async ValueTask<AttemptOutcome> StoreSmallAsync(OutboundAnswer.Head head, int length, ResponseReport report)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Max(length, 1));
        var received = 0;
        try
        {
            _watch.Wait();
            try
            {
                var body = await head.Message.Content.ReadAsStreamAsync(_watch.Token);
                while (received < length)
                {
                    var count = await body.ReadAsync(buffer.AsMemory(received, Math.Min(_pace.Grain, length - received)), _watch.Token);
                    if (count == 0)
                        throw new HttpIOException(HttpRequestError.ResponseEnded);
                    received += count;
                    _watch.Rest();
                    await _pace.TakeAsync(count, _watch.Token);
                    _watch.Wait();
                }
            }
            catch (Exception broken) when (NetworkFailures.IsNetwork(broken))
            {
                return BrokenSmall(broken, head.Url, received, report);
            }
            finally
            {
                _watch.Rest();
            }
            if (!order.Trust.MayAct)
                return new AttemptOutcome.Failed(RequestSender.Untrusted(received));
            var sha256 = NeedsDigest ? Convert.ToHexStringLower(SHA256.HashData(buffer.AsSpan(0, length))) : null;
            if (order.Sha256 is not null && sha256 != order.Sha256)
                return DigestMismatch(sha256!, length, retryable: false);
            if (order.Resume is not null)
                await services.Parts.DiscardAsync(order.Files, order.Epoch, resultToo: false, CancellationToken.None);
            var file = await services.Parts.PublishWholeAsync(
                order.Files, _owner, buffer.AsMemory(0, length), sha256, services.Options.FlushOnComplete, CancellationToken.None);
            reports.Progress(length, 0, length, null);
            return new AttemptOutcome.Finished(report.Response, length, 0, file, Verified: true, sha256);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private AttemptOutcome BrokenSmall(Exception broken, Uri url, int received, ResponseReport report)
    {
        var origin = RequestSender.Origin(url);
        if (!_watch.Silent && _watch.Token.IsCancellationRequested)
            return new AttemptOutcome.Stopped(0);
        var failure = _watch.Silent
            ? NetworkFailures.Idle(origin, order.IdleTimeout, received, inBody: true, sending: false)
            : NetworkFailures.Describe(broken, origin, received, inBody: true, services.Clients.Options.ConnectTimeout);
        return new AttemptOutcome.Failed(failure with { Response = report.Response });
    }

    /// <summary>Appends a range. Ends with an outcome, or with the state from which the rest is asked for.</summary>
    private async ValueTask<(AttemptOutcome? Outcome, PartState? Next)> ContinueAsync(OutboundAnswer.Head head, ResumeStep.Continue range, PartState state)
    {
        if (range.Total > order.MaxBytes)
            return (new AttemptOutcome.Failed(BodyPump.TooLarge(order.MaxBytes.Value, range.Total.Value)), null);
        var report = Report(head, range.From, range.Total);
        var writer = Writer(range.From, range.Total, state.Validator, report);
        _writer = writer;
        var pump = Pump(writer, report, head);
        var body = await head.Message.Content.ReadAsStreamAsync(_watch.Token);
        var end = await pump.RunAsync(body, range.From, range.End, range.Total, services.Clients.Options.ConnectTimeout);
        if (end is not PumpEnd.Finished)
            return (await EndEarlyAsync(end, writer, pump.Received, report), null);
        // A range may be shorter than asked for, and a total of * leaves open whether it was the last one.
        if (pump.Received != range.Total)
            return await writer.SettleAsync() ? (null, new PartState(pump.Received, range.Total, state.Validator)) : (new AttemptOutcome.Stopped(writer.Journaled), null);
        return (await PublishAsync(writer, pump.Received, verified: true, report), null);
    }

    private static async ValueTask<AttemptOutcome> EndEarlyAsync(PumpEnd end, PartWriter writer, long received, ResponseReport report)
    {
        switch (end)
        {
            case PumpEnd.Broken { Failure.DiscardPart: true } broken:
                return new AttemptOutcome.Failed(broken.Failure with { Response = report.Response });
            case PumpEnd.Broken broken:
                return await writer.SettleAsync()
                    ? new AttemptOutcome.Failed(broken.Failure with { Response = report.Response })
                    : new AttemptOutcome.Stopped(writer.Journaled);
            case PumpEnd.Stopped:
                await writer.SettleAsync();
                return new AttemptOutcome.Stopped(writer.Journaled);
            case PumpEnd.Untrusted:
                return new AttemptOutcome.Failed(RequestSender.Untrusted(received));
            default:
                return new AttemptOutcome.Stopped(writer.Journaled);
        }
    }

    /// <summary>Everything is written: digest, last checkpoint, publication.</summary>
    private async ValueTask<AttemptOutcome> PublishAsync(PartWriter writer, long length, bool verified, ResponseReport report)
    {
        var sha256 = writer.Digest?.Finish();
        if (order.Sha256 is not null && sha256 != order.Sha256)
            return DigestMismatch(sha256!, length, retryable: report.Response.From > 0);
        var flush = services.Options.FlushOnComplete;
        if (flush && (writer.HasCheckpoint || length > services.Options.CompleteCheckpointBytesMin))
        {
            if (!await writer.CompleteAsync(sha256))
                return new AttemptOutcome.Stopped(writer.Journaled);
            flush = false;
        }
        await writer.AbandonAsync();
        var file = await writer.Part.PublishAsync(length, sha256, flush, CancellationToken.None);
        return new AttemptOutcome.Finished(report.Response, length, 0, file, verified || order.Sha256 is not null, sha256);
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

    /// <summary>Takes over the part of the last checkpoint, or says why it starts from zero. Null starts from zero.</summary>
    private async ValueTask<PartState?> AdoptAsync()
    {
        if (order.Resume is not { } resume)
            return null;
        var usable = resume is { Validator: not null, Bytes: > 0, Complete: false } && order.Method == "GET" && !_asksForRangeItself;
        if (usable)
            _part = await services.Parts.AdoptAsync(order.Files, _owner, resume, _watch.Token);
        if (_part is not null && NeedsDigest)
        {
            _digest = new PartDigest(services.Work);
            if (!await _digest.AppendPartAsync(_part, resume.Bytes, services.Options.ChunkBytes, _watch.Token))
                await DropPartAsync();
        }
        if (_part is not null)
            return new PartState(resume.Bytes, resume.Total, resume.Validator!);
        var why = usable || resume.Complete ? "The part that was downloaded is gone or shorter than it was." : "The download could not be resumed.";
        if (!await reports.RestartedAsync(why))
            _watch.Cancel();
        _watch.Token.ThrowIfCancellationRequested();
        return null;
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
        _digest = null;
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
        var full = refused.Failure == StorageFailure.Full;
        var lost = refused.Failure == StorageFailure.Failed || _writer?.FlushFailed == true;
        if (full && !lost && _writer is not null)
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
        return new AttemptFailure
        {
            Code = full ? TransferCodes.StorageFull : TransferCodes.StorageFailed,
            Message = refused.Message,
            Retryable = refused.Failure != StorageFailure.Blocked, // a folder or a link in the way does not go away by waiting
            WaitReason = full ? "storage" : null,
            BytesReceived = _writer?.Written ?? 0,
            DiscardPart = lost,
        };
    }

    private PartWriter EnsureWriter(OutboundAnswer.Head head, PartState state) =>
        _writer ??= Writer(state.Bytes, state.Total ?? state.Bytes, state.Validator, Report(head, state.Bytes, state.Bytes));

    private PartWriter Writer(long from, long? total, string? validator, ResponseReport report) =>
        new(_part!, from, total, validator, _digest, report, reports, services.Options, services.Time);

    private BodyPump Pump(PartWriter writer, ResponseReport report, OutboundAnswer.Head head) =>
        new(order, writer, report, _watch, reports, services.Options, services.Time, RequestSender.Origin(head.Url), _startedAt, _pace);

    private ResumeVerdict Verdict(OutboundAnswer.Head head) => ResumeVerdict.Of(order.Method, head.Response, _asksForRangeItself);

    private ResponseReport Report(OutboundAnswer.Head head, long from, long? total)
    {
        var verdict = Verdict(head);
        return new ResponseReport(
            new AttemptResponse
            {
                Url = head.Url.AbsoluteUri,
                Status = head.Response.Status,
                Headers = head.Response.Shown,
                Resumable = verdict.Resumable,
                ResumableWhy = verdict.Why,
                From = from,
                Total = total,
            },
            reports);
    }

    /// <summary>A HEAD, a 204 and a 304 promise lengths of bodies that do not come.</summary>
    private long? PromisedLength(ResponseHead head) => order.Method == "HEAD" || head.Status is 204 or 205 or 304 ? 0 : head.Length;

    private static AttemptOutcome.Failed DigestMismatch(string sha256, long bytes, bool retryable) => new(
        Failure(TransferCodes.DigestMismatch, $"The file's SHA-256 is {sha256}, which is not the one that the task demands.", retryable)
            with
        { BytesReceived = bytes, DiscardPart = true });

    private static AttemptOutcome.Failed Fail(string code, string message, bool retryable) => new(Failure(code, message, retryable));

    private static AttemptFailure Failure(string code, string message, bool retryable) =>
        new() { Code = code, Message = message, Retryable = retryable };
}
