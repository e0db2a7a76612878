namespace Backhaul.Node.Sessions;

/// <summary>Which headers' values are shown. What is not known to be harmless is a secret: views, events and logs show its name only.</summary>
internal static class SecretHeaders
{
    public const string Masked = "•••";

    /// <summary>With this begins what the edge sealed. Sessions cannot open it; they only see that there is something.</summary>
    private const string SealMark = "sealed1:";

    private static readonly HashSet<string> Harmless = new(StringComparer.OrdinalIgnoreCase)
    {
        "Accept", "Accept-Language", "Accept-Ranges", "Age", "Allow", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language",
        "Content-Length", "Content-MD5", "Content-Range", "Content-Type", "Content-Digest", "Date", "ETag", "Expires", "From", "Last-Modified", "Pragma",
        "Range", "Repr-Digest", "Retry-After", "Server", "Transfer-Encoding", "User-Agent", "Vary", "Via",
    };

    public static bool IsSecret(string name) => !Harmless.Contains(name);

    /// <summary>What is sealed is hidden under any name: a client may have given a harmless header a value that looks so, and it was sealed for that.</summary>
    public static IReadOnlyDictionary<string, string> Mask(IReadOnlyDictionary<string, string> headers) => headers.ToDictionary(
        static header => header.Key,
        static header => IsSecret(header.Key) || header.Value.StartsWith(SealMark, StringComparison.Ordinal) ? Masked : header.Value,
        StringComparer.OrdinalIgnoreCase);
}
