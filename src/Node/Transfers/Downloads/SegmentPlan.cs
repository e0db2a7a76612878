using Backhaul.Node.Files;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// Which bytes of a file are fetched next, and by whom: the one answer for all connections of a download.
/// <code>
/// next:  1. wanted bytes that nobody fetches, in the order of their wish
///        2. the first gap that nobody fetches
///        3. the second half of the longest segment under way, when it is worth a request
/// </code>
/// Invariants: no byte belongs to two segments; a byte is taken once, unless its segment was given back before it was taken; taken bytes
/// and segments and gaps are the whole file. It knows no task, clock or file: time and disks are its callers'.
/// </summary>
/// <param name="total">Length of the file; null when it is not known: then there is one segment without an end.</param>
/// <param name="taken">What the part holds.</param>
/// <param name="splitBytesMin">The shortest half that a split may leave.</param>
internal sealed class SegmentPlan(long? total, RangeSet taken, long splitBytesMin)
{
    /// <summary>The end of a file whose length nobody knows.</summary>
    public const long Unbounded = long.MaxValue;

    /// <summary>Splits happen at multiples of it, so that disks see whole pages.</summary>
    private const long SplitAlignment = 64 * 1024;

    /// <summary>A segment that will be at a wanted byte this soon is left alone.</summary>
    private const long NearBytes = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly List<Segment> _active = [];
    private RangeSet _taken = taken;
    private RangeSet _wanted = RangeSet.Empty;
    private long? _total = total;

    public long? Total
    {
        get
        {
            lock (_gate)
                return _total;
        }
    }

    /// <summary>What has gone to the writer, and what was there before.</summary>
    public RangeSet Taken
    {
        get
        {
            lock (_gate)
                return _taken;
        }
    }

    public bool IsComplete
    {
        get
        {
            lock (_gate)
                return _total is { } known && _taken.Prefix >= known;
        }
    }

    /// <summary>Wanted bytes are missing, and no segment comes to them soon.</summary>
    public bool IsPressed
    {
        get
        {
            lock (_gate)
                return FirstWanted() is { } first && !_active.Exists(segment => segment.At <= first.From && first.From < Math.Min(segment.To, segment.At + NearBytes));
        }
    }

    /// <summary>The length became known. A file that is shorter than what lies there is not this one: the caller has judged that.</summary>
    public void Learn(long length)
    {
        lock (_gate)
        {
            _total = length;
            foreach (var segment in _active)
                segment.To = Math.Max(segment.At, Math.Min(segment.To, length));
        }
    }

    /// <summary>These bytes first, before those that were wanted earlier and are not there yet.</summary>
    public void Want(RangeSet ranges)
    {
        lock (_gate)
            _wanted = ranges;
    }

    /// <summary>A body that begins with the file's first byte and goes to its end.</summary>
    public Segment OpenWhole()
    {
        lock (_gate)
            return Activate(0, _total ?? Unbounded);
    }

    /// <summary>Nothing, behind the last byte of a file that is there whole: the origin is asked whether it still is that file. Null when bytes are missing.</summary>
    public Segment? OpenEnd()
    {
        lock (_gate)
            return _total is { } total && _taken.Prefix >= total ? Activate(total, total) : null;
    }

    /// <summary>The next segment for a connection that has none; null when nothing is worth one.</summary>
    /// <param name="splits">Whether a segment under way may be split for it.</param>
    public Segment? Next(bool splits)
    {
        lock (_gate)
        {
            if (_total is not { } total)
                return _active.Count == 0 ? Activate(_taken.Prefix, Unbounded) : null;
            var free = _taken.Missing(total);
            foreach (var segment in _active)
                free = free.Remove(new ByteRange(segment.At, segment.To));
            if (FirstWanted() is { } wanted && NextWanted(wanted, free, splits) is { } urgent)
                return urgent;
            if (!free.IsEmpty)
                return Activate(free[0].From, free[0].To);
            return splits ? SplitLongest() : null;
        }
    }

    /// <summary>
    /// Bytes <paramref name="from"/> to <paramref name="to"/> go to the writer, up to the answer: what is beyond it is another's. Nothing is taken that does
    /// not continue the segment: a segment that was cut and grew again has a gap behind what its pump read meanwhile.
    /// </summary>
    public long Advance(Segment segment, long from, long to)
    {
        lock (_gate)
        {
            var end = Math.Min(to, segment.To);
            if (from != segment.At || end <= from)
                return from;
            _taken = _taken.Add(new ByteRange(from, end));
            segment.At = end;
            return end;
        }
    }

    /// <summary>Its connection is through with it; what it did not take is free.</summary>
    public void Release(Segment segment)
    {
        lock (_gate)
            _active.Remove(segment);
    }

    /// <summary>As <see cref="Release"/>, but when the connection before it still has those bytes in its body, they come from there.</summary>
    public void GiveBack(Segment segment)
    {
        lock (_gate)
        {
            _active.Remove(segment);
            if (segment.Left > 0 && _active.Find(before => before.To == segment.At && before.Limit >= segment.To) is { } before)
                before.To = segment.To;
        }
    }

    /// <summary>Ends it where it is.</summary>
    public void Cut(Segment segment)
    {
        lock (_gate)
            segment.To = segment.At;
    }

    private ByteRange? FirstWanted()
    {
        if (_wanted.IsEmpty || _total is not { } total)
            return null;
        foreach (var range in _wanted)
        {
            var missing = new ByteRange(Math.Min(range.From, total), Math.Min(range.To, total)) is { IsEmpty: false } inside
                ? RangeSet.Of(inside.From, inside.To).Remove(_taken)
                : RangeSet.Empty;
            if (!missing.IsEmpty)
                return missing[0];
        }
        return null;
    }

    private Segment? NextWanted(ByteRange wanted, RangeSet free, bool splits)
    {
        foreach (var gap in free)
        {
            if (gap.Intersect(wanted) is { IsEmpty: false } open)
                return Activate(open.From, open.To);
        }
        // All of it belongs to segments under way: one that is far from it lets it go.
        if (!splits || _active.Find(segment => segment.At + NearBytes <= wanted.From && wanted.From < segment.To) is not { } holder)
            return null;
        var to = Math.Min(wanted.To, holder.To);
        holder.To = wanted.From;
        return Activate(wanted.From, to);
    }

    private Segment? SplitLongest()
    {
        var longest = _active.MaxBy(segment => segment.Left);
        if (longest is null || longest.Left < 2 * splitBytesMin)
            return null;
        var middle = longest.At + (longest.Left / 2);
        middle = Math.Min(middle + SplitAlignment - 1, longest.To - 1) / SplitAlignment * SplitAlignment;
        if (middle <= longest.At || middle >= longest.To)
            return null;
        var to = longest.To;
        longest.To = middle;
        return Activate(middle, to);
    }

    private Segment Activate(long from, long to)
    {
        var segment = new Segment(from, to);
        _active.Add(segment);
        return segment;
    }
}
