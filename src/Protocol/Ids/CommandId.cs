using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Backhaul.Protocol;

/// <summary>
/// One intent of a client, repeated on every retry (header <c>Idempotency-Key</c>). A key that is a UUID is taken as it is; any
/// other text becomes a version 8 UUID of its SHA-256, so that the journal stores 16 bytes whatever the client sends.
/// </summary>
/// <param name="Value">The 128 bits.</param>
public readonly record struct CommandId(Guid Value)
{
    /// <summary>The rule, as a sentence for people.</summary>
    public const string Rule = "An Idempotency-Key has 1 to 255 printable ASCII characters; a UUID is a good choice.";

    /// <summary>Reads the header's value; false when it breaks the <see cref="Rule"/>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? header, out CommandId id)
    {
        id = default;
        if (string.IsNullOrEmpty(header) || header.Length > 255 || header.AsSpan().ContainsAnyExceptInRange('\x21', '\x7e'))
            return false;
        id = Guid.TryParseExact(header, "D", out var uuid) ? new CommandId(uuid) : FromText(header);
        return true;
    }

    /// <summary>The id of part <paramref name="index"/> of this intent: a bulk request is acknowledged in chunks, each with an id of its own.</summary>
    /// <remarks>The space cannot occur in a header's key, so that no key of a client can be the id of a part of another intent.</remarks>
    public CommandId Part(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        return FromText($"{Value:D} {index}");
    }

    /// <summary>A new intent: a version 7 UUID, so that ids of one client sort by time.</summary>
    public static CommandId Create(DateTimeOffset now) => new(Guid.CreateVersion7(now));

    private static CommandId FromText(string text)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        hash[6] = (byte)((hash[6] & 0x0f) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new CommandId(new Guid(hash[..16], bigEndian: true));
    }

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("D");
}
