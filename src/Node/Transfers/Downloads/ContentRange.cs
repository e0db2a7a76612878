using System.Globalization;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// <c>Content-Range</c>, read by hand: the typed property is null for malformed values and accepts other units than bytes. Pure.
/// </summary>
/// <param name="First">First byte of the body; null in the form <c>bytes */T</c>.</param>
/// <param name="Last">Last byte, inclusive; null in the form <c>bytes */T</c>.</param>
/// <param name="Total">Length of the whole; null when the server says <c>*</c>.</param>
internal readonly record struct ContentRange(long? First, long? Last, long? Total)
{
    public static bool TryParse(string? text, out ContentRange range)
    {
        range = default;
        if (text is null || !text.StartsWith("bytes ", StringComparison.OrdinalIgnoreCase))
            return false;
        var rest = text.AsSpan(6).Trim();
        var slash = rest.IndexOf('/');
        if (slash <= 0)
            return false;
        var span = rest[..slash].Trim();
        long? total = null;
        if (rest[(slash + 1)..].Trim() is not "*")
        {
            if (!TryNumber(rest[(slash + 1)..].Trim(), out var number))
                return false;
            total = number;
        }
        if (span is "*")
        {
            range = new ContentRange(null, null, total);
            return total is not null;
        }
        var dash = span.IndexOf('-');
        if (dash <= 0 || !TryNumber(span[..dash].Trim(), out var first) || !TryNumber(span[(dash + 1)..].Trim(), out var last))
            return false;
        if (first > last || last >= total)
            return false;
        range = new ContentRange(first, last, total);
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<char> text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
