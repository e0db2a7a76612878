namespace Backhaul.Node.Transfers.Uploads;

/// <summary>Failures that only uploads have. Pure.</summary>
internal static class UploadFailures
{
    public static AttemptFailure Ambiguous(string origin) => new()
    {
        Code = TransferCodes.Ambiguous,
        Message = $"The whole body was sent to {origin}, but no answer came back. It may or may not have been processed; "
            + "look at the target, and add the task again if it was not. A PUT would have been repeated.",
        Retryable = false,
    };

    public static AttemptFailure SourceChanged() => new()
    {
        Code = TransferCodes.SourceChanged,
        Message = "The file was changed while it was being sent, so the target may have a mixture; stage it again and add the task again.",
        Retryable = false,
        DiscardPart = true,
    };

    /// <summary>Between two attempts.</summary>
    public static AttemptFailure SourceReplaced() => new()
    {
        Code = TransferCodes.SourceChanged,
        Message = "The file is not the one whose first bytes were sent already: it was replaced or written to. Add the task again to send the new one.",
        Retryable = false,
    };

    /// <summary>Written by a newer version of this program.</summary>
    public static AttemptFailure UnknownProtocol() => new()
    {
        Code = TransferCodes.ProtocolError,
        Message = "This node does not know the protocol of the upload; a newer one does.",
        Retryable = true,
    };

    /// <summary>The mark of a POST was journaled, but its last chunk stayed here.</summary>
    public static AttemptFailure StoppedInTime() => new()
    {
        Code = TransferCodes.Interrupted,
        Message = "The upload was stopped before its last byte was sent.",
        Retryable = true,
        DiscardPart = true,
    };

    public static AttemptFailure SourceMissing(Backhaul.Protocol.FileReference? source) => new()
    {
        Code = TransferCodes.SourceMissing,
        Message = $"There is no file {source} to send. Stage it with PUT /v1/files/, then add the task again.",
        Retryable = false,
    };
}
