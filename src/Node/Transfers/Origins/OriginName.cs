using System.Buffers;

namespace Backhaul.Node.Transfers.Origins;

/// <summary>
/// How an origin is called wherever something is counted or held back for it: scheme, host and port as <c>https://example.org</c> or
/// <c>http://10.0.0.7:8080</c>, in lower case, the port left out where it is the scheme's own. Pure.
/// </summary>
internal static class OriginName
{
    private static readonly SearchValues<char> Plain = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]");

    public static string Of(Uri url) =>
        (url.IsDefaultPort ? $"{url.Scheme}://{Host(url)}" : $"{url.Scheme}://{Host(url)}:{url.Port}").ToLowerInvariant();

    /// <summary>The same for a URL's text, without making strings; the case stays, so compare without it.</summary>
    public static ReadOnlySpan<char> Of(string url)
    {
        var scheme = url.AsSpan(0, url.IndexOf("://", StringComparison.Ordinal) + 3);
        var rest = url.AsSpan(scheme.Length);
        var end = rest.IndexOfAny('/', '?', '#');
        var authority = end < 0 ? rest : rest[..end];
        if (authority.ContainsAnyExcept(Plain) || authority.EndsWith(".", StringComparison.Ordinal) || authority.Contains(".:", StringComparison.Ordinal))
            return Uri.TryCreate(url, UriKind.Absolute, out var parsed) ? Of(parsed) : url.AsSpan(0, scheme.Length + authority.Length);
        var own = scheme.Equals("https://", StringComparison.OrdinalIgnoreCase) ? ":443" : ":80";
        var name = authority.EndsWith(own, StringComparison.Ordinal) ? authority[..^own.Length] : authority;
        return url.AsSpan(0, scheme.Length + name.Length);
    }

    /// <summary>International names in their form for the network; the dot that may end a name says nothing.</summary>
    private static string Host(Uri url)
    {
        var host = url.HostNameType is UriHostNameType.IPv6 ? url.Host : url.IdnHost;
        return host.Length > 1 && host[^1] == '.' ? host[..^1] : host;
    }
}
