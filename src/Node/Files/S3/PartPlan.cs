namespace Backhaul.Node.Files.S3;

/// <summary>
/// How an object is cut into the parts of a multipart upload: at least 5 MiB each but the last, at most 10,000, at most 5 GiB each. A known length gives parts
/// of one size, grown until they are few enough. An unknown one gives 900 parts of the first size, then 900 of twice that, and so on: no
/// length that a store takes needs more than 10,000, and small files have small parts. Pure; persisted by its two arguments.
/// </summary>
/// <param name="FirstBytes">Size of the first part.</param>
/// <param name="Grows">The length was not known: every 900 parts the size doubles.</param>
internal readonly record struct PartPlan(long FirstBytes, bool Grows)
{
    public const int PartsMax = 10_000;
    public const long PartBytesMin = 5L << 20;
    public const long PartBytesMax = 5L << 30;
    public const long ObjectBytesMax = 5L << 40;

    private const int StepParts = 900;
    private const long Unit = 1L << 20;

    /// <param name="length">Of the whole object, when known.</param>
    /// <param name="wanted">The size of a part where the limits leave the choice.</param>
    public static PartPlan For(long? length, long wanted)
    {
        if (length is not { } total)
            return new PartPlan(wanted, Grows: true);
        var needed = (total + PartsMax - 1) / PartsMax;
        return new PartPlan(needed <= wanted ? wanted : (needed + Unit - 1) / Unit * Unit, Grows: false);
    }

    /// <summary>The part in which a byte lies; numbers begin at 1.</summary>
    public int NumberAt(long offset)
    {
        if (!Grows)
            return (int)(offset / FirstBytes) + 1;
        var (number, start, size) = (1, 0L, FirstBytes);
        while (offset - start >= size * StepParts)
        {
            start += size * StepParts;
            number += StepParts;
            size = Math.Min(size * 2, PartBytesMax);
        }
        return number + (int)((offset - start) / size);
    }

    /// <summary>The bytes of a part that is not the last one.</summary>
    public ByteRange RangeOf(int number)
    {
        if (!Grows)
            return new ByteRange((number - 1) * FirstBytes, number * FirstBytes);
        var (first, start, size) = (1, 0L, FirstBytes);
        while (number - first >= StepParts)
        {
            start += size * StepParts;
            first += StepParts;
            size = Math.Min(size * 2, PartBytesMax);
        }
        start += (number - first) * size;
        return new ByteRange(start, start + size);
    }

    /// <summary>How many parts an object of this length has.</summary>
    public int CountFor(long length) => length == 0 ? 0 : NumberAt(length - 1);
}
