using System.Buffers;

namespace Backhaul.Node.Files.S3;

/// <summary>The bytes of one part until the store has them. Used under its owner's lock, but for the upload, which only reads.</summary>
internal sealed class PartBuffer(int number, ByteRange range)
{
    private byte[]? _bytes = ArrayPool<byte>.Shared.Rent((int)range.Length);

    public int Number => number;

    public ByteRange Range { get; private set; } = range;

    /// <summary>What of the part was written.</summary>
    public RangeSet Written { get; private set; } = RangeSet.Empty;

    public bool IsFull => Written.Contains(Range);

    public bool IsUploading { get; set; }

    public void Write(ReadOnlySpan<byte> chunk, long offset)
    {
        chunk.CopyTo(_bytes.AsSpan((int)(offset - Range.From)));
        Written = Written.Add(new ByteRange(offset, offset + chunk.Length));
    }

    /// <summary>The file ends within this part.</summary>
    public void EndAt(long length) => Range = Range with { To = length };

    public ReadOnlyMemory<byte> Content(long length) => _bytes.AsMemory(0, (int)length);

    public void Free()
    {
        if (Interlocked.Exchange(ref _bytes, null) is { } bytes)
            ArrayPool<byte>.Shared.Return(bytes);
    }
}
