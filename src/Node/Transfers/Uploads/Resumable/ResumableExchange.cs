using System.Security.Cryptography;

namespace Backhaul.Node.Transfers.Uploads.Resumable;

/// <summary>One attempt's conversation with a target: does the step, reads the answer, asks the rules, journals what must not be forgotten.</summary>
internal sealed class ResumableExchange(UploadRun run, UploadPlan begin, bool canTerminate)
{
    private const int ProblemBytesMax = 4096;

    private readonly long _from = begin.Offset;

    /// <summary>Of tus an extension, of the draft a part.</summary>
    private readonly bool _canTerminate = canTerminate || run.State?.CanTerminate == true || begin.Dialect.DraftVersion is not null;
    private UploadPlan _plan = begin;
    private long _saved = begin.Offset;
    private bool _lastMarked;

    /// <summary>What was read of the last answer's body so far; null when the rest of it was thrown away.</summary>
    private ReadOnlyMemory<byte>? _answer;

    public async ValueTask<AttemptOutcome> RunAsync()
    {
        var outcome = await ConverseAsync();
        // What the target has counts as progress for the next attempt's patience, however this one ended.
        if (outcome is not AttemptOutcome.Finished && _plan.Location is not null && _plan.Offset > _saved)
            await SaveAsync();
        return outcome switch
        {
            AttemptOutcome.Failed { Failure: var failure } => new AttemptOutcome.Failed(failure with { BytesSent = _plan.Offset }),
            AttemptOutcome.Stopped => new AttemptOutcome.Stopped(_plan.Offset),
            _ => outcome,
        };
    }

    private async ValueTask<AttemptOutcome> ConverseAsync()
    {
        var step = UploadRules.Begin(_plan, run.Services.Time.GetUtcNow());
        while (true)
        {
            run.Reports.Progress(0, _plan.Offset, null, _plan.Length);
            if (step is UploadStep.Fail { Failure: var failed })
                return new AttemptOutcome.Failed(failed);
            if (await PrepareAsync(step) is { } ended)
                return ended;
            var answer = await AskAsync(step);
            if (answer is OutboundAnswer.Failed broken)
                return new AttemptOutcome.Failed(broken.Failure);
            if (answer is not OutboundAnswer.Head head)
                return new AttemptOutcome.Stopped(_plan.Offset);
            using (head.Message)
            {
                var reply = await ReadAsync(step, head);
                var (location, refused) = UploadLocation.Resolve(reply.Kind is ReplyKind.Created ? reply.Location : null, head.Url, run.Services.Clients.Options);
                if (refused is not null)
                    return new AttemptOutcome.Failed(refused);
                var asked = step;
                (_plan, step) = UploadRules.Next(_plan, asked, reply, location);
                if (step is UploadStep.Done)
                    return await FinishAsync(head, reply);
                if (step is UploadStep.Status)
                    return Refused(head, finalAnswer: false);
                if ((asked is UploadStep.Create || run.IsSaveDue) && _plan.Location is not null && !await SaveAsync())
                    return new AttemptOutcome.Stopped(_plan.Offset);
            }
        }
    }

    /// <summary>What must be journaled, or must hold, before a request leaves.</summary>
    private async ValueTask<AttemptOutcome?> PrepareAsync(UploadStep step)
    {
        if (step is UploadStep.Create { Why: { } why })
        {
            (_saved, _lastMarked) = (0, false);
            if (!await run.Reports.RestartedAsync(why))
                return new AttemptOutcome.Stopped(0);
        }
        if (step is not UploadStep.Append { Last: true })
            return null;
        if (!await run.Source.IsUnchangedAsync(run.Watch.Token))
            return new AttemptOutcome.Failed(UploadFailures.SourceChanged() with { DiscardPart = false });
        if (_plan.LastInDoubt || _lastMarked)
            return null;
        // From here on an upload that is gone may be one that was processed, unless this attempt hears the answer.
        _lastMarked = true;
        return await SaveAsync() ? null : new AttemptOutcome.Stopped(_plan.Offset);
    }

