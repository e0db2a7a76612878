using Backhaul.Node.Files.S3;

namespace Backhaul.Node.Transfers.Uploads.S3;

/// <summary>What an object store's refusals mean for an upload. Pure.</summary>
internal static class S3Failures
{
    private const int CodeMax = 64;

    public static AttemptFailure BadUrl(string why) => Final(TransferCodes.ProtocolError, $"The task's url {why}");

    public static AttemptFailure NoKeys(string origin) => Final(
        TransferCodes.Credential,
        $"The session has no credential that signs requests to {origin}. Give it one, such as \"credentials\": [{{\"secret\": \"…\"}}] with a secret of the kind s3, and add the task again.");

    public static AttemptFailure TooLarge(long bytes) =>
        Final(TransferCodes.TooLarge, $"The file has {bytes} bytes, and an object has at most {PartPlan.ObjectBytesMax}.");

    /// <summary>An answer that broke off, or took too long.</summary>
    public static AttemptFailure NoAnswer(string why) => new() { Code = TransferCodes.ConnectionLost, Message = why, Retryable = true };

    public static AttemptFailure NoTag(string origin) =>
        Final(TransferCodes.ProtocolError, $"{origin} took a part and gave it no tag, or an endless one, so the object cannot be put together.");

    public static AttemptFailure BadId(string origin) => Final(TransferCodes.ProtocolError, $"{origin} began an upload without an id, or with an endless one.");

    public static AttemptFailure Refused(AttemptFailure status, S3Reply reply, string origin, string act)
    {
        var code = reply.Code.Length is > 0 and <= CodeMax && reply.Code.All(char.IsAsciiLetterOrDigit) ? $"{reply.Code} ({reply.Status})" : $"status {reply.Status}";
        return status with
        {
            Message = $"{origin} refused to {act}: {code}.{Hint(reply)}",
            Retryable = status.Retryable || reply.IsAway || reply.IsNoSuchUpload || IsPartAmiss(reply),
            DiscardPart = IsPartAmiss(reply),
        };
    }

    /// <summary>The parts that the store has are not those that were sent, such as after a part of an older attempt came late: they are sent again.</summary>
    public static bool IsPartAmiss(S3Reply reply) =>
        reply.Code is "InvalidPart" or "InvalidPartOrder" or "EntityTooSmall" or "BadDigest" or "XAmzContentSHA256Mismatch" or "IncompleteBody";

    private static string Hint(S3Reply reply) => reply switch
    {
        { Code: "NoSuchBucket" } => " Create the bucket, or correct the url.",
        { Code: "AccessDenied" } or { Status: 403, Code: "" } => " Check the permissions of the access key.",
        { Code: "InvalidAccessKeyId" or "SignatureDoesNotMatch" } => " Check AccessKey and SecretKey of the secret.",
        { Code: "RequestTimeTooSkewed" } => " The clocks of this node and of the store differ: correct this node's.",
        { Code: "AuthorizationHeaderMalformed" or "PermanentRedirect" or "TemporaryRedirect" } or { Status: 301 or 307 } =>
            " Check Region of the secret and the url: the bucket is elsewhere.",
        { IsNoSuchUpload: true } => " The upload was removed at the store, perhaps by a lifecycle rule: it starts again.",
        _ => "",
    };

    private static AttemptFailure Final(string code, string message) => new() { Code = code, Message = message, Retryable = false };
}
