using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Backhaul.FaultOrigin;

/// <summary>The bytes of a URL: a function of seed and offset, so that any range can be made, and checked, without keeping a file.</summary>
public static class OriginContent
{
    private const int BlockBytes = 1024 * 1024;

    /// <summary>Writes the content of <paramref name="seed"/> from <paramref name="offset"/> on into <paramref name="into"/>.</summary>
    public static void Fill(Span<byte> into, string seed, long offset) => Fill(into, SeedOf(seed), offset);

    /// <summary>A part of the content.</summary>
    public static byte[] Bytes(string seed, long offset, int count)
    {
        var bytes = new byte[count];
        Fill(bytes, SeedOf(seed), offset);
        return bytes;
    }

    /// <summary>SHA-256 of the first <paramref name="length"/> bytes, in lower-case hex.</summary>
    public static string Sha256(string seed, long length)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var block = new byte[(int)Math.Min(BlockBytes, Math.Max(1, length))];
        var state = SeedOf(seed);
        for (long offset = 0; offset < length; offset += block.Length)
        {
            var count = (int)Math.Min(block.Length, length - offset);
            Fill(block.AsSpan(0, count), state, offset);
            hash.AppendData(block, 0, count);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static ulong SeedOf(string seed)
    {
        if (ulong.TryParse(seed, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return number;
        return BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(seed)));
    }

    private static void Fill(Span<byte> into, ulong seed, long offset)
    {
        var word = (ulong)offset / 8;
        var skip = (int)(offset % 8);
        if (skip != 0)
        {
            Span<byte> first = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(first, Word(seed, word++));
            var taken = Math.Min(8 - skip, into.Length);
            first.Slice(skip, taken).CopyTo(into);
            into = into[taken..];
        }
        var whole = MemoryMarshal.Cast<byte, ulong>(into[..(into.Length & ~7)]);
        for (var i = 0; i < whole.Length; i++)
            whole[i] = Word(seed, word++);
        var rest = into[(into.Length & ~7)..];
        if (rest.Length == 0)
            return;
        Span<byte> last = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(last, Word(seed, word));
        last[..rest.Length].CopyTo(rest);
    }

    /// <summary>SplitMix64 by counter.</summary>
    private static ulong Word(ulong seed, ulong index)
    {
        var z = seed + ((index + 1) * 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
