using Backhaul.Node.Files;
using Backhaul.Protocol;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>What went wrong with a download apart from its network, as values. Pure.</summary>
internal static class DownloadFailures
{
    public static AttemptFailure Of(string code, string message, bool retryable) => new() { Code = code, Message = message, Retryable = retryable };

    public static AttemptFailure BodyMissing(FileReference body) => Of(
        TransferCodes.SourceMissing, $"The container {body.Container} has no file {body.Path} to send with the request.", retryable: false);

    public static AttemptFailure BodyChanged() => Of(
        TransferCodes.SourceChanged, "The file that the request carries changed while it was sent. Leave it alone until the task has ended.", retryable: false);

    public static AttemptFailure TooSlow(string origin, double rate, TransferOptions options, long bytes) => Of(
        TransferCodes.TooSlow,
        $"{origin} sent {rate:0.#} bytes a second for {options.SpeedWindow.TotalSeconds:0} s, and less than {options.BytesPerSecondMin} is broken off.", retryable: true)
            with
    { BytesReceived = bytes };

    public static AttemptFailure TooLarge(long max, long bytes) => new()
    {
        Code = TransferCodes.TooLarge,
        Message = $"The file has {bytes} bytes or more, and the task allows {max}. Raise maxBytes if it may be that large.",
        Retryable = false,
        BytesReceived = bytes,
        DiscardPart = true,
    };

    /// <summary>The origin's own word against its bytes: damaged on the way or there, so it is fetched again.</summary>
    public static AttemptOutcome.Failed PromiseBroken(PromisedDigest promised, long bytes) => new(
        Of(TransferCodes.DigestMismatch, $"The file is not what its origin's {promised} promises.", retryable: true) with { BytesReceived = bytes, DiscardPart = true });

    public static AttemptOutcome.Failed DigestMismatch(string sha256, long bytes, bool retryable) => new(
        Of(TransferCodes.DigestMismatch, $"The file's SHA-256 is {sha256}, which is not the one that the task demands.", retryable)
            with
        { BytesReceived = bytes, DiscardPart = true });

    /// <summary>What a disk or a bucket refused.</summary>
    /// <param name="lost">What was written is of no use any more.</param>
    public static AttemptFailure Storage(StorageException refused, long received, bool lost) => new()
    {
        Code = refused.Failure == StorageFailure.Full ? TransferCodes.StorageFull : TransferCodes.StorageFailed,
        Message = refused.Message,
        Retryable = refused.Failure != StorageFailure.Blocked, // a folder or a link in the way does not go away by waiting
        WaitReason = refused.Failure is StorageFailure.Full or StorageFailure.Away ? "storage" : null,
        BytesReceived = received,
        DiscardPart = lost,
    };
}
