using System.Globalization;

namespace Backhaul.Node.Transfers.Uploads.Resumable;

/// <summary>Numbers and truth values of header fields. What is malformed counts as not there. Pure.</summary>
internal static class FieldNumbers
{
    public static long? Parse(string? text) =>
        text?.Trim() is { Length: > 0 and <= 18 } digits && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>A Boolean of Structured Fields.</summary>
    public static bool? ParseTruth(string? text) => text?.Trim() switch
    {
        "?1" => true,
        "?0" => false,
        _ => null,
    };
}
