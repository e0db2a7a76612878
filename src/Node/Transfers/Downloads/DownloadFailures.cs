namespace Backhaul.Node.Transfers.Downloads;

/// <summary>What went wrong with a download apart from its network, as values. Pure.</summary>
internal static class DownloadFailures
{
    public static AttemptFailure Of(string code, string message, bool retryable) => new() { Code = code, Message = message, Retryable = retryable };

    public static AttemptFailure TooLarge(long max, long bytes) => new()
    {
        Code = TransferCodes.TooLarge,
        Message = $"The file has {bytes} bytes or more, and the task allows {max}. Raise maxBytes if it may be that large.",
        Retryable = false,
        BytesReceived = bytes,
        DiscardPart = true,
    };

    public static AttemptOutcome.Failed DigestMismatch(string sha256, long bytes, bool retryable) => new(
        Of(TransferCodes.DigestMismatch, $"The file's SHA-256 is {sha256}, which is not the one that the task demands.", retryable)
            with
        { BytesReceived = bytes, DiscardPart = true });
}
