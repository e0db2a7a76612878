using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// One connection of a download: takes segments from the plan one after the other, asks for each, and pumps the bodies. The first one
/// begins with a body that the attempt has judged already. Every other answer is judged here by <see cref="ResumeRules"/> against the
/// same validator and length: what is not exactly the bytes asked for gives the segment back.
/// </summary>
internal sealed class SegmentConnection(
    AttemptOrder order, TransferServices services, SegmentPlan plan, PartWriter writer, DownloadSource source, IPace pace,
    CancellationToken stop) : IDisposable
{
    private readonly AttemptWatch _watch = new(services.Time, order.IdleTimeout, stop);
    private volatile BodyPump? _pump;
    private volatile Segment? _segment;
    private volatile bool _retires;

    public Task<PumpEnd> End { get; private set; } = null!;

    /// <summary>Taken besides the attempt's own, or null.</summary>
    public SlotLease? Lease { get; init; }

    /// <summary>It was asked to end; it does so soon.</summary>
    public bool Retires => _retires;

    public void Begin(OutboundAnswer.Head head, Segment segment) => End = RunAsync(head, segment);

    public void Begin() => End = RunAsync(null, null);

    /// <summary>Writes what a silent peer has sent so far.</summary>
    public void Nudge() => _pump?.Nudge();

    /// <summary>Lets its segment go to others, and takes the one that is needed most; a body that is under way loses its connection.</summary>
    public void Redirect()
    {
        if (_segment is { } segment)
            plan.Cut(segment);
    }

    /// <summary>Ends it; what it has not fetched is free.</summary>
    public void Retire()
    {
        _retires = true;
        Redirect();
    }

    /// <summary>Ends it at once, with what came in.</summary>
    public void Cancel() => _watch.Cancel();

    public void Dispose()
    {
        Lease?.Return();
        _watch.Dispose();
    }

    private async Task<PumpEnd> RunAsync(OutboundAnswer.Head? head, Segment? segment)
    {
        segment ??= plan.Next(splits: true);
        while (segment is not null)
        {
            _segment = segment;
            var end = head is null ? await AskAsync(segment) : await PumpAsync(head, segment);
            head = null;
            _segment = null;
            if (end is PumpEnd.Refused)
                plan.GiveBack(segment);
            else
                plan.Release(segment);
            if (end is not PumpEnd.Finished)
                return end;
            segment = _retires || source.Validator is null || plan.Total is null ? null : plan.Next(splits: source.ServesRanges);
        }
        return PumpEnd.Finished.Instance;
    }

    private async ValueTask<PumpEnd> AskAsync(Segment segment)
    {
        var (from, to, total) = (segment.From, segment.To, plan.Total);
        if (to <= from)
            return PumpEnd.Finished.Instance;
        if (!Uri.TryCreate(order.Url, UriKind.Absolute, out var url))
            return new PumpEnd.Refused();
        var state = new PartState(from, total, source.Validator!);
        var ask = new OutboundAsk { Url = url, Method = HttpMethod.Get, RangeFrom = from, RangeTo = to == total ? null : to, IfRange = state.Validator };
        var answer = await services.Sender.SendAsync(order, ask, _watch, UnseenReports.Instance);
        if (answer is OutboundAnswer.Failed failed)
            return new PumpEnd.Broken(failed.Failure with { BytesReceived = writer.Written });
        if (answer is not OutboundAnswer.Head head)
            return new PumpEnd.Stopped();
        using var message = head.Message;
        if (head.Response.Status is not (206 or 416) && !StatusRules.IsAccepted(head.Response.Status, order.AcceptStatus))
        {
            await services.Sender.DiscardBodyAsync(message, _watch);
            return new PumpEnd.Broken(StatusFailures.Describe(order, head.Response, RequestSender.Origin(head.Url), services.Time.GetUtcNow(), null)
                with
            { BytesReceived = writer.Written });
        }
        if (head.Response.FramingFault is null && services.Judge(state, head.Response, askedAgain: true, SourceChangePolicy.Restart, hasDigest: false) is ResumeStep.Continue range)
        {
            segment.Limit = range.End;
            return await PumpAsync(head, segment);
        }
        if (!EntityValidator.Contradicts(state.Validator, head.Response))
            return new PumpEnd.Refused();
        var step = services.Judge(state, head.Response, askedAgain: true, order.SourceChange, order.Sha256 is not null);
        return new PumpEnd.Changed(step is ResumeStep.FromZero { Why: { } why } ? new ResumeStep.AskFromZero(why) : step);
    }

    private async ValueTask<PumpEnd> PumpAsync(OutboundAnswer.Head head, Segment segment)
    {
        using var message = head.Message;
        var pump = new BodyPump(
            order, writer, plan, segment, _watch, services.Options, pace, services.Time, services.Slots, RequestSender.Origin(head.Url),
            services.Clients.Options.ConnectTimeout);
        _pump = pump;
        try
        {
            return await pump.RunAsync(await message.Content.ReadAsStreamAsync(_watch.Token), segment.Limit);
        }
        finally
        {
            _pump = null;
        }
    }

    /// <summary>The way of a further connection is not reported: the first one's was.</summary>
    private sealed class UnseenReports : IAttemptReports
    {
        public static readonly UnseenReports Instance = new();

        public ValueTask<bool> RespondedAsync(AttemptResponse response) => new(true);

        public ValueTask<bool> CheckpointAsync(PartCheckpoint checkpoint) => new(true);

        public ValueTask<bool> RedirectedAsync(string toUrl, int status) => new(true);

        public ValueTask<bool> RestartedAsync(string why) => new(true);

        public void Progress(long bytesReceived, long bytesSent, long? totalToReceive, long? totalToSend)
        {
        }
    }
}
