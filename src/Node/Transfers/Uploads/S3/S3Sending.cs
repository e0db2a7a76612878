using Backhaul.Node.Files;
using Backhaul.Node.Files.S3;
using Backhaul.Node.Sessions;

namespace Backhaul.Node.Transfers.Uploads.S3;

/// <summary>
/// One attempt to bring a source into an object. Invariants: the upload's id is journaled before its first part leaves, and each part's number and tag before
/// the next one; so a break costs at most one part. The parts that the store lists win over the journaled ones, since one may have been finished after
/// the last checkpoint. An end whose answer was lost is found by the object's own tag.
/// </summary>
internal sealed class S3Sending(UploadRun run, S3Exchange exchange)
{
    /// <summary>Every checkpoint names all parts so far: above this many they grow, well before a store's limit.</summary>
    private const int PartsWanted = 1000;

    private const long Unit = 1L << 20;

    /// <summary>What a store says is journaled with every checkpoint: longer than any store's, it is not taken.</summary>
    private const int UploadIdCharsMax = 2048;
    private const int TagCharsMax = 256;

    private readonly long _from = run.State?.Offset ?? 0;
    private readonly List<UploadedPart> _parts = [.. run.State?.Parts ?? []];
    private readonly PartPlan _plan = new(PartBytes(run), Grows: false);
    private string? _uploadId = run.State?.UploadId;

    private long Sent => _parts.Sum(part => part.Bytes);

    /// <summary>The size of a part: as it began, or what is configured, more for long sources.</summary>
    public static long PartBytes(UploadRun run)
    {
        if (run.State?.Parts is [var first, ..])
            return first.Bytes;
        var few = Math.Min(PartPlan.PartBytesMax, ((run.Source.Length / PartsWanted) + Unit - 1) / Unit * Unit);
        return PartPlan.For(run.Source.Length, Math.Max(few, Math.Max(PartPlan.PartBytesMin, run.Services.Options.UploadChunkBytes))).FirstBytes;
    }

    public async ValueTask<AttemptOutcome> RunAsync()
    {
        if (_uploadId is null && run.Source.Length <= _plan.FirstBytes)
            return await PutWholeAsync();
        if ((_uploadId is not null ? await TakeUpAsync() : null) is { } ended)
            return ended;
        if ((_uploadId is null ? await BeginAsync() : null) is { } refused)
            return refused;
        run.Reports.Progress(0, Sent, null, run.Source.Length);
        for (var number = _parts.Count + 1; number <= _plan.CountFor(run.Source.Length); number++)
        {
            if (await PutPartAsync(number) is { } broken)
                return broken;
        }
        return await CompleteAsync();
    }

    private async ValueTask<AttemptOutcome> PutWholeAsync()
    {
        using var reply = await exchange.PutAsync(0, run.Source.Length, part: null);
        return reply.IsGood ? await FinishAsync() : await RefusedAsync(reply, "store the object");
    }

    private async ValueTask<AttemptOutcome?> BeginAsync()
    {
        var (reply, id) = await exchange.Client.CreateUploadAsync(exchange.Key, birth: null, exchange.Meta, run.Watch.Token);
        using (reply)
        {
            if (id is null)
                return await RefusedAsync(reply, "begin an upload");
            if (id.Length is 0 or > UploadIdCharsMax)
                return new AttemptOutcome.Failed(S3Failures.BadId(RequestSender.Origin(run.Url)));
            _uploadId = id;
            return await SaveAsync() ? null : new AttemptOutcome.Stopped(0);
        }
    }

    /// <summary>Learns what became of an earlier attempt's upload: its parts so far, a finished object, or nothing.</summary>
    private async ValueTask<AttemptOutcome?> TakeUpAsync()
    {
        var (reply, listed) = await exchange.Client.ListPartsAsync(exchange.Key, _uploadId!, run.Watch.Token);
        using (reply)
        {
            if (reply.IsGood)
            {
                TakeOver(listed);
                return null;
            }
            if (reply.IsNoSuchUpload || reply.IsMissing)
                return await FindOrForgetAsync();
            // A store without lists, or a key that may not see them: what was journaled was answered.
            return reply.IsUnsupported || reply.Status == 403 ? null : await RefusedAsync(reply, "list the parts of the upload");
        }
    }

    /// <summary>The parts from the first on that are there whole.</summary>
    private void TakeOver(List<S3Part> listed)
    {
        _parts.Clear();
        var whole = listed.ToLookup(part => part.Number);
        for (var number = 1; number <= _plan.CountFor(run.Source.Length); number++)
        {
            var range = Range(number);
            var there = whole[number].LastOrDefault(part => part.Bytes == range.Length && part.ETag.Length is > 0 and <= TagCharsMax);
            if (there.Number != number)
                break;
            _parts.Add(new UploadedPart { Number = number, ETag = there.ETag, Bytes = range.Length });
        }
    }

    private async ValueTask<AttemptOutcome?> FindOrForgetAsync()
    {
        var (isThere, ended) = await IsThereAsync();
        if (ended is not null || isThere)
            return ended ?? await FinishAsync();
        (_uploadId, var had) = (null, Sent);
        _parts.Clear();
        return await run.Reports.RestartedAsync($"{RequestSender.Origin(run.Url)} does not have the upload any more, of which it had {had} bytes.")
            ? null
            : new AttemptOutcome.Stopped(0);
    }

