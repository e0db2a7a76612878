using System.Net;

namespace Backhaul.Node.Routing.Peers;

/// <summary>
/// The connections to other nodes: HTTP/2, one for the commands to each peer and others for feeds, kept while they are used. Not through
/// Egress, whose rules are for origins that clients name: a peer's address is private by nature, and comes from the store. A connection
/// that says nothing is probed, so that a peer that vanished without a word is noticed in seconds.
/// </summary>
internal sealed class PeerClients : IDisposable
{
    private readonly HttpMessageInvoker _commands;
    private readonly HttpMessageInvoker _feeds;

    public PeerClients(PeerOptions options)
    {
        _commands = new HttpMessageInvoker(NewHandler(options, several: false));
        _feeds = new HttpMessageInvoker(NewHandler(options, several: true)); // a peer takes so many streams on one connection
    }

    /// <summary>Returns at the head of the response.</summary>
    public Task<HttpResponseMessage> SendCommandAsync(HttpRequestMessage request, CancellationToken stop) => _commands.SendAsync(request, stop);

    /// <summary>Returns at the head of the response.</summary>
    public Task<HttpResponseMessage> OpenFeedAsync(HttpRequestMessage request, CancellationToken stop) => _feeds.SendAsync(request, stop);

    public void Dispose()
    {
        _commands.Dispose();
        _feeds.Dispose();
    }

    private static SocketsHttpHandler NewHandler(PeerOptions options, bool several) => new()
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        PreAuthenticate = false,
        Credentials = null,
        ConnectTimeout = options.ConnectMax,
        KeepAlivePingDelay = options.PingAfter,
        KeepAlivePingTimeout = options.PingMax,
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        EnableMultipleHttp2Connections = several,
        MaxResponseHeadersLength = 16,
        MaxResponseDrainSize = 0,
    };
}
