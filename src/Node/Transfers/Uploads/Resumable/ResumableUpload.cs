using Backhaul.Node.Sessions;

namespace Backhaul.Node.Transfers.Uploads.Resumable;

/// <summary>
/// An upload that its target keeps: created first, without data, so that a creation may be repeated; its URL is journaled before the first byte flows;
/// then sent in pieces from the target's own offset. What to do next is <see cref="UploadRules"/>'s; this is the hand that does it.
/// A break ends the attempt. The next one, here or on another node, begins by asking the target.
/// </summary>
internal sealed class ResumableUpload(UploadProtocol protocol) : IUploadProtocol
{
    public UploadProtocol Protocol => protocol;

    public async ValueTask<AttemptOutcome> SendAsync(UploadRun run)
    {
        var (abilities, ended) = run.State is null ? await AbilitiesAsync(run) : (run.Memory.Targets.Find(run.Url), null);
        if (ended is not null)
            return ended;
        if (run.State is null && abilities?.BytesMax is { } most && run.Source.Length > most)
        {
            return new AttemptOutcome.Failed(new AttemptFailure
            {
                Code = TransferCodes.TooLarge,
                Message = $"{RequestSender.Origin(run.Url)} takes no upload of {run.Source.Length} bytes; at most {most}.",
                Retryable = false,
            });
        }
        return await new ResumableExchange(run, Plan(run, abilities), abilities?.Extensions.Contains("termination") == true).RunAsync();
    }

    public async ValueTask<bool> TerminateAsync(UploadRun run, UploadState state)
    {
        if (state.Location is null || state.CanTerminate != true || !Uri.TryCreate(state.Location, UriKind.Absolute, out var url))
            return true;
        var answer = await run.SendAsync(new OutboundAsk { Url = url, Method = HttpMethod.Delete, Extra = Dialect(state, null).Ask(), OwnContent = true });
        if (answer is not OutboundAnswer.Head head)
            return false;
        using (head.Message)
        {
            await run.Services.Sender.DiscardBodyAsync(head.Message, run.Watch);
            return head.Response.Status is not (423 or 429 or >= 500);
        }
    }

    /// <summary>tus says by OPTIONS which extensions it has; a target that does not answer that is taken at the task's word.</summary>
    private async ValueTask<(TargetAbilities? Abilities, AttemptOutcome? Ended)> AbilitiesAsync(UploadRun run) =>
        protocol == UploadProtocol.Tus ? await TargetDiscovery.AskAsync(run) : (run.Memory.Targets.Find(run.Url), null);

    private UploadPlan Plan(UploadRun run, TargetAbilities? abilities)
    {
        var state = run.State;
        return new UploadPlan
        {
            Dialect = Dialect(state, abilities),
            Length = run.Source.Length,
            MustNotRepeat = PlainUpload.MustNotRepeat(run.Order),
            ChunkBytes = run.Services.Options.UploadChunkBytes,
            Origin = RequestSender.Origin(run.Url),
            Location = state?.Location is { } location ? new Uri(location) : null,
            Offset = state?.Offset ?? 0,
            LastInDoubt = state?.LastSent == true,
            ExpiresAt = state?.ExpiresAt,
        };
    }

    private IUploadDialect Dialect(UploadState? state, TargetAbilities? abilities) =>
        protocol == UploadProtocol.Tus ? abilities is null ? new TusDialect(null) : TusDialect.For(abilities)
        : new DraftDialect(state?.DraftVersion ?? (abilities?.DraftVersion is { } named && DraftDialect.Versions.Contains(named) ? named : DraftDialect.Versions[0]));
}
