using System.Collections;
using System.Text.Json.Serialization;

namespace Backhaul.Node.Files;

/// <summary>
/// Which bytes of a file: immutable, its ranges sorted, disjoint and merged, so that two sets of the same bytes are equal. A download in
/// segments has a handful of ranges, and its map is copied at every chunk: an array that is copied beats a tree.
/// As JSON an array of <c>[from, to]</c>. Pure.
/// </summary>
[JsonConverter(typeof(RangeSetConverter))]
internal sealed class RangeSet : IReadOnlyList<ByteRange>, IEquatable<RangeSet>
{
    public static readonly RangeSet Empty = new([]);

    private readonly ByteRange[] _ranges;

    private RangeSet(ByteRange[] ranges) => _ranges = ranges;

    public int Count => _ranges.Length;

    public bool IsEmpty => _ranges.Length == 0;

    public ByteRange this[int index] => _ranges[index];

    /// <summary>End of the run that starts at 0; 0 when the first byte is missing.</summary>
    public long Prefix => _ranges is [{ From: 0 } first, ..] ? first.To : 0;

    /// <summary>End of the last range.</summary>
    public long End => _ranges is [.., var last] ? last.To : 0;

    /// <summary>How many bytes in all.</summary>
    public long Length
    {
        get
        {
            long sum = 0;
            foreach (var range in _ranges)
                sum += range.Length;
            return sum;
        }
    }

    public static RangeSet Of(long from, long to) => Empty.Add(new ByteRange(from, to));

    public static RangeSet Of(IEnumerable<ByteRange> ranges)
    {
        var set = Empty;
        foreach (var range in ranges)
            set = set.Add(range);
        return set;
    }

    public RangeSet Add(ByteRange range)
    {
        Check(range);
        if (range.IsEmpty || Contains(range))
            return this;
        // Those that touch the new one become one with it.
        var first = FirstEndingAtOrAfter(range.From);
        var last = first;
        var (from, to) = (range.From, range.To);
        while (last < _ranges.Length && _ranges[last].From <= range.To)
        {
            from = Math.Min(from, _ranges[last].From);
            to = Math.Max(to, _ranges[last].To);
            last++;
        }
        return new RangeSet([.. _ranges.AsSpan(0, first), new ByteRange(from, to), .. _ranges.AsSpan(last)]);
    }

    public RangeSet Add(RangeSet other)
    {
        var set = this;
        foreach (var range in other._ranges)
            set = set.Add(range);
        return set;
    }

    public RangeSet Remove(ByteRange range)
    {
        Check(range);
        if (range.IsEmpty || !Overlaps(range))
            return this;
        var kept = new List<ByteRange>(_ranges.Length + 1);
        foreach (var present in _ranges)
        {
            Keep(new ByteRange(present.From, Math.Min(present.To, range.From)));
            Keep(new ByteRange(Math.Max(present.From, range.To), present.To));
        }
        return new RangeSet([.. kept]);

        void Keep(ByteRange rest)
        {
            if (!rest.IsEmpty)
                kept.Add(rest);
        }
    }

    public RangeSet Remove(RangeSet other)
    {
        var set = this;
        foreach (var range in other._ranges)
            set = set.Remove(range);
        return set;
    }

    /// <summary>What is in both.</summary>
    public RangeSet Intersect(ByteRange range)
    {
        Check(range);
        return Of(_ranges.Select(present => present.Intersect(range)).Where(both => !both.IsEmpty));
    }

    /// <summary>All of the range's bytes are here; true of an empty range.</summary>
    public bool Contains(ByteRange range)
    {
        if (range.IsEmpty)
            return true;
        var index = FirstEndingAtOrAfter(range.To);
        return index < _ranges.Length && _ranges[index].From <= range.From;
    }

    public bool Overlaps(ByteRange range)
    {
        var index = FirstEndingAtOrAfter(range.From + 1);
        return !range.IsEmpty && index < _ranges.Length && _ranges[index].From < range.To;
    }

    /// <summary>What of a file of this length is not here.</summary>
    public RangeSet Missing(long total) => Of(0, total).Remove(this);

    /// <summary>End of the run of bytes that begins at an offset; the offset itself when that byte is missing.</summary>
    public long RunFrom(long offset)
    {
        var index = FirstEndingAtOrAfter(offset + 1);
        return index < _ranges.Length && _ranges[index].From <= offset ? _ranges[index].To : offset;
    }

    public bool Equals(RangeSet? other) => other is not null && _ranges.AsSpan().SequenceEqual(other._ranges);

    public override bool Equals(object? obj) => Equals(obj as RangeSet);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var range in _ranges)
            hash.Add(range);
        return hash.ToHashCode();
    }

    public override string ToString() => string.Join(' ', _ranges);

    public IEnumerator<ByteRange> GetEnumerator() => ((IEnumerable<ByteRange>)_ranges).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int FirstEndingAtOrAfter(long offset)
    {
        int low = 0, high = _ranges.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].To >= offset)
                high = middle;
            else
                low = middle + 1;
        }
        return low;
    }

    private static void Check(ByteRange range)
    {
        if (range.From < 0 || range.To < range.From)
            throw new ArgumentOutOfRangeException(nameof(range), range, "A range begins at 0 or later and does not end before it begins.");
    }
}
