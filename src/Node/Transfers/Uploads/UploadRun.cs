using Backhaul.Node.Egress;
using Backhaul.Node.Files;
using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Transfers.Uploads;

/// <summary>One attempt of an upload: what its protocol works with, whichever it is.</summary>
internal sealed class UploadRun(
    AttemptOrder order, IAttemptReports reports, TransferServices services, UploadMemory memory, AttemptWatch watch, Uri url, IUploadSource source, string? contentType)
{
    /// <summary>HttpClient sends the body after a second without a 100; a body that began later than this was not invited.</summary>
    private static readonly TimeSpan Uninvited = TimeSpan.FromMilliseconds(950);

    /// <summary>The name in checkpoints that say where an upload stands; no part file has it.</summary>
    private const string PartName = "upload";

    private long _savedAt;

    /// <summary>This attempt journaled where the upload stands.</summary>
    public bool HasSaved => _savedAt != 0;

    public AttemptOrder Order => order;
    public IAttemptReports Reports => reports;
    public TransferServices Services => services;
    public UploadMemory Memory => memory;
    public AttemptWatch Watch => watch;
    public IPace Pace { get; } = services.Paces.For(order);

    /// <summary>The task's URL.</summary>
    public Uri Url => url;

    /// <summary>What is sent; stays open for the whole attempt.</summary>
    public IUploadSource Source => source;

    /// <summary>What the source is, when it is not a plain file whose type only the task's headers tell.</summary>
    public string? ContentType => contentType;

    public UploadProgress Progress { get; } = new();

    /// <summary>Where an earlier attempt left it; null begins.</summary>
    public UploadState? State => order.Resume?.Upload;

    /// <summary>A stop waits a little for the answer once the whole body is out.</summary>
    public bool StopWaitsForAnswer { get; set; }

    /// <summary>A body of some bytes of the source.</summary>
    public UploadContent Body(long from, long count, Func<ValueTask<bool>>? beforeLast = null, Action? onStart = null) =>
        new(this, from, count, beforeLast, onStart);

    /// <summary>Journals where the upload stands. False: the attempt is not wanted any more.</summary>
    public async ValueTask<bool> SaveAsync(UploadState state)
    {
        var wanted = await reports.CheckpointAsync(new PartCheckpoint
        {
            Part = PartName,
            Bytes = state.Offset,
            Total = source.Length,
            Upload = state with { Source = source.Identity, Length = source.Length },
        });
        _savedAt = Math.Max(1, services.Time.GetTimestamp());
        return wanted;
    }

    /// <summary>The last checkpoint is as old as one may be.</summary>
    public bool IsSaveDue => services.Time.GetElapsedTime(_savedAt) >= services.Options.CheckpointInterval;

    /// <summary>A request of the protocol; redirects are followed, and the address policy sees each hop.</summary>
    public ValueTask<OutboundAnswer> SendAsync(OutboundAsk ask) =>
        services.Sender.SendAsync(order, ask with { Foreign = !RedirectRules.IsSameOrigin(url, ask.Url) }, watch, reports);

    /// <summary>A request with bytes of the source as its body: a long one asks with <c>Expect: 100-continue</c>, unless its target is known not to answer that.</summary>
    public async ValueTask<OutboundAnswer> SendBytesAsync(OutboundAsk ask, long from, long count, Func<ValueTask<bool>>? beforeLast = null)
    {
        var origin = RequestSender.Origin(ask.Url);
        var expect = count > services.Options.ExpectContinueBytesMin && !memory.Continues.IsKnown(origin);
        while (true)
        {
            var began = services.Time.GetTimestamp();
            var invited = true;
            var answer = await SendAsync(ask with
            {
                ExpectContinue = expect,
                Body = () => Body(from, count, beforeLast, () => invited &= services.Time.GetElapsedTime(began) < Uninvited),
            });
            if (expect && !invited)
                memory.Continues.Remember(origin);
            if (!expect || answer is not OutboundAnswer.Head { Response.Status: 417 } refused)
                return answer;
            refused.Message.Dispose();
            memory.Continues.Remember(origin);
            expect = false;
        }
    }
}

/// <summary>What uploads of this node know of targets.</summary>
internal sealed record UploadMemory(ContinueMemory Continues, TargetMemory Targets);
