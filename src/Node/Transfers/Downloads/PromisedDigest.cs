using System.Net.Http.Headers;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>How a digest is computed. The order is that of trust: a later one is taken only when no earlier one was promised.</summary>
internal enum DigestAlgorithm
{
    Sha512,
    Sha256,
    Sha1,
    Md5,
    Crc32C,
    Crc32,
}

/// <summary>
/// What an origin says about the whole of what it stores: <c>Repr-Digest</c> and <c>Content-Digest</c> (RFC 9530), <c>Content-MD5</c>,
/// <c>x-goog-hash</c>, <c>x-amz-checksum-*</c>. One of them is checked, the strongest. What speaks of a part, of parts put together or of another form
/// of the content than the one that came is not taken. Pure.
/// </summary>
internal sealed record PromisedDigest(DigestAlgorithm Algorithm, byte[] Value, string Header)
{
    /// <summary>Null when nothing usable was said.</summary>
    public static PromisedDigest? Of(int status, HttpHeadersNonValidated headers, HttpHeadersNonValidated content)
    {
        var found = new List<PromisedDigest>();
        ReadDictionary("Repr-Digest", Get(headers, content, "Repr-Digest"), found);
        // These speak of the bytes of this message, or, from stores, of the one part that a range meets: the whole only in a plain answer.
        if (status == 200)
        {
            ReadDictionary("Content-Digest", Get(headers, content, "Content-Digest"), found);
            Add(found, DigestAlgorithm.Md5, Get(headers, content, "Content-MD5"), "Content-MD5");
            ReadAmz(headers, content, found);
        }
        ReadGoog(headers, content, found);
        return found.MinBy(digest => digest.Algorithm);
    }

    /// <summary>The value a client would look for, in the form of its header.</summary>
    public override string ToString() => $"{Header} ({Algorithm.ToString().ToLowerInvariant()})";

    public static int LengthOf(DigestAlgorithm algorithm) => algorithm switch
    {
        DigestAlgorithm.Sha512 => 64,
        DigestAlgorithm.Sha256 => 32,
        DigestAlgorithm.Sha1 => 20,
        DigestAlgorithm.Md5 => 16,
        _ => 4,
    };

    /// <summary>A dictionary of RFC 9651 whose values are byte sequences: <c>sha-256=:…:, sha-512=:…:</c>; other members are passed over.</summary>
    private static void ReadDictionary(string header, string? text, List<PromisedDigest> found)
    {
        foreach (var member in text?.Split(',') ?? [])
        {
            var equals = member.IndexOf('=');
            if (equals < 0)
                continue;
            DigestAlgorithm? algorithm = member[..equals].Trim() switch
            {
                "sha-512" => DigestAlgorithm.Sha512,
                "sha-256" => DigestAlgorithm.Sha256,
                "sha" => DigestAlgorithm.Sha1,
                "md5" => DigestAlgorithm.Md5,
                "crc32c" => DigestAlgorithm.Crc32C,
                _ => null,
            };
            var value = member[(equals + 1)..];
            var end = value.IndexOf(';'); // parameters change nothing
            value = (end < 0 ? value : value[..end]).Trim();
            if (algorithm is { } known && value is [':', .. var base64, ':'])
                Add(found, known, base64, header);
        }
    }

    /// <summary>Of the stored object; one that is stored coded and was decoded on its way is another.</summary>
    private static void ReadGoog(HttpHeadersNonValidated headers, HttpHeadersNonValidated content, List<PromisedDigest> found)
    {
        if (Get(headers, content, "x-goog-hash") is not { } hashes)
            return;
        var stored = Get(headers, content, "x-goog-stored-content-encoding") ?? "identity";
        if (!stored.Equals(Get(headers, content, "Content-Encoding") ?? "identity", StringComparison.OrdinalIgnoreCase))
            return;
        foreach (var member in hashes.Split(','))
        {
            var text = member.AsSpan().Trim();
            if (text.StartsWith("md5=", StringComparison.Ordinal))
                Add(found, DigestAlgorithm.Md5, text[4..].ToString(), "x-goog-hash");
            else if (text.StartsWith("crc32c=", StringComparison.Ordinal))
                Add(found, DigestAlgorithm.Crc32C, text[7..].ToString(), "x-goog-hash");
        }
    }

    /// <summary>A checksum of checksums of parts (<c>COMPOSITE</c>, or with a number at its end) says nothing about the bytes as a whole.</summary>
    private static void ReadAmz(HttpHeadersNonValidated headers, HttpHeadersNonValidated content, List<PromisedDigest> found)
    {
        if ("COMPOSITE".Equals(Get(headers, content, "x-amz-checksum-type"), StringComparison.OrdinalIgnoreCase))
            return;
        foreach (var (name, algorithm) in new[]
        {
            ("x-amz-checksum-sha256", DigestAlgorithm.Sha256), ("x-amz-checksum-sha1", DigestAlgorithm.Sha1),
            ("x-amz-checksum-crc32c", DigestAlgorithm.Crc32C), ("x-amz-checksum-crc32", DigestAlgorithm.Crc32),
        })
        {
            Add(found, algorithm, Get(headers, content, name), name);
        }
    }

    private static void Add(List<PromisedDigest> found, DigestAlgorithm algorithm, string? base64, string header)
    {
        var value = new byte[LengthOf(algorithm)];
        if (base64 is not null && Convert.TryFromBase64String(base64.Trim(), value, out var length) && length == value.Length)
            found.Add(new PromisedDigest(algorithm, value, header));
    }

    private static string? Get(HttpHeadersNonValidated headers, HttpHeadersNonValidated content, string name) =>
        headers.TryGetValues(name, out var values) || content.TryGetValues(name, out values) ? values.ToString() : null;
}
