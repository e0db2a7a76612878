using Backhaul.Node.Files;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// A download whose file is fetched again and again. It asks the origin whether the content is still that of the file that lies there, and leaves the file when it is.
/// <code>
///   fetched before, and still in its place? ──yes──► ask on a condition ──304──► still in its place? ──yes──► Finished, unchanged
///        │ no                                           │ another answer              │ no
///        └────────────► ask without ◄───────────────────┼─────────────────────────────┘
///                            └──► stored and published ◄┘ ──► what the next time asks with
/// </code>
/// Invariants: only a file with the identity that it had when it was published is left as it is, and that is looked at before the question and after the answer. What
/// is kept is the validator of the task's own URL, of a whole answer: never of where a redirect led, since the next one may lead elsewhere. A 304 that was not asked
/// for is a status like any other. A disk that does not say what lies there costs bytes and no failure.
/// </summary>
internal sealed class RepeatedDownload(AttemptOrder order, IAttemptReports reports, TransferServices services, CancellationToken stop)
{
    /// <summary>Headers of the session's own that say what it wants: then they decide, and nothing is added.</summary>
    private static readonly string[] Conditions = ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range"];

    private readonly bool _decidesItself = Conditions.Any(order.Headers.ContainsKey);

    public async Task<AttemptOutcome> RunAsync()
    {
        var known = order.Resume is null && !_decidesItself ? order.Fetched : null;
        if (known is not null && await IsInPlaceAsync(known))
        {
            var outcome = await DownloadAsync(known);
            if (outcome is not AttemptOutcome.Finished { IsUnchanged: true } unchanged)
                return await RememberAsync(outcome);
            if (await IsInPlaceAsync(known))
                return unchanged with { Fetched = known };
        }
        return await RememberAsync(await DownloadAsync(null));
    }

    private async ValueTask<AttemptOutcome> DownloadAsync(FetchedFile? known)
    {
        using var download = new DownloadAttempt(order with { Fetched = known }, reports, services, stop);
        return await download.RunAsync();
    }

    private async ValueTask<bool> IsInPlaceAsync(FetchedFile known) => await IdentifyAsync() == known.Identity;

    private async ValueTask<AttemptOutcome> RememberAsync(AttemptOutcome outcome) =>
        outcome is AttemptOutcome.Finished { File: { } file, Response: { Status: 200 or 206 } response } finished && !_decidesItself && IsOwn(response.Url)
        && EntityValidator.OfWhole(response.Headers) is { } validator && await IdentifyAsync() is { } identity && identity.Length == file.Length
            ? finished with { Fetched = new FetchedFile(validator, identity) }
            : outcome;

    /// <summary>No redirect led elsewhere.</summary>
    private bool IsOwn(string url) => Uri.TryCreate(order.Url, UriKind.Absolute, out var own) && own.AbsoluteUri == url;

    private async ValueTask<FileIdentity?> IdentifyAsync()
    {
        try
        {
            await using var file = await services.Parts.OpenSourceAsync(order.Files.Session.Tenant, order.Files.Container, order.Files.Destination!.Value, stop);
            return file?.Identity;
        }
        catch (Exception refused) when (refused is StorageException || (refused is OperationCanceledException && stop.IsCancellationRequested))
        {
            return null;
        }
    }
}
