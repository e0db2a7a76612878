using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Backhaul.Node.Transfers;

/// <summary>
/// Buffers of bodies. Each begins at a page's boundary and never moves, so that a disk can take it as it is, without a copy through the
/// page cache. Sizes are powers of two. Large ones are few: when there is no room for one, whoever asks gets the next smaller one that there
/// is room for, and at last a small one, so a thousand transfers cost a thousand small buffers and a fixed amount at most, however quick their peers are.
/// </summary>
internal static class ChunkPool
{
    /// <summary>What disks ask of memory and offsets at most.</summary>
    public const int Alignment = 4096;

    /// <summary>A small buffer; there are as many as are asked for.</summary>
    public const int SmallBytes = 32 * 1024;

    /// <summary>Of all large ones together, out or kept.</summary>
    private const long LargeBytesMax = 32 * 1024 * 1024;

    /// <summary>Of the small ones that are kept; the rest is left to the collector.</summary>
    private const long KeptSmallBytesMax = 32 * 1024 * 1024;

    private static readonly ConcurrentQueue<Memory<byte>>[] Kept = [.. Enumerable.Range(0, 31).Select(_ => new ConcurrentQueue<Memory<byte>>())];
    private static long _largeBytes;
    private static long _keptLargeBytes;
    private static long _keptSmallBytes;

    /// <summary>As many bytes as wanted, rounded up to a power of two, or fewer, but <see cref="SmallBytes"/> at least, when that is too much now; with anything in them.</summary>
    public static Memory<byte> Rent(int bytesWanted)
    {
        var bytes = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(bytesWanted, Alignment));
        for (; bytes > SmallBytes; bytes = Math.Max(bytes / 4, SmallBytes))
        {
            if (TryTakeKept(bytes, out var large))
                return large;
            if (MakeRoom(bytes))
                return New(bytes);
        }
        return TryTakeKept(bytes, out var small) ? small : New(bytes);
    }

    /// <summary>Exactly what was rented, once, when nothing reads from it or writes into it.</summary>
    public static void Return(Memory<byte> chunk)
    {
        var isLarge = chunk.Length > SmallBytes;
        ref var kept = ref isLarge ? ref _keptLargeBytes : ref _keptSmallBytes;
        if (Interlocked.Add(ref kept, chunk.Length) <= KeptSmallBytesMax || isLarge)
            Kept[BitOperations.Log2((uint)chunk.Length)].Enqueue(chunk);
        else
            Interlocked.Add(ref kept, -chunk.Length);
    }

    private static bool TryTakeKept(int bytes, out Memory<byte> chunk)
    {
        if (!Kept[BitOperations.Log2((uint)bytes)].TryDequeue(out chunk))
            return false;
        Interlocked.Add(ref bytes > SmallBytes ? ref _keptLargeBytes : ref _keptSmallBytes, -bytes);
        return true;
    }

    /// <summary>Large ones of another size that nobody uses go first, unless all of them together are not enough.</summary>
    private static bool MakeRoom(int bytes)
    {
        if (Interlocked.Add(ref _largeBytes, bytes) <= LargeBytesMax)
            return true;
        if (Volatile.Read(ref _largeBytes) - Volatile.Read(ref _keptLargeBytes) <= LargeBytesMax)
        {
            for (var size = SmallBytes * 2; size > 0 && size <= 1 << 29; size *= 2)
            {
                while (Volatile.Read(ref _largeBytes) > LargeBytesMax && TryTakeKept(size, out _))
                    Interlocked.Add(ref _largeBytes, -size);
            }
            if (Volatile.Read(ref _largeBytes) <= LargeBytesMax)
                return true;
        }
        Interlocked.Add(ref _largeBytes, -bytes);
        return false;
    }

    private static Memory<byte> New(int bytes)
    {
        var array = GC.AllocateUninitializedArray<byte>(bytes + Alignment, pinned: true);
        return array.AsMemory((int)(-AddressOf(array) & (Alignment - 1)), bytes);
    }

    /// <summary>Where bytes lie in memory; it says something lasting only of what does not move.</summary>
    public static unsafe nint AddressOf(ReadOnlySpan<byte> bytes) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes));
}
