namespace Backhaul.Node.Files.S3;

/// <summary>A key pair that signs requests; it never leaves the node, only signatures do.</summary>
internal sealed record S3Credentials(string AccessKey, string SecretKey, string? SessionToken = null)
{
    /// <summary>Without the secret: records print themselves into logs and exceptions.</summary>
    public override string ToString() => AccessKey;
}
