using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Backhaul.Node.Transfers;

/// <summary>
/// Buffers of bodies. Each begins at a page's boundary and never moves, so that a disk can take it as it is, without a copy through the
/// page cache. Sizes are powers of two; what is given back is kept up to a bound, and the rest is left to the collector.
/// </summary>
internal static class ChunkPool
{
    /// <summary>What disks ask of memory and offsets at most.</summary>
    public const int Alignment = 4096;

    private const long KeptBytesMax = 32 * 1024 * 1024;

    private static readonly ConcurrentQueue<Memory<byte>>[] Kept = [.. Enumerable.Range(0, 31).Select(_ => new ConcurrentQueue<Memory<byte>>())];
    private static long _keptBytes;

    /// <summary>At least <paramref name="bytesMin"/> bytes, a power of two, with anything in them.</summary>
    public static Memory<byte> Rent(int bytesMin)
    {
        var bytes = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(bytesMin, Alignment));
        if (Kept[BitOperations.Log2((uint)bytes)].TryDequeue(out var kept))
        {
            Interlocked.Add(ref _keptBytes, -bytes);
            return kept;
        }
        var array = GC.AllocateUninitializedArray<byte>(bytes + Alignment, pinned: true);
        return array.AsMemory((int)(-AddressOf(array) & (Alignment - 1)), bytes);
    }

    /// <summary>Exactly what was rented, once, when nothing reads from it or writes into it.</summary>
    public static void Return(Memory<byte> chunk)
    {
        if (Interlocked.Add(ref _keptBytes, chunk.Length) <= KeptBytesMax)
            Kept[BitOperations.Log2((uint)chunk.Length)].Enqueue(chunk);
        else
            Interlocked.Add(ref _keptBytes, -chunk.Length);
    }

    /// <summary>Where bytes lie in memory; it says something lasting only of what does not move.</summary>
    public static unsafe nint AddressOf(ReadOnlySpan<byte> bytes) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes));
}
