using Backhaul.Node.Files;
using Microsoft.Net.Http.Headers;

namespace Backhaul.Node.Api;

/// <summary>Which durable bytes of an unfinished file answer a Range. Pure.</summary>
/// <param name="From">The first byte asked for.</param>
/// <param name="To">After the last byte that is there without a gap; <paramref name="From"/> when the first one is missing.</param>
/// <param name="IsReady">All that was asked for is there; of a range without an end: something is.</param>
/// <param name="IsBeyond">The range begins after the file's end.</param>
internal readonly record struct PartRange(long From, long To, bool IsReady, bool IsBeyond)
{
    /// <summary>Without a range there is nothing to answer with: the whole is not there.</summary>
    public static PartRange Of(RangeHeaderValue? header, RangeSet durable, long? total)
    {
        if (header is not { Ranges.Count: 1 } || !header.Unit.Equals("bytes", StringComparison.OrdinalIgnoreCase))
            return default;
        var asked = header.Ranges.First();
        if (asked.From is null && total is null)
            return default; // the last bytes of a file whose end nobody knows
        var from = asked.From ?? Math.Max(0, total!.Value - asked.To!.Value);
        if (from >= total)
            return new PartRange(from, from, IsReady: false, IsBeyond: true);
        long? wanted = asked.From is null ? total : asked.To is { } last ? Math.Min(last == long.MaxValue ? last : last + 1, total ?? long.MaxValue) : null;
        var to = Math.Min(durable.RunFrom(from), wanted ?? long.MaxValue);
        return new PartRange(from, to, IsReady: to > from && (wanted is null || to == wanted), IsBeyond: false);
    }
}
