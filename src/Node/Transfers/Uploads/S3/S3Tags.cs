using System.Security.Cryptography;

namespace Backhaul.Node.Transfers.Uploads.S3;

/// <summary>By what a finished object is known to be made of certain parts: most stores give it the MD5 of its parts' MD5s as its tag. Pure.</summary>
internal static class S3Tags
{
    private const int DigestChars = 32;

    /// <summary>The tag of an object of these parts, without quotes; null when theirs are no digests, as under some encryptions.</summary>
    public static string? OfWhole(IReadOnlyList<UploadedPart> parts)
    {
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        foreach (var part in parts)
        {
            if (part.ETag.Length != DigestChars || !part.ETag.All(char.IsAsciiHexDigit))
                return null;
            all.AppendData(Convert.FromHexString(part.ETag));
        }
        return $"{Convert.ToHexStringLower(all.GetHashAndReset())}-{parts.Count}";
    }
}
