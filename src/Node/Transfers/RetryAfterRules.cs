using System.Globalization;

namespace Backhaul.Node.Transfers;

/// <summary>
/// <c>Retry-After</c>: seconds or an HTTP date. Negative and senseless values are ignored, long ones cut to a day, dates in the past
/// mean now. Pure.
/// </summary>
internal static class RetryAfterRules
{
    private static readonly TimeSpan Longest = TimeSpan.FromHours(24);

    private static readonly string[] DateForms =
        ["r", "ddd, d MMM yyyy HH:mm:ss 'GMT'", "dddd, dd-MMM-yy HH:mm:ss 'GMT'", "ddd MMM d HH:mm:ss yyyy", "ddd MMM  d HH:mm:ss yyyy"];

    public static TimeSpan? Parse(string? value, DateTimeOffset now)
    {
        var text = value?.Trim();
        if (string.IsNullOrEmpty(text))
            return null;
        if (!text.AsSpan().ContainsAnyExceptInRange('0', '9'))
        {
            // More digits than a long has are still a number, and longer than a day.
            var known = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds);
            return known && seconds < Longest.TotalSeconds ? TimeSpan.FromSeconds(seconds) : Longest;
        }
        if (!TryParseDate(text, out var at))
            return null;
        var wait = at - now;
        return wait <= TimeSpan.Zero ? TimeSpan.Zero : wait < Longest ? wait : Longest;
    }

    /// <summary>Any of the three forms of RFC 9110 5.6.7.</summary>
    public static bool TryParseDate(string? text, out DateTimeOffset at) =>
        DateTimeOffset.TryParseExact(
            text, DateForms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out at);
}
