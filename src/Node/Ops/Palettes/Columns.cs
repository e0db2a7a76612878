using System.Globalization;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>How values read in columns.</summary>
internal static class Columns
{
    public static string Time(DateTimeOffset? at) => at?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture) ?? "-";

    public static string Number(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "-";

    /// <summary>For instance <c>1.5 MiB</c>.</summary>
    public static string Size(long bytes)
    {
        ReadOnlySpan<string> units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        var value = (double)bytes;
        var unit = 0;
        for (; value >= 1024 && unit < units.Length - 1; unit++)
            value /= 1024;
        return unit == 0 ? $"{bytes} B" : string.Create(CultureInfo.InvariantCulture, $"{value:0.0} {units[unit]}");
    }

    /// <summary>For instance <c>2d 03:04:05</c>.</summary>
    public static string Duration(TimeSpan span) => span.Days > 0
        ? string.Create(CultureInfo.InvariantCulture, $"{span.Days}d {span:hh\\:mm\\:ss}")
        : span.ToString("hh\\:mm\\:ss", CultureInfo.InvariantCulture);

    /// <summary>For instance <c>42 %</c>, or the bytes when the total is unknown.</summary>
    public static string Progress(long done, long? total) => total switch
    {
        null => Size(done),
        0 => "100 %",
        { } all => string.Create(CultureInfo.InvariantCulture, $"{Math.Min(100, 100.0 * done / all):0} %"),
    };

    public static string Count(long count, string one, string many) => $"Count: {Number(count)} {(count == 1 ? one : many)}";
}
