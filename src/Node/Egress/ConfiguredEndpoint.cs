using System.Net;

namespace Backhaul.Node.Egress;

/// <summary>
/// The way to one server that the operator named in the configuration, such as the object store of a container. It may be reached although its address is
/// private, and nothing else may because of it: its connections are in a pool of their own, so that no task's request ever travels on one of them, and
/// a request for another host is refused. Metadata addresses stay refused. Redirects are not followed.
/// </summary>
internal sealed class ConfiguredEndpoint(Uri endpoint, HttpMessageInvoker invoker) : IDisposable
{
    public Uri Endpoint => endpoint;

    /// <summary>Sends one request over HTTP/1.1 and returns at the head of its response.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken stop)
    {
        if (!Leads(request.RequestUri!))
            throw new OutboundException(OutboundFault.AddressRefused, $"{request.RequestUri!.Host} is not the endpoint {endpoint.Authority} that was configured.");
        // Object stores speak HTTP/1.1, and a large body is faster on a connection of its own than in a shared HTTP/2 window.
        request.Version = HttpVersion.Version11;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        return invoker.SendAsync(request, stop);
    }

    public void Dispose() => invoker.Dispose();

    /// <summary>The endpoint itself, or one label before it: the bucket, in the virtual-host style.</summary>
    private bool Leads(Uri url) =>
        url.Scheme == endpoint.Scheme && url.Port == endpoint.Port
        && (url.Host.Equals(endpoint.Host, StringComparison.OrdinalIgnoreCase) || url.Host.EndsWith("." + endpoint.Host, StringComparison.OrdinalIgnoreCase));
}
