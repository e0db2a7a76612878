using System.Collections.Frozen;
using System.Net.Http.Headers;

namespace Backhaul.Node.Egress;

/// <summary>Which headers go out: how they are added, and which of them may leave the origin they were given for.</summary>
internal static class RequestHeaders
{
    /// <summary>Headers that say nothing about who asks. Everything else stays with the origin of the task's URL.</summary>
    private static readonly FrozenSet<string> TravelsAnywhere = FrozenSet.ToFrozenSet(
        ["Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Content-Language", "Content-Type", "If-Range", "Pragma", "Range", "User-Agent"],
        StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> ContentHeaders = FrozenSet.ToFrozenSet(
        [
            "Allow", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length", "Content-Location", "Content-MD5",
            "Content-Range", "Content-Type", "Expires", "Last-Modified",
        ],
        StringComparer.OrdinalIgnoreCase);

    public static bool MayTravel(string name) => TravelsAnywhere.Contains(name);

    /// <summary>True for headers that describe a body and are kept with it.</summary>
    public static bool DescribesContent(string name) => ContentHeaders.Contains(name);

    /// <summary>False when HTTP does not allow the value under this name. The edge asks this before a task is accepted.</summary>
    public static bool CanSend(string name, string value)
    {
        using var request = new HttpRequestMessage();
        if (!DescribesContent(name))
            return TryAdd(request.Headers, name, value);
        using var content = new ByteArrayContent([]);
        return TryAdd(content.Headers, name, value);
    }

    public static bool TryAdd(HttpHeaders headers, string name, string value)
    {
        try
        {
            headers.Add(name, value);
            return true;
        }
        catch (Exception refused) when (refused is FormatException or ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Values that must not be shown, neither in a view nor in an event.</summary>
    public static bool IsSecret(string name) =>
        name.Contains("cookie", StringComparison.OrdinalIgnoreCase)
        || name.Contains("auth", StringComparison.OrdinalIgnoreCase)
        || name.Contains("token", StringComparison.OrdinalIgnoreCase)
        || name.Contains("secret", StringComparison.OrdinalIgnoreCase)
        || name.Contains("signature", StringComparison.OrdinalIgnoreCase)
        || name.EndsWith("key", StringComparison.OrdinalIgnoreCase);
}
