namespace Backhaul.Node.Transfers.Downloads;

/// <summary>The bytes that one connection fetches now. Changed by its <see cref="SegmentPlan"/> only, under the plan's lock.</summary>
internal sealed class Segment(long from, long to)
{
    private long _at = from;
    private long _to = to;

    /// <summary>Its first byte.</summary>
    public long From { get; } = from;

    /// <summary>Every byte before it has gone to the writer.</summary>
    public long At
    {
        get => Volatile.Read(ref _at);
        set => Volatile.Write(ref _at, value);
    }

    /// <summary>The byte after its last one; goes down when it is split or cut, and up when what was split off comes back.</summary>
    public long To
    {
        get => Volatile.Read(ref _to);
        set => Volatile.Write(ref _to, value);
    }

    /// <summary>How far the body of its connection reaches.</summary>
    public long Limit { get; set; } = to;

    public long Left => To - At;
}
