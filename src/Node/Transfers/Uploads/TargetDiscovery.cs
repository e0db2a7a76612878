using System.Globalization;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers.Uploads.Resumable;

namespace Backhaul.Node.Transfers.Uploads;

/// <summary>Asks a target by OPTIONS how it takes uploads, once for each folder of URLs and hour.</summary>
internal static class TargetDiscovery
{
    /// <summary>What the target can, or how the attempt ends because it could not be asked. A target that knows no OPTIONS takes plain uploads.</summary>
    public static async ValueTask<(TargetAbilities? Abilities, AttemptOutcome? Ended)> AskAsync(UploadRun run)
    {
        if (run.Memory.Targets.Find(run.Url) is { } known)
            return (known, null);
        var answer = await run.SendAsync(new OutboundAsk { Url = run.Url, Method = HttpMethod.Options });
        switch (answer)
        {
            case OutboundAnswer.Failed failed:
                return (null, new AttemptOutcome.Failed(failed.Failure));
            case OutboundAnswer.Head head:
                using (head.Message)
                {
                    await run.Services.Sender.DiscardBodyAsync(head.Message, run.Watch);
                    if (run.Order.RetryStatuses.Contains(head.Response.Status))
                        return (null, Unready(run, head));
                    var abilities = Read(name => ResponseHead.Find(head.Message, name));
                    run.Memory.Targets.Remember(run.Url, abilities);
                    return (abilities, null);
                }
            default:
                return (null, new AttemptOutcome.Stopped(0));
        }
    }

    public static async ValueTask<(UploadProtocol Protocol, AttemptOutcome? Ended)> ChooseAsync(UploadRun run)
    {
        var (abilities, ended) = await AskAsync(run);
        return (ended is null ? Choose(abilities!, run.Order.Method == "POST" && run.Order.Parts is null) : UploadProtocol.Plain, ended);
    }

    /// <summary>tus goes first where both are offered, since it is finished; it creates by POST and takes a file as it is. Pure.</summary>
    public static UploadProtocol Choose(TargetAbilities abilities, bool fitsTus) =>
        abilities.SpeaksTus && fitsTus ? UploadProtocol.Tus : abilities.SpeaksResumable ? UploadProtocol.Resumable : UploadProtocol.Plain;

    /// <summary>The answer's headers in words. Pure.</summary>
    public static TargetAbilities Read(Func<string, string?> header)
    {
        var extensions = List(header("Tus-Extension"));
        var limits = UploadLimits.Parse(header("Upload-Limit"));
        return new TargetAbilities
        {
            SpeaksTus = List(header("Tus-Version")).Contains(TusDialect.Version) && extensions.Contains("creation"),
            SpeaksResumable = limits is not null || List(header("Accept-Patch")).Contains("application/partial-upload"),
            Extensions = extensions,
            Checksums = List(header("Tus-Checksum-Algorithm")),
            BytesMax = long.TryParse(header("Tus-Max-Size"), NumberStyles.None, CultureInfo.InvariantCulture, out var most) ? most : limits?.MaxSize,
            DraftVersion = int.TryParse(header("Upload-Draft-Interop-Version"), NumberStyles.None, CultureInfo.InvariantCulture, out var version) ? version : null,
        };
    }

    private static HashSet<string> List(string? value) =>
        (value ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(word => word.Split(';')[0].TrimEnd().ToLowerInvariant()).Take(64).ToHashSet(StringComparer.Ordinal);

    private static AttemptOutcome.Failed Unready(UploadRun run, OutboundAnswer.Head head)
    {
        var response = new AttemptResponse
        {
            Url = head.Url.AbsoluteUri,
            Status = head.Response.Status,
            Headers = head.Response.Shown,
            Resumable = false,
            ResumableWhy = "The target was asked how it takes uploads, and was not ready to say.",
            From = 0,
        };
        return new(StatusFailures.Describe(run.Order, head.Response, RequestSender.Origin(head.Url), run.Services.Time.GetUtcNow(), response));
    }
}
