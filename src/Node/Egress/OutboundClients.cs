using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Backhaul.Node.Egress;

/// <summary>
/// The one place that opens outbound connections: every download, upload, webhook and launch goes through its handler, and a test
/// finds exactly one construction of a handler in the node.
/// <para>
/// Each new connection passes the address policy in the connect callback: the name is resolved, every answer is checked, and the
/// socket connects to a checked answer, so a name that changes between check and use changes nothing. Nothing is done behind the
/// caller's back: no cookies, no redirects, no decompression, no proxy of the environment, no trace headers to foreign servers.
/// A response that is not read to its end closes its connection. The number of connections is bounded by the transfer slots, not here.
/// </para>
/// </summary>
internal sealed partial class OutboundClients : IDisposable
{
    /// <summary>A name with several addresses gets this long for each but the last, so that one dead address does not use up the time.</summary>
    private static readonly TimeSpan PerAddress = TimeSpan.FromSeconds(3);

    private readonly EgressOptions _options;
    private readonly AddressPolicy _policy;
    private readonly INameResolver _names;
    private readonly TimeProvider _time;
    private readonly ILogger<OutboundClients> _log;
    private readonly HttpMessageInvoker _invoker;

    public OutboundClients(EgressOptions options, INameResolver names, TimeProvider time, ILogger<OutboundClients> log)
    {
        _options = options;
        _policy = AddressPolicy.From(options);
        _names = names;
        _time = time;
        _log = log;
        _invoker = new HttpMessageInvoker(CreateHandler(), disposeHandler: true);
    }

    public EgressOptions Options => _options;

    /// <summary>Sends one request and returns at the head of its response. Redirects are the caller's, by <see cref="RedirectRules"/>.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken stop)
    {
        // Over TLS the server may choose HTTP/2; in clear nobody speaks it without being asked.
        var secure = request.RequestUri!.Scheme == Uri.UriSchemeHttps;
        request.Version = secure ? HttpVersion.Version20 : HttpVersion.Version11;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionOrLower;
        return _invoker.SendAsync(request, stop);
    }

    public void Dispose() => _invoker.Dispose();

    private SocketsHttpHandler CreateHandler() => new()
    {
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseProxy = false,
        PreAuthenticate = false,
        Credentials = null,
        ActivityHeadersPropagator = null,
        ConnectTimeout = _options.ConnectTimeout,
        PooledConnectionLifetime = _options.PooledConnectionLifetime,
        PooledConnectionIdleTimeout = _options.PooledConnectionIdleTimeout,
        MaxResponseHeadersLength = _options.ResponseHeadersKiBMax,
        MaxConnectionsPerServer = int.MaxValue,
        EnableMultipleHttp2Connections = true,
        MaxResponseDrainSize = 0,
        SslOptions = new SslClientAuthenticationOptions(),
        ConnectCallback = ConnectAsync,
    };

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken stop)
    {
        var host = context.DnsEndPoint.Host;
        var port = context.DnsEndPoint.Port;
        var addresses = await ResolveAsync(host, stop);
        var verdict = _policy.Check(host, port, addresses);
        if (!verdict.Allowed)
        {
            LogAddressRefused(host, port, verdict.Why);
            throw new OutboundException(OutboundFault.AddressRefused, verdict.Why);
        }
        return await ConnectToAnyAsync(host, port, addresses, stop);
    }

    private async ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken stop)
    {
        if (IPAddress.TryParse(host, out var literal))
            return [literal];
        try
        {
            var addresses = await _names.ResolveAsync(host, stop);
            return addresses.Count > 0 ? addresses : throw new SocketException((int)SocketError.HostNotFound);
        }
        catch (SocketException failed)
        {
            var fault = failed.SocketErrorCode == SocketError.TryAgain ? OutboundFault.NoNetwork : OutboundFault.NameNotResolved;
            throw new OutboundException(fault, $"The name {host} could not be resolved ({failed.SocketErrorCode}).", failed);
        }
    }

    private async ValueTask<Stream> ConnectToAnyAsync(string host, int port, IReadOnlyList<IPAddress> addresses, CancellationToken stop)
    {
        for (var i = 0; ; i++)
        {
            var last = i == addresses.Count - 1;
            try
            {
                return await ConnectToAsync(addresses[i], port, last ? Timeout.InfiniteTimeSpan : PerAddress, stop);
            }
            catch (Exception failed) when (failed is SocketException or OperationCanceledException && !stop.IsCancellationRequested)
            {
                if (!last)
                    continue;
                var error = (failed as SocketException)?.SocketErrorCode ?? SocketError.TimedOut;
                var fault = error is SocketError.NetworkUnreachable or SocketError.NetworkDown ? OutboundFault.NoNetwork : OutboundFault.ConnectFailed;
                throw new OutboundException(fault, $"{host}:{port} could not be connected to ({error}).", failed);
            }
        }
    }

    private async ValueTask<Stream> ConnectToAsync(IPAddress address, int port, TimeSpan within, CancellationToken stop)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (within == Timeout.InfiniteTimeSpan)
            {
                await socket.ConnectAsync(new IPEndPoint(address, port), stop);
            }
            else
            {
                using var limit = new CancellationTokenSource(within, _time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop);
                await socket.ConnectAsync(new IPEndPoint(address, port), either.Token);
            }
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
