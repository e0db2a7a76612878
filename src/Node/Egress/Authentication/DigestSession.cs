using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Backhaul.Node.Egress;

/// <summary>
/// Digest (RFC 7616) under one nonce of a server: the client's own nonce stays, the count goes up with each request, whichever
/// attempt sends it. MD5 and SHA-256, each also as a session; the quality is <c>auth</c>, or none where the server is older than that.
/// </summary>
internal sealed class DigestSession(Challenge challenge, string clientNonce)
{
    private readonly DigestForm _form = DigestForm.Read(challenge) ?? throw new ArgumentException("This challenge cannot be answered.", nameof(challenge));
    private int _count;

    public string Nonce => _form.Nonce;

    /// <summary>The value of <c>Authorization</c> for the next request.</summary>
    public string Answer(string userName, string password, string method, string target) =>
        _form.Answer(userName, password, method, target, clientNonce, Interlocked.Increment(ref _count));
}

/// <summary>What a Digest challenge demands. Pure.</summary>
internal sealed record DigestForm
{
    public required string Realm { get; init; }
    public required string Nonce { get; init; }
    public string? Opaque { get; init; }

    /// <summary>As the server wrote it; null when it named none, which is MD5.</summary>
    public string? Algorithm { get; init; }
    public bool IsSha256 { get; init; }
    public bool IsSession { get; init; }
    public bool HasQuality { get; init; }
    public bool HashesUser { get; init; }

    /// <summary>The server refused a count or a nonce that was too old, not the credential.</summary>
    public bool IsStale { get; init; }

    /// <summary>Null for what cannot be answered: an unknown algorithm, a body that would have to be hashed, a realm that HTTP could not send back.</summary>
    public static DigestForm? Read(Challenge challenge)
    {
        var given = challenge.Parameters;
        if (challenge is not { Scheme: "digest", Realm: { } realm } || !given.TryGetValue("nonce", out var nonce))
            return null;
        var algorithm = given.GetValueOrDefault("algorithm");
        var name = algorithm?.ToUpperInvariant() ?? "MD5";
        var quality = given.GetValueOrDefault("qop")?.Split(',', StringSplitOptions.TrimEntries);
        var opaque = given.GetValueOrDefault("opaque");
        if (name is not ("MD5" or "MD5-SESS" or "SHA-256" or "SHA-256-SESS") || !IsSendable(realm) || !IsSendable(nonce) || !IsSendable(opaque ?? ""))
            return null;
        if (quality is not null && !quality.Contains("auth", StringComparer.OrdinalIgnoreCase))
            return null;
        return new DigestForm
        {
            Realm = realm,
            Nonce = nonce,
            Opaque = opaque,
            Algorithm = algorithm,
            IsSha256 = name.StartsWith("SHA", StringComparison.Ordinal),
            IsSession = name.EndsWith("SESS", StringComparison.Ordinal),
            HasQuality = quality is not null,
            HashesUser = IsTrue(given, "userhash"),
            IsStale = IsTrue(given, "stale"),
        };
    }

    public string Answer(string userName, string password, string method, string target, string clientNonce, int count)
    {
        var nc = count.ToString("x8", CultureInfo.InvariantCulture);
        var secret = Hash($"{userName}:{Realm}:{password}");
        if (IsSession)
            secret = Hash($"{secret}:{Nonce}:{clientNonce}");
        var request = Hash($"{method}:{target}");
        var response = Hash(HasQuality ? $"{secret}:{Nonce}:{nc}:{clientNonce}:auth:{request}" : $"{secret}:{Nonce}:{request}");
        var answer = new StringBuilder("Digest ");
        if (HashesUser)
            answer.Append("username=\"").Append(Hash($"{userName}:{Realm}")).Append("\", userhash=true");
        else if (Ascii.IsValid(userName))
            answer.Append("username=").Append(Quoted(userName));
        else
            answer.Append("username*=UTF-8''").Append(Uri.EscapeDataString(userName));
        answer.Append(", realm=").Append(Quoted(Realm)).Append(", nonce=").Append(Quoted(Nonce)).Append(", uri=").Append(Quoted(target));
        if (Algorithm is not null)
            answer.Append(", algorithm=").Append(Algorithm);
        if (HasQuality || IsSession)
            answer.Append(", cnonce=\"").Append(clientNonce).Append('"');
        if (HasQuality)
            answer.Append(", nc=").Append(nc).Append(", qop=auth");
        answer.Append(", response=\"").Append(response).Append('"');
        if (Opaque is not null)
            answer.Append(", opaque=").Append(Quoted(Opaque));
        return answer.ToString();
    }

    private string Hash(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
#pragma warning disable CA5351 // what the server asks for; it is chosen only where nothing stronger is offered
        return Convert.ToHexStringLower(IsSha256 ? SHA256.HashData(bytes) : MD5.HashData(bytes));
#pragma warning restore CA5351
    }

    private static string Quoted(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private static bool IsSendable(string text) => text.Length <= 4096 && text.All(static c => c is >= ' ' and <= '~');

    private static bool IsTrue(IReadOnlyDictionary<string, string> given, string name) =>
        given.TryGetValue(name, out var value) && value.Equals("true", StringComparison.OrdinalIgnoreCase);
}
