namespace Backhaul.Client;

/// <summary>What the head of an answer says of a file.</summary>
public sealed record FileHead
{
    /// <summary>The length of the whole file in bytes; of a download under way whose length nobody knows yet, where the bytes of this answer end.</summary>
    public required long Length { get; init; }

    /// <summary>The validator; it changes when the content does.</summary>
    public string? ETag { get; init; }

    /// <summary>When it was stored.</summary>
    public DateTimeOffset? LastModified { get; init; }

    /// <summary>SHA-256 in lower-case hex, where the node knows it.</summary>
    public string? Sha256 { get; init; }

    internal static FileHead? Of(HttpResponseMessage response)
    {
        var content = response.Content.Headers;
        var length = content.ContentRange is { } range ? range.Length ?? range.To + 1 : content.ContentLength;
        return length is not { } known ? null : new FileHead
        {
            Length = known,
            ETag = response.Headers.ETag?.ToString(),
            LastModified = content.LastModified,
            Sha256 = ReadDigest(response),
        };
    }

    /// <summary>RFC 9530: <c>Repr-Digest: sha-256=:base64:</c>.</summary>
    private static string? ReadDigest(HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Repr-Digest", out var values) && !response.Content.Headers.TryGetValues("Repr-Digest", out values))
            return null;
        const string Prefix = "sha-256=:";
        var digest = string.Join(',', values).Split(',', StringSplitOptions.TrimEntries).FirstOrDefault(value => value.StartsWith(Prefix, StringComparison.Ordinal));
        Span<byte> hash = stackalloc byte[32];
        return digest is not null && digest.EndsWith(':') && digest.Length > Prefix.Length
            && Convert.TryFromBase64String(digest[Prefix.Length..^1], hash, out var written) && written == 32
            ? Convert.ToHexStringLower(hash)
            : null;
    }
}

/// <summary>A part of a file.</summary>
/// <param name="From">The first byte, from 0.</param>
/// <param name="To">The last byte; null is the end of the file.</param>
public readonly record struct ByteRange(long From, long? To = null);
