namespace Backhaul.Node.Egress;

/// <summary>
/// What signs requests to an object store. A signature is made of a request's every part, so these go where such requests are made, and no further.
/// </summary>
internal sealed record SigningKeys(string AccessKey, string SecretKey, string? Region)
{
    /// <summary>Without the secret: records print themselves into logs and exceptions.</summary>
    public override string ToString() => AccessKey;
}
