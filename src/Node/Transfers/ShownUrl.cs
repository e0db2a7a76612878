using System.Diagnostics.CodeAnalysis;

namespace Backhaul.Node.Transfers;

/// <summary>
/// A URL as it is shown and written down where nothing needs all of it: its query is cut off, because it often is a signature that lets its holder fetch
/// the file. What is sealed of it is cut off as well. What is left is a URL.
/// </summary>
internal static class ShownUrl
{
    [return: NotNullIfNotNull(nameof(url))]
    public static string? Of(string? url)
    {
        if (url is null)
            return null;
        var query = url.AsSpan().IndexOfAny('?', '#');
        return query < 0 ? url : string.Concat(url.AsSpan(0, query), "?...");
    }
}
