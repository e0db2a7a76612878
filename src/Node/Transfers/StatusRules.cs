using System.Globalization;

namespace Backhaul.Node.Transfers;

/// <summary>Which statuses are results, which are tried again. Pure.</summary>
internal static class StatusRules
{
    /// <summary>2xx, and what the task accepts besides: <c>"404"</c> or <c>"400-499"</c>.</summary>
    public static bool IsAccepted(int status, IReadOnlyList<string> accepted) =>
        status is >= 200 and <= 299 || IsListed(status, accepted);

    public static bool IsListed(int status, IReadOnlyList<string> accepted)
    {
        for (var i = 0; i < accepted.Count; i++)
        {
            if (TryParseRange(accepted[i], out var first, out var last) && status >= first && status <= last)
                return true;
        }
        return false;
    }

    /// <summary>Reads one entry of the list; the edge refuses what this refuses.</summary>
    public static bool TryParseRange(string text, out int first, out int last)
    {
        last = 0;
        var dash = text.IndexOf('-');
        if (dash < 0)
        {
            var single = TryParseStatus(text, out first);
            last = first;
            return single;
        }
        return TryParseStatus(text.AsSpan(0, dash), out first) && TryParseStatus(text.AsSpan(dash + 1), out last) && first <= last;
    }

    private static bool TryParseStatus(ReadOnlySpan<char> text, out int status) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out status) && status is >= 200 and <= 599 && text.Length == 3;
}
