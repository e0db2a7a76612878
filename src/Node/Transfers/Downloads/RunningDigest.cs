using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>One digest over bytes in their order. Not for several threads at once.</summary>
internal sealed class RunningDigest(DigestAlgorithm algorithm) : IDisposable
{
    private static readonly uint[] Table = CreateTable();

    private readonly IncrementalHash? _hash = algorithm switch
    {
        DigestAlgorithm.Sha512 => IncrementalHash.CreateHash(HashAlgorithmName.SHA512),
        DigestAlgorithm.Sha256 => IncrementalHash.CreateHash(HashAlgorithmName.SHA256),
        DigestAlgorithm.Sha1 => IncrementalHash.CreateHash(HashAlgorithmName.SHA1),
        DigestAlgorithm.Md5 => IncrementalHash.CreateHash(HashAlgorithmName.MD5),
        _ => null,
    };

    private uint _crc = uint.MaxValue;

    public DigestAlgorithm Algorithm => algorithm;

    public static byte[] Of(DigestAlgorithm algorithm, ReadOnlySpan<byte> bytes)
    {
        using var digest = new RunningDigest(algorithm);
        digest.Append(bytes);
        return digest.Finish();
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_hash is not null)
            _hash.AppendData(bytes);
        else
            _crc = algorithm == DigestAlgorithm.Crc32C ? Castagnoli(_crc, bytes) : Ethernet(_crc, bytes);
    }

    public byte[] Finish()
    {
        if (_hash is not null)
            return _hash.GetHashAndReset();
        var value = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(value, ~_crc);
        _crc = uint.MaxValue;
        return value;
    }

    public void Dispose() => _hash?.Dispose();

    private static uint Castagnoli(uint crc, ReadOnlySpan<byte> bytes)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
            crc = BitOperations.Crc32C(crc, BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word));
        foreach (var one in bytes[(words.Length * sizeof(ulong))..])
            crc = BitOperations.Crc32C(crc, one);
        return crc;
    }

    /// <summary>The CRC of zip and Ethernet, eight bytes at a time by eight tables.</summary>
    private static uint Ethernet(uint crc, ReadOnlySpan<byte> bytes)
    {
        var table = Table;
        while (bytes.Length >= 8)
        {
            var low = BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ crc;
            var high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            crc = table[(7 * 256) + (byte)low] ^ table[(6 * 256) + (byte)(low >> 8)] ^ table[(5 * 256) + (byte)(low >> 16)] ^ table[(4 * 256) + (byte)(low >> 24)]
                ^ table[(3 * 256) + (byte)high] ^ table[(2 * 256) + (byte)(high >> 8)] ^ table[256 + (byte)(high >> 16)] ^ table[(byte)(high >> 24)];
            bytes = bytes[8..];
        }
        foreach (var one in bytes)
            crc = table[(byte)(crc ^ one)] ^ (crc >> 8);
        return crc;
    }

    private static uint[] CreateTable()
    {
        const uint polynomial = 0xEDB88320;
        var table = new uint[8 * 256];
        for (var i = 0; i < 256; i++)
        {
            var value = (uint)i;
            for (var bit = 0; bit < 8; bit++)
                value = (value & 1) != 0 ? (value >> 1) ^ polynomial : value >> 1;
            table[i] = value;
        }
        for (var i = 256; i < table.Length; i++)
            table[i] = table[(byte)table[i - 256]] ^ (table[i - 256] >> 8);
        return table;
    }
}
