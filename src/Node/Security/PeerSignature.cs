using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Backhaul.Node.Security;

/// <summary>
/// How a node proves to another that both read the same store: an HMAC-SHA256 with the cluster's secret over what is asked, of which
/// incarnation, by when, and the body. It keeps strangers and other clusters out. It does not hide anything and does not refuse a
/// recorded request that is sent again to the same incarnation: every forwarded command that changes something carries a key, by which the
/// session knows it again for as long as its ledger remembers (by count, bytes and age). A hostile network wants TLS. Pure.
/// </summary>
internal static class PeerSignature
{
    /// <summary>Of a signature: hexadecimal digits.</summary>
    public const int Length = 64;

    private const string Purpose = "backhaul-peer-1";

    /// <param name="secret">The cluster's.</param>
    /// <param name="method">As on the request's first line.</param>
    /// <param name="path">With the query.</param>
    /// <param name="target">The incarnation that is meant.</param>
    /// <param name="deadlineMs">How long the sender waits.</param>
    /// <param name="body">All of it.</param>
    /// <returns>64 hexadecimal digits.</returns>
    public static string Sign(ReadOnlySpan<byte> secret, string method, string path, string target, long deadlineMs, ReadOnlySpan<byte> body) =>
        Convert.ToHexStringLower(Compute(secret, method, path, target, deadlineMs, body));

    /// <summary>Takes the same time wherever the signature differs. Without a secret nothing matches.</summary>
    public static bool Matches(
        ReadOnlySpan<byte> secret, string? signature, string method, string path, string target, long deadlineMs, ReadOnlySpan<byte> body)
    {
        if (secret.IsEmpty || signature is not { Length: Length } || !signature.All(char.IsAsciiHexDigit))
            return false;
        return CryptographicOperations.FixedTimeEquals(Convert.FromHexString(signature), Compute(secret, method, path, target, deadlineMs, body));
    }

    private static byte[] Compute(ReadOnlySpan<byte> secret, string method, string path, string target, long deadlineMs, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        // none of the parts has a line break in it, so no two requests have the same text
        hash.AppendData(Encoding.UTF8.GetBytes($"{Purpose}\n{method}\n{path}\n{target}\n{deadlineMs.ToString(CultureInfo.InvariantCulture)}\n"));
        hash.AppendData(body);
        return hash.GetHashAndReset();
    }
}
