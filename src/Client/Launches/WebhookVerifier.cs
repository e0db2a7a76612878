using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Backhaul.Client;

/// <summary>
/// Checks the signatures of launches and of pushed events, as Standard Webhooks 1.0 has it: the base64 HMAC-SHA256 of
/// <c>id.timestamp.body</c>, behind <c>v1,</c>. While a secret is changed both sign and both are accepted. Comparing takes the same
/// time whatever the signature is.
/// </summary>
public sealed class WebhookVerifier
{
    /// <summary>How far a timestamp may be off.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    private const string Prefix = "whsec_";
    private const int SignaturesMax = 16;
    private readonly byte[][] _keys;
    private readonly TimeProvider _time;

    /// <param name="secrets">One or more <c>whsec_…</c> of 24 to 64 bytes; a text may also hold several, separated by spaces.</param>
    /// <param name="time">The clock; default the system's.</param>
    /// <exception cref="ArgumentException">A secret breaks this rule, or there is none.</exception>
    public WebhookVerifier(IEnumerable<string> secrets, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(secrets);
        _keys = [.. secrets.SelectMany(text => text.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(KeyOf)];
        if (_keys.Length == 0)
            throw new ArgumentException("A verifier needs at least one secret, whsec_….", nameof(secrets));
        _time = time ?? TimeProvider.System;
    }

    /// <summary>Checks one message: the values of its three headers, and its body as it came.</summary>
    public WebhookVerdict Verify(string? id, string? timestamp, string? signature, ReadOnlySpan<byte> body)
    {
        if (string.IsNullOrEmpty(id) || string.IsNullOrEmpty(signature)
            || !long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
        {
            return WebhookVerdict.Malformed;
        }
        if (!IsSigned($"{id}.{timestamp}.", body, signature))
            return WebhookVerdict.WrongSignature;
        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        var tolerance = (long)Tolerance.TotalSeconds;
        return seconds >= now - tolerance && seconds <= now + tolerance ? WebhookVerdict.Valid : WebhookVerdict.TimestampOff;
    }

    /// <summary>Every signature is compared with every key, found or not.</summary>
    private bool IsSigned(string head, ReadOnlySpan<byte> body, string signatures)
    {
        var found = false;
        Span<byte> expected = stackalloc byte[32];
        Span<byte> given = stackalloc byte[32];
        var texts = signatures.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (var key in _keys)
        {
            using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
            hash.AppendData(Encoding.UTF8.GetBytes(head));
            hash.AppendData(body);
            hash.GetHashAndReset(expected);
            foreach (var text in texts.Take(SignaturesMax))
            {
                if (text.StartsWith("v1,", StringComparison.Ordinal) && Convert.TryFromBase64String(text[3..], given, out var written) && written == 32)
                    found |= CryptographicOperations.FixedTimeEquals(expected, given);
            }
        }
        return found;
    }

    private static byte[] KeyOf(string secret)
    {
        var key = new byte[64];
        return secret.StartsWith(Prefix, StringComparison.Ordinal) && Convert.TryFromBase64String(secret[Prefix.Length..], key, out var written) && written >= 24
            ? key[..written]
            : throw new ArgumentException("A webhook secret is whsec_ and the base64 of 24 to 64 bytes.", nameof(secret));
    }
}
