using System.Net;

namespace Backhaul.Node.Egress;

/// <summary>
/// Tells a handler which requests go to the proxy as they are: those to <c>http</c>. Those to <c>https</c> get a tunnel, which
/// <see cref="ProxyTunnel"/> makes when their connection is opened, because a handler keeps a proxy's refusal to itself.
/// </summary>
internal sealed class PlainProxy(Uri proxy) : IWebProxy
{
    /// <summary>None here: <see cref="OutboundAccess"/> answers the proxy.</summary>
    public ICredentials? Credentials
    {
        get => null;
        set => throw new NotSupportedException();
    }

    public Uri? GetProxy(Uri destination) => IsBypassed(destination) ? null : proxy;

    public bool IsBypassed(Uri host) => host.Scheme != Uri.UriSchemeHttp;
}
