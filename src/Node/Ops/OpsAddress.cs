using System.Net;
using System.Net.Sockets;

namespace Backhaul.Node.Ops;

/// <summary>Where the operator's edge listens.</summary>
internal sealed record OpsAddress(IPAddress Address, int Port)
{
    public bool IsLoopback => IPAddress.IsLoopback(Address);

    public IPEndPoint EndPoint => new(Address, Port);

    public static bool TryParse(string? text, out OpsAddress address)
    {
        address = new OpsAddress(IPAddress.Loopback, 0);
        if (text is null)
            return false;
        // * and + are no host names for Uri, but usual in ASPNETCORE_URLS.
        var uriText = text.Replace("://*", "://[::]", StringComparison.Ordinal).Replace("://+", "://[::]", StringComparison.Ordinal);
        if (!Uri.TryCreate(uriText, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttp || uri.PathAndQuery != "/" || uri.UserInfo.Length > 0)
            return false;
        if (uri.Host == "localhost")
        {
            address = new OpsAddress(IPAddress.Loopback, uri.Port);
            return true;
        }
        if (!IPAddress.TryParse(uri.DnsSafeHost, out var ip))
            return false;
        address = new OpsAddress(ip, uri.Port);
        return true;
    }

    public override string ToString() =>
        Address.AddressFamily == AddressFamily.InterNetworkV6 ? $"http://[{Address}]:{Port}" : $"http://{Address}:{Port}";
}
