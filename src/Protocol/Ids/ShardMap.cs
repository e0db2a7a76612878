using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Backhaul.Protocol;

/// <summary>
/// From a session to its shard, for ever the same: the first four bytes, big-endian, of the SHA-256 of <c>tenant/identifier</c> in
/// UTF-8, modulo the number of shards. Any language can compute it; vectors are published in docs/protocol.md.
/// </summary>
public static class ShardMap
{
    /// <summary>How many shards a cluster has when nothing else was chosen at its creation.</summary>
    public const int ShardCountDefault = 256;

    /// <summary>The shard of a session.</summary>
    public static int ShardOf(SessionKey session, int shardCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shardCount);
        Span<byte> text = stackalloc byte[256];
        Span<byte> hash = stackalloc byte[32];
        var length = Encoding.UTF8.GetBytes(session.ToString(), text);
        SHA256.HashData(text[..length], hash);
        return (int)(BinaryPrimitives.ReadUInt32BigEndian(hash) % (uint)shardCount);
    }
}
