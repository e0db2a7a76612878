using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>
/// The client's intent (<c>Idempotency-Key</c>) together with what it asked: a repetition is told from a reuse by the first eight bytes
/// of the SHA-256 over method, path with query, and body.
/// </summary>
internal static class CommandKeys
{
    public const string Header = "Idempotency-Key";

    /// <summary>The key of a request; null without one.</summary>
    public static Problem? TryRead(HttpContext context, out CommandId? id)
    {
        id = null;
        var values = context.Request.Headers[Header];
        if (values.Count == 0)
            return null;
        if (values.Count > 1 || !CommandId.TryParse(values[0], out var parsed))
            return Problems.Create(400, ProblemCodes.InvalidIdempotencyKey, CommandId.Rule);
        id = parsed;
        return null;
    }

    public static CommandKey? Create(CommandId? id, HttpContext context, ReadOnlySpan<byte> body)
    {
        if (id is not { } present)
            return null;
        using var hash = Begin(context);
        hash.AppendData(body);
        return new CommandKey(present, End(hash));
    }

    /// <summary>Starts a hash with what all parts of a request have in common.</summary>
    public static IncrementalHash Begin(HttpContext context)
    {
        var request = context.Request;
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{request.Method} {request.PathBase}{request.Path}{request.QueryString}\n"));
        return hash;
    }

    public static ulong End(IncrementalHash hash)
    {
        Span<byte> bytes = stackalloc byte[32];
        hash.GetHashAndReset(bytes);
        return BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }
}
