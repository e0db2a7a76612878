using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Backhaul.Node.Security;

/// <summary>
/// Documents that clients hold and give back: the version, the content and an HMAC-SHA256 of both, with a key derived from the secret of the cluster (or of the
/// node alone) for this purpose. Nobody else makes one, and nobody changes one; what is in it can be read. Pure.
/// </summary>
internal static class DocumentSeal
{
    private const int SealBytes = 32;

    /// <param name="secret">Of the cluster or the node.</param>
    /// <param name="version">What the content is, such as <c>bh-resume-1</c>: it is signed too, so that one purpose's document is none of another.</param>
    /// <param name="content">Any bytes.</param>
    public static string Seal(ReadOnlySpan<byte> secret, string version, ReadOnlySpan<byte> content)
    {
        if (secret.IsEmpty)
            throw new InvalidOperationException("There is no secret to seal documents with.");
        return $"{version}.{Base64Url.EncodeToString(content)}.{Base64Url.EncodeToString(Compute(secret, version, content))}";
    }

    /// <summary>Null for a document that nobody with this secret made, or of another version.</summary>
    public static byte[]? Open(ReadOnlySpan<byte> secret, string version, string document)
    {
        var pieces = document.Split('.', 4);
        if (secret.IsEmpty || pieces is not [var named, var content, var seal] || named != version)
            return null;
        if (!Base64Url.IsValid(content) || !Base64Url.IsValid(seal, out var length) || length != SealBytes)
            return null;
        var bytes = Base64Url.DecodeFromChars(content);
        return CryptographicOperations.FixedTimeEquals(Base64Url.DecodeFromChars(seal), Compute(secret, version, bytes)) ? bytes : null;
    }

    private static byte[] Compute(ReadOnlySpan<byte> secret, string version, ReadOnlySpan<byte> content)
    {
        var key = HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes($"backhaul-document\n{version}"));
        return HMACSHA256.HashData(key, content);
    }
}
