using System.Security.Cryptography;
using Backhaul.Protocol;

namespace Backhaul.Node.Security;

/// <summary>Bound from <c>Backhaul:Security</c>.</summary>
internal sealed record SecurityOptions
{
    /// <summary>Who may call. Empty: the node serves its own machine only, without keys.</summary>
    public IReadOnlyList<KeyOptions> Keys { get; init; } = [];

    /// <summary>
    /// Keys for secrets that clients give inline, each the base64 of 32 bytes; the first seals, all of them open. A node alone that has none makes
    /// its own in its data directory.
    /// </summary>
    public IReadOnlyList<string> SecretKeys { get; init; } = [];

    /// <summary>
    /// The key that a cluster sealed with is gone for good: this node joins without it, and the cluster seals with the first of its own. Only for one start.
    /// </summary>
    public bool SecretKeysLost { get; init; }

    /// <summary>The keys as bytes; what is no key is left out, and is a fault.</summary>
    public IReadOnlyList<byte[]> ReadSecretKeys() => [.. SecretKeys.Select(ReadSecretKey).OfType<byte[]>()];

    /// <summary>What is wrong, one sentence each.</summary>
    public IEnumerable<string> Faults()
    {
        for (var i = 0; i < SecretKeys.Count; i++)
        {
            if (ReadSecretKey(SecretKeys[i]) is null)
                yield return $"Backhaul:Security:SecretKeys:{i} must be the base64 of {SecretBox.KeyBytes} bytes (openssl rand -base64 {SecretBox.KeyBytes}).";
        }
        for (var i = 0; i < Keys.Count; i++)
        {
            var name = $"Backhaul:Security:Keys:{i}";
            if (Keys[i].Sha256 is not { Length: 64 } hex || !hex.All(char.IsAsciiHexDigit))
                yield return $"{name}:Sha256 must be the 64 hexadecimal digits of the key's SHA-256 (printf %s \"$KEY\" | sha256sum).";
            if (!Enum.IsDefined(Keys[i].Role))
                yield return $"{name}:Role must be one of {string.Join(", ", Enum.GetNames<CallerRole>())}.";
            if (!TenantId.TryParse(Keys[i].Tenant, out _))
                yield return $"{name}:Tenant is not valid. {TenantId.Rule}";
        }
        var twice = Keys.GroupBy(key => key.Sha256, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Count() > 1);
        if (twice?.Key is not null)
            yield return "Backhaul:Security:Keys names the same key twice; each key belongs to one tenant and has one role.";
    }

    private static byte[]? ReadSecretKey(string text)
    {
        var key = new byte[text.Length];
        return Convert.TryFromBase64String(text.Trim(), key, out var length) && length == SecretBox.KeyBytes ? key[..length] : null;
    }
}

/// <summary>One key: only its hash is configured, so that reading the configuration gives nobody access.</summary>
internal sealed record KeyOptions
{
    /// <summary>Hexadecimal SHA-256 of the key's text.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Who its bearer acts for.</summary>
    public string? Tenant { get; init; } = TenantId.Default.ToString();

    public CallerRole Role { get; init; } = CallerRole.Client;
}

/// <summary>The keys of this node, ready to be compared.</summary>
internal sealed class KeyRing
{
    private readonly (byte[] Hash, Caller Caller)[] _keys;

    public KeyRing(SecurityOptions options) =>
        _keys = [.. options.Keys.Select(key => (Convert.FromHexString(key.Sha256!), new Caller(TenantId.Parse(key.Tenant!), key.Role)))];

    public bool IsEmpty => _keys.Length == 0;

    /// <summary>True when at least one key opens the operators' edge.</summary>
    public bool HasOperators => _keys.Any(static key => key.Caller.Role != CallerRole.Client);

    /// <summary>Who this key belongs to; null when to nobody. Takes the same time whichever key it is, and whether it is one.</summary>
    public Caller? Find(string key)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(key), hash);
        Caller? found = null;
        foreach (var (known, caller) in _keys)
        {
            if (CryptographicOperations.FixedTimeEquals(known, hash))
                found = caller;
        }
        return found;
    }
}
