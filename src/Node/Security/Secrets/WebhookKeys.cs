using System.Security.Cryptography;

namespace Backhaul.Node.Security;

/// <summary>
/// The text form of keys that webhooks are signed with, by Standard Webhooks: <c>whsec_</c> and the base64 of 24 to 64 bytes. Several, separated
/// by a space, are all signed with while receivers change from one to the next.
/// </summary>
internal static class WebhookKeys
{
    public const string Rule = "whsec_ and the base64 of 24 to 64 bytes; up to 3 during a rotation, separated by a space";

    private const string Prefix = "whsec_";
    private const int KeysMax = 3;
    private const int BytesMin = 24;
    private const int BytesMax = 64;
    private const int CharsMax = 512;

    /// <summary>True when the text is a key itself, or wants to be one, and not the name of a secret.</summary>
    public static bool IsInline(string text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Null when the text breaks the rule.</summary>
    public static IReadOnlyList<byte[]>? Parse(string text)
    {
        if (text.Length > CharsMax)
            return null;
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length is 0 or > KeysMax)
            return null;
        var keys = new List<byte[]>(parts.Length);
        foreach (var part in parts)
        {
            if (!IsInline(part) || Decode(part[Prefix.Length..]) is not { Length: >= BytesMin and <= BytesMax } key)
                return null;
            keys.Add(key);
        }
        return keys;
    }

    private static byte[]? Decode(string base64)
    {
        var bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out var length) ? bytes[..length] : null;
    }

    /// <summary>The base64 of the HMAC-SHA256 of <c>id.timestamp.body</c>.</summary>
    public static string Sign(byte[] key, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hash.AppendData(System.Text.Encoding.ASCII.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{id}.{timestamp}.")));
        hash.AppendData(body);
        return Convert.ToBase64String(hash.GetHashAndReset());
    }
}
