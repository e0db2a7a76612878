using System.Net;

namespace Backhaul.Node.Security;

/// <summary>One address of <c>urls</c>: where a door is.</summary>
internal sealed record ListenAddress(string Scheme, string Host, int Port)
{
    /// <summary>True when only this machine can reach it.</summary>
    public bool IsLoopback =>
        Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(Host, out var address) && IPAddress.IsLoopback(address));

    /// <summary>Reads a list separated by semicolons. The fault is a sentence, null when there is none.</summary>
    public static IReadOnlyList<ListenAddress> ParseList(string urls, out string? fault)
    {
        var addresses = new List<ListenAddress>();
        fault = null;
        foreach (var text in urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (Parse(text) is not { } address)
            {
                fault = $"\"{text}\" is not an address to listen on. Write http://127.0.0.1:5080 or https://host:port; several are separated by semicolons.";
                return [];
            }
            addresses.Add(address);
        }
        if (addresses.Count == 0)
            fault = "There is no address to listen on. Set urls (ASPNETCORE_URLS), for instance to http://127.0.0.1:5080.";
        return addresses;
    }

    public override string ToString() => $"{Scheme}://{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{Port}";

    private static ListenAddress? Parse(string text)
    {
        // * and + mean every address; Uri knows neither.
        var plain = text.Replace("://*", "://[::]", StringComparison.Ordinal).Replace("://+", "://[::]", StringComparison.Ordinal);
        if (!Uri.TryCreate(plain, UriKind.Absolute, out var uri) || uri.AbsolutePath != "/" || uri.Query.Length > 0 || uri.UserInfo.Length > 0)
            return null;
        if (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps)
            return null;
        return new ListenAddress(uri.Scheme, uri.Host.Trim('[', ']'), uri.Port);
    }
}
