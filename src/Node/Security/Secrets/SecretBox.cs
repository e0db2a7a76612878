using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Backhaul.Protocol;

namespace Backhaul.Node.Security;

/// <summary>
/// Secrets that clients give inline, at rest: AES-256-GCM, bound to what they belong to, so that the text of one session is of no use in another.
/// The nonce is an HMAC of what is sealed and of what it belongs to: the same secret gives the same text, so a repeated request is still a
/// repetition, and two different secrets never share a nonce. One key seals, all of them open: the first, or the one that the nodes of a cluster agreed on. An old
/// one stays until nothing is sealed with it. Every node of a cluster has the same keys.
/// </summary>
internal sealed class SecretBox
{
    public const int KeyBytes = 32;

    private const string Prefix = "sealed1:";
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private readonly List<Key> _keys;

    private volatile Key? _sealing;

    public SecretBox(IReadOnlyList<byte[]> keys)
    {
        _keys = [.. keys.Select(static key => new Key(key))];
        _sealing = _keys.FirstOrDefault();
    }

    /// <summary>The names of its keys, in order; they say nothing of the keys.</summary>
    public IReadOnlyList<string> KeyIds => [.. _keys.Select(static key => key.Id)];

    /// <summary>Seals with this one of its keys from now on; false when it is none of them, and nothing changes. Null is the first.</summary>
    public bool SealWith(string? keyId)
    {
        var key = keyId is null ? _keys.FirstOrDefault() : _keys.Find(key => key.Id == keyId);
        _sealing = key ?? _sealing;
        return key is not null || keyId is null;
    }

    /// <summary>Without a key nothing is sealed, and so no secret is taken inline.</summary>
    public bool CanSeal => _keys.Count > 0;

    public static bool IsSealed(string text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>What the secrets of a session's webhooks are bound to.</summary>
    public static string OwnerOf(SessionKey session) => $"webhook/{session}";

    public string Seal(string secret, string owner)
    {
        var key = _sealing ?? throw new InvalidOperationException("There is no key to seal with.");
        var (clear, bound) = (Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(owner));
        var sealedBytes = new byte[NonceBytes + TagBytes + clear.Length];
        var nonce = sealedBytes.AsSpan(0, NonceBytes);
        key.NonceOf(clear, bound, nonce);
        var aes = key.Take();
        aes.Encrypt(nonce, clear, sealedBytes.AsSpan(NonceBytes + TagBytes), sealedBytes.AsSpan(NonceBytes, TagBytes), bound);
        key.PutBack(aes);
        return $"{Prefix}{key.Id}:{Convert.ToBase64String(sealedBytes)}";
    }

    /// <summary>Null when it was sealed with a key that this node does not have, for another owner, or was changed.</summary>
    public string? Open(string text, string owner)
    {
        var parts = text.Split(':');
        if (!IsSealed(text) || parts.Length != 3 || _keys.Find(key => key.Id == parts[1]) is not { } key)
            return null;
        var bytes = new byte[parts[2].Length];
        if (!Convert.TryFromBase64String(parts[2], bytes, out var length) || length < NonceBytes + TagBytes)
            return null;
        var clear = new byte[length - NonceBytes - TagBytes];
        try
        {
            var aes = key.Take();
            aes.Decrypt(
                bytes.AsSpan(0, NonceBytes), bytes.AsSpan(NonceBytes + TagBytes, clear.Length), bytes.AsSpan(NonceBytes, TagBytes), clear, Encoding.UTF8.GetBytes(owner));
            key.PutBack(aes);
            return Encoding.UTF8.GetString(clear);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private sealed class Key(byte[] master)
    {
        private readonly byte[] _encryption = HKDF.DeriveKey(HashAlgorithmName.SHA256, master, KeyBytes, info: "backhaul seal 1"u8.ToArray());
        private readonly byte[] _nonces = HKDF.DeriveKey(HashAlgorithmName.SHA256, master, KeyBytes, info: "backhaul nonce 1"u8.ToArray());
        private AesGcm? _spare;

        /// <summary>Names the key and says nothing of it.</summary>
        public string Id { get; } = Convert.ToHexStringLower(HKDF.DeriveKey(HashAlgorithmName.SHA256, master, 4, info: "backhaul key id 1"u8.ToArray()));

        /// <summary>A cipher for one thread at a time: to make one takes longer than to use it. One that failed is not put back.</summary>
        public AesGcm Take() => Interlocked.Exchange(ref _spare, null) ?? new AesGcm(_encryption, TagBytes);

        public void PutBack(AesGcm aes) => Interlocked.Exchange(ref _spare, aes)?.Dispose();

        public void NonceOf(ReadOnlySpan<byte> clear, ReadOnlySpan<byte> owner, Span<byte> nonce)
        {
            var bound = new byte[sizeof(int) + owner.Length + clear.Length];
            BinaryPrimitives.WriteInt32BigEndian(bound, owner.Length);
            owner.CopyTo(bound.AsSpan(sizeof(int)));
            clear.CopyTo(bound.AsSpan(sizeof(int) + owner.Length));
            Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
            HMACSHA256.HashData(_nonces, bound, hash);
            hash[..nonce.Length].CopyTo(nonce);
        }
    }
}