    private async ValueTask<AttemptOutcome?> PutPartAsync(int number)
    {
        var range = Range(number);
        using var reply = await exchange.PutAsync(range.From, range.Length, (number, _uploadId!));
        if (!reply.IsGood)
            return await RefusedAsync(reply, $"take part {number}");
        if (reply.ETag?.Trim('"') is not { Length: > 0 and <= TagCharsMax } tag)
            return new AttemptOutcome.Failed(S3Failures.NoTag(RequestSender.Origin(run.Url)) with { BytesSent = Sent });
        _parts.Add(new UploadedPart { Number = number, ETag = tag, Bytes = range.Length });
        return await SaveAsync() ? null : new AttemptOutcome.Stopped(Sent);
    }

    private async ValueTask<AttemptOutcome> CompleteAsync()
    {
        // Not yet an object: the upload stays known, and is aborted with the task.
        if (!await run.Source.IsUnchangedAsync(run.Watch.Token))
            return new AttemptOutcome.Failed(UploadFailures.SourceChanged() with { DiscardPart = false, BytesSent = Sent });
        if (!run.Order.Trust.MayAct)
            return new AttemptOutcome.Failed(RequestSender.Untrusted(0) with { BytesSent = Sent });
        using var reply = await exchange.Client.CompleteUploadAsync(
            exchange.Key, _uploadId!, _parts.Select(part => new S3Part(part.Number, part.ETag, part.Bytes)), run.Watch.Token);
        if (reply.IsGood)
            return await FinishAsync();
        if (!reply.IsNoSuchUpload)
            return await RefusedAsync(reply, "put the object together");
        // Ended already, by a request whose answer was lost.
        var refused = await RefusedAsync(reply, "put the object together");
        var (isThere, ended) = await IsThereAsync();
        return ended ?? (isThere ? await FinishAsync() : refused);
    }

    /// <summary>Whether the object is there, made of the parts that were sent.</summary>
    private async ValueTask<(bool IsThere, AttemptOutcome? Ended)> IsThereAsync()
    {
        if (_parts.Count < _plan.CountFor(run.Source.Length) || S3Tags.OfWhole(_parts) is not { } expected)
            return (false, null);
        using var reply = await exchange.Client.HeadAsync(exchange.Key, run.Watch.Token);
        if (reply.IsAway)
            return (false, await RefusedAsync(reply, "say what became of the upload"));
        return (reply.IsGood && reply.Length == run.Source.Length && reply.ETag?.Trim('"') == expected, null);
    }

    private async ValueTask<AttemptOutcome> FinishAsync()
    {
        if (!await run.Source.IsUnchangedAsync(CancellationToken.None))
            return new AttemptOutcome.Failed(UploadFailures.SourceChanged() with { Status = exchange.Head!.Response.Status, Response = Response() });
        run.Reports.Progress(0, run.Source.Length, null, run.Source.Length);
        return new AttemptOutcome.Finished(Response(), 0, run.Source.Length, null, Verified: true, null);
    }

    /// <summary>How an answer that is not good, or none, ends the attempt.</summary>
    private async ValueTask<AttemptOutcome> RefusedAsync(S3Reply reply, string act)
    {
        if (exchange.IsEnded)
            return new AttemptOutcome.Stopped(Sent);
        if (exchange.Failure is { } failure)
            return new AttemptOutcome.Failed(failure with { BytesSent = Sent });
        if (reply.Status == 0 || exchange.Head is not { } head)
            return new AttemptOutcome.Failed(S3Failures.NoAnswer(reply.Message) with { BytesSent = Sent });
        if (S3Failures.IsPartAmiss(reply) && !await run.Source.IsUnchangedAsync(CancellationToken.None))
            return new AttemptOutcome.Failed(UploadFailures.SourceChanged() with { DiscardPart = false, BytesSent = Sent });
        if (S3Failures.IsPartAmiss(reply) && _uploadId is { } id)
            (await exchange.Client.AbortUploadAsync(exchange.Key, id, run.Watch.Token)).Dispose();
        var origin = RequestSender.Origin(run.Url);
        var status = StatusFailures.Describe(run.Order, head.Response, origin, run.Services.Time.GetUtcNow(), Response(head));
        return new AttemptOutcome.Failed(S3Failures.Refused(status, reply, origin, act) with { BytesSent = Sent });
    }

    private AttemptResponse Response() => Response(exchange.Head!);

    private AttemptResponse Response(OutboundAnswer.Head head) => new()
    {
        Url = run.Url.AbsoluteUri,
        Status = head.Response.Status,
        Headers = head.Response.Shown,
        Resumable = _uploadId is not null,
        ResumableWhy = _uploadId is not null ? "The store keeps the parts that it has." : "An object of one part is sent again from its first byte.",
        From = _from,
    };

    private ByteRange Range(int number) => _plan.RangeOf(number).Intersect(new ByteRange(0, run.Source.Length));

    private ValueTask<bool> SaveAsync() => run.SaveAsync(new UploadState
    {
        Protocol = UploadProtocol.S3,
        Offset = Sent,
        UploadId = _uploadId,
        Parts = [.. _parts],
        CanTerminate = true,
    });
}