    private async ValueTask<OutboundAnswer> AskAsync(UploadStep step)
    {
        switch (step)
        {
            case UploadStep.Create:
                return await run.SendAsync(new OutboundAsk
                {
                    Url = run.Url,
                    Method = RequestSender.Method(run.Order.Method),
                    Extra = _plan.Dialect.Create(Description()),
                    Body = () => new ByteArrayContent([]), // empty, but the headers that describe the file have their place
                });
            case UploadStep.Ask:
                return await run.SendAsync(new OutboundAsk { Url = _plan.Location!, Method = HttpMethod.Head, Extra = _plan.Dialect.Ask(), OwnContent = true });
            case UploadStep.Append append:
                var digest = _plan.Dialect.Checksum is { } algorithm ? await DigestAsync(algorithm, append) : null;
                return await run.SendBytesAsync(
                    new OutboundAsk
                    {
                        Url = _plan.Location!,
                        Method = HttpMethod.Patch,
                        Extra = _plan.Dialect.Append(append.From, append.Last, _plan.Length, digest),
                        OwnContent = true,
                    },
                    append.From, append.Count);
            default:
                throw new InvalidOperationException($"{step.GetType().Name} is not a request.");
        }
    }

    private async ValueTask<TargetReply> ReadAsync(UploadStep step, OutboundAnswer.Head head)
    {
        _answer = null;
        if (head.Response.ContentType?.StartsWith("application/problem+json", StringComparison.OrdinalIgnoreCase) == true)
            _answer = await RequestSender.ReadSmallBodyAsync(head.Message, run.Watch, ProblemBytesMax);
        else if (step is UploadStep.Append && StatusRules.IsAccepted(head.Response.Status, run.Order.AcceptStatus))
            _answer = ReadOnlyMemory<byte>.Empty; // it may be what the upload was for, and is read when that is certain
        else
            await run.Services.Sender.DiscardBodyAsync(head.Message, run.Watch);
        var problem = _answer is { Length: > 0 } text ? ProblemType.Read(text) : null;
        var verb = step switch
        {
            UploadStep.Create => UploadVerb.Create,
            UploadStep.Ask => UploadVerb.Ask,
            _ => UploadVerb.Append,
        };
        return _plan.Dialect.Read(
            verb, step is UploadStep.Append { Last: true }, head.Response.Status, name => ResponseHead.Find(head.Message, name), problem, run.Services.Time.GetUtcNow());
    }

    private async ValueTask<AttemptOutcome> FinishAsync(OutboundAnswer.Head head, TargetReply reply)
    {
        if (reply.IsFinal && !StatusRules.IsAccepted(head.Response.Status, run.Order.AcceptStatus))
            return Refused(head, finalAnswer: true);
        if (!await run.Source.IsUnchangedAsync(CancellationToken.None))
            return new AttemptOutcome.Failed(UploadFailures.SourceChanged() with { Status = head.Response.Status, Response = Response(head) });
        return reply.IsFinal && _answer is { } begun
            ? await UploadAnswer.FinishAsync(run, head, Response(head), _plan.Length, begun)
            : new AttemptOutcome.Finished(Response(head), 0, _plan.Length, null, Verified: true, null);
    }

    /// <summary>A status that ends the attempt. The target's own answer to a whole upload is no matter of going on: a retry begins anew.</summary>
    private AttemptOutcome.Failed Refused(OutboundAnswer.Head head, bool finalAnswer)
    {
        var failure = StatusFailures.Describe(run.Order, head.Response, RequestSender.Origin(head.Url), run.Services.Time.GetUtcNow(), Response(head));
        return new(failure with { DiscardPart = finalAnswer });
    }

    private AttemptResponse Response(OutboundAnswer.Head head) => new()
    {
        Url = head.Url.AbsoluteUri,
        Status = head.Response.Status,
        Headers = head.Response.Shown,
        Resumable = true,
        ResumableWhy = "The target keeps what it has of the upload and says how much that is.",
        From = _from,
    };

    private async ValueTask<string> DigestAsync(string algorithm, UploadStep.Append append) => Convert.ToBase64String(
        await SourceDigest.ComputeAsync(run, algorithm == "sha1" ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256, append.From, append.Count));

    private UploadDescription Description()
    {
        var headers = run.Order.Headers;
        return new UploadDescription(
            run.Source.Length,
            run.Order.Source?.Path.ToString() is { } path ? path[(path.LastIndexOf('/') + 1)..] : null,
            run.ContentType ?? headers.GetValueOrDefault("Content-Type"),
            headers.ContainsKey("Upload-Metadata"));
    }

    private async ValueTask<bool> SaveAsync()
    {
        _saved = _plan.Offset;
        return await run.SaveAsync(new UploadState
        {
            Protocol = _plan.Dialect.Protocol,
            Location = _plan.Location!.AbsoluteUri,
            Offset = _plan.Offset,
            DraftVersion = _plan.Dialect.DraftVersion,
            LastSent = _plan.LastInDoubt || _lastMarked ? true : null,
            ExpiresAt = _plan.ExpiresAt,
            CanTerminate = _canTerminate ? true : null,
        });
    }
}
