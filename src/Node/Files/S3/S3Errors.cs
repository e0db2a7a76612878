namespace Backhaul.Node.Files.S3;

/// <summary>What a store's refusal means for a file, with a sentence for the operator. Pure.</summary>
internal static class S3Errors
{
    public static StorageException Exception(S3Reply reply, S3Container container, string act) => new(Failure(reply), Sentence(reply, container, act));

    private static StorageFailure Failure(S3Reply reply) => reply switch
    {
        { IsAway: true } => StorageFailure.Away,
        { Status: 507 } or { Code: "QuotaExceeded" or "XMinioStorageFull" or "EntityTooLarge" } => StorageFailure.Full,
        { Code: "KeyTooLongError" or "InvalidArgument" } => StorageFailure.Blocked,
        { IsNoSuchUpload: true } or { Code: "InvalidPart" or "InvalidPartOrder" or "EntityTooSmall" or "BadDigest" or "XAmzContentSHA256Mismatch" } => StorageFailure.Failed,
        _ => StorageFailure.Denied,
    };

    private static string Sentence(S3Reply reply, S3Container container, string act)
    {
        var bucket = container.Client.Bucket;
        var where = $"the container {container.Name} (bucket {bucket.Name} at {bucket.Endpoint.Authority})";
        if (reply.Status == 0)
            return $"It was not possible to {act} in {where}: {reply.Message}";
        var what = reply.Code.Length > 0 ? $"{reply.Code} ({reply.Status})" : $"status {reply.Status}";
        var hint = reply switch
        {
            { Code: "NoSuchBucket" } => " Create the bucket, or correct Backhaul:Containers:…:Bucket.",
            { Code: "AccessDenied" } or { Status: 403, Code: "" } => " Check the permissions of its access key; docs/operations.md lists those that are needed.",
            { Code: "InvalidAccessKeyId" or "SignatureDoesNotMatch" } => " Check AccessKey and SecretKey of the container.",
            { Code: "RequestTimeTooSkewed" } => " The clocks of this node and of the store differ: correct this node's.",
            { Code: "AuthorizationHeaderMalformed" or "PermanentRedirect" or "TemporaryRedirect" } or { Status: 301 or 307 } => " Check Region and Endpoint of the container: the bucket is elsewhere.",
            { IsNoSuchUpload: true } => " The upload was removed at the store, perhaps by a lifecycle rule: it starts again.",
            _ => "",
        };
        return $"The store refused to {act} in {where}: {what}.{hint}";
    }
}
