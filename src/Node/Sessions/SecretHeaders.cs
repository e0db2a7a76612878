namespace Backhaul.Node.Sessions;

/// <summary>Which headers' values are shown. What is not known to be harmless is a secret: views, events and logs show its name only.</summary>
internal static class SecretHeaders
{
    public const string Masked = "•••";

    private static readonly HashSet<string> Harmless = new(StringComparer.OrdinalIgnoreCase)
    {
        "Accept", "Accept-Language", "Accept-Ranges", "Age", "Allow", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language",
        "Content-Length", "Content-MD5", "Content-Range", "Content-Type", "Content-Digest", "Date", "ETag", "Expires", "From", "Last-Modified", "Pragma",
        "Range", "Repr-Digest", "Retry-After", "Server", "Transfer-Encoding", "User-Agent", "Vary", "Via",
    };

    public static bool IsSecret(string name) => !Harmless.Contains(name);

    public static IReadOnlyDictionary<string, string> Mask(IReadOnlyDictionary<string, string> headers) =>
        headers.ToDictionary(header => header.Key, header => IsSecret(header.Key) ? Masked : header.Value, StringComparer.OrdinalIgnoreCase);
}
