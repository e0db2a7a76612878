using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Backhaul.Node.Transfers;

namespace Backhaul.Node.Files.S3;

/// <summary>
/// By what an object of ours is known again. A disk has inodes; a store keeps what it was told at the beginning of an upload, and shows it with the finished
/// object: the birth, a hash of task and part name, unique for each body that was begun. Pure.
/// </summary>
internal static class S3Identity
{
    private const int Bytes = 16;

    /// <summary>Hexadecimal, so that it travels in a header whatever the task is called.</summary>
    public static string Birth(string stem, PartName part) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{stem}/v{part.BirthEpoch}-{part.BirthNumber}"))[..Bytes]);

    /// <summary>The identity in a checkpoint: the birth's first eight bytes take the inode's place, and there is no time.</summary>
    public static FileIdentity Of(string birth, long length) => new(BinaryPrimitives.ReadUInt64BigEndian(Convert.FromHexString(birth)), length, 0);

    /// <summary>The identity of a found object, with the tag in the inode's place when it was not written by a task.</summary>
    public static FileIdentity OfSource(S3Found found) => new(
        BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(found.ETag))), found.Length, found.Modified.ToUnixTimeMilliseconds() * 1_000_000);

    public static bool IsHex(string? birth) => birth?.Length == Bytes * 2 && birth.All(char.IsAsciiHexDigitLower);
}
