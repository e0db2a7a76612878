using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Backhaul.Node.Security;
using Backhaul.Protocol;

namespace Backhaul.Node.Egress;

/// <summary>
/// The one place that opens outbound connections: every download, upload, webhook and launch goes through its handler, and a test
/// finds exactly one construction of a handler in the node.
/// <para>
/// Each new connection passes the address policy in the connect callback: the name is resolved, every answer is checked, and the
/// socket connects to a checked answer, so a name that changes between check and use changes nothing. Nothing is done behind the
/// caller's back: no cookies, no redirects, no decompression, no proxy of the environment, no trace headers to foreign servers, no fetching of
/// certificates. Requests go by routes (<see cref="OutboundRoute"/>), each with connections of its own.
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
    private readonly SecretTable _secrets;
    private readonly SecretBox _box;
    private readonly CertificateRules _certificates;
    private readonly AccessMemory _accepted = new();
    private readonly RouteInvokers _invokers;

    /// <param name="invokers">What carries the requests of a route in the place of connections: a simulated network. Null: connections.</param>
    public OutboundClients(
        EgressOptions options, INameResolver names, TimeProvider time, ILogger<OutboundClients> log, SecretTable? secrets = null, SecretBox? box = null,
        RequestBox? requests = null, Func<OutboundRoute, HttpMessageInvoker>? invokers = null)
    {
        _box = box ?? new SecretBox([]);
        Requests = requests ?? new RequestBox(_box);
        _options = options;
        _policy = AddressPolicy.From(options);
        _names = names;
        _time = time;
        _log = log;
        _secrets = secrets ?? SecretTable.Empty;
        _certificates = new CertificateRules(CertificateRules.Load(options.TrustedCertificates));
        _invokers = new RouteInvokers(
            invokers ?? (route => new HttpMessageInvoker(CreateHandler(route, _policy), disposeHandler: true)), time, options);
    }

    public EgressOptions Options => _options;

    /// <summary>Opens what is sealed of the requests that are sent.</summary>
    public RequestBox Requests { get; }

    /// <summary>Pools of connections besides the direct one.</summary>
    public int Routes => _invokers.Count;

    /// <summary>
    /// The credentials and the way of one exchange of a tenant, by the names that its session gave; false with the name that this node does not know.
    /// </summary>
    public bool TryOpen(
        TenantId tenant, IReadOnlyList<CredentialRule> credentials, string? proxy, TlsConfiguration? tls, Uri home, out OutboundAccess access, out string missing,
        SessionKey? session = null, IReadOnlyList<ChallengeFacts>? rejected = null, CredentialRule? toProxy = null)
    {
        missing = "";
        Secret.Proxy? throughProxy = null;
        Secret.ClientCertificate? certificate = null;
        if (proxy is not null && (throughProxy = _secrets.Find(tenant, proxy) as Secret.Proxy) is null)
            missing = proxy;
        if (throughProxy is not null && toProxy is not null && AnsweringRules.Covers(toProxy, throughProxy.Url, throughProxy.Url))
        {
            if (Find(tenant, session, toProxy.Secret!) is Secret.Basic user)
                throughProxy = throughProxy.Of(user, toProxy);
            else
                missing = SecretBox.IsSealed(toProxy.Secret!) ? GivenSecrets.Name : toProxy.Secret!;
        }
        if (tls?.ClientCertificate is { } name && (certificate = _secrets.Find(tenant, name) as Secret.ClientCertificate) is null)
            missing = name;
        var route = throughProxy is null && tls is null
            ? OutboundRoute.Direct
            : new OutboundRoute { Proxy = throughProxy, Certificate = certificate, IsTls13Only = tls?.Minimum == "1.3" };
        access = new OutboundAccess(name => Find(tenant, session, name), _accepted, credentials, route, home, rejected ?? []);
        return missing.Length == 0;
    }

    /// <summary>By its name, or what a client of this session gave with an answer to a challenge.</summary>
    private Secret? Find(TenantId tenant, SessionKey? session, string name) =>
        !SecretBox.IsSealed(name) ? _secrets.Find(tenant, name) : session is { } owner ? GivenSecrets.Open(_box, owner, name) : null;

    /// <summary>
    /// The keys that sign requests to this URL: of the first rule that is meant for it and names some. Null without one; then <paramref name="missing"/> is the
    /// name of a secret that such a rule names and this node does not have, if there is one.
    /// </summary>
    public SigningKeys? FindKeys(TenantId tenant, IReadOnlyList<CredentialRule> credentials, Uri url, out string? missing)
    {
        missing = null;
        foreach (var rule in credentials.Where(rule => AnsweringRules.Covers(rule, url, url)))
        {
            switch (_secrets.Find(tenant, rule.Secret!))
            {
                case Secret.S3 keys:
                    return new SigningKeys(keys.AccessKey, keys.SecretKey, keys.Region);
                case null when !SecretBox.IsSealed(rule.Secret!):
                    missing ??= rule.Secret;
                    break;
            }
        }
        return null;
    }

    /// <summary>Sends one request directly and returns at the head of its response. Redirects are the caller's, by <see cref="RedirectRules"/>.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken stop)
    {
        ChooseVersion(request);
        return _invokers.Direct.SendAsync(request, stop);
    }

    /// <summary>Sends one request of a tenant by a route; returns at the head of its response.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, OutboundRoute route, TenantId tenant, CancellationToken stop) =>
        route == OutboundRoute.Direct ? SendAsync(request, stop) : SendByAsync(request, route, tenant, stop);

    /// <summary>
    /// A way to a server that the operator configured, with connections of its own: its host and port are an exception of the address policy for this
    /// way only. The caller disposes it.
    /// </summary>
    /// <param name="endpoint">Scheme, host and port.</param>
    /// <param name="host">The host that requests will name, when it is not the endpoint's own.</param>
    public ConfiguredEndpoint Open(Uri endpoint, string? host = null) =>
        new(endpoint, new HttpMessageInvoker(CreateHandler(OutboundRoute.Direct, _policy.With(host ?? endpoint.IdnHost, endpoint.Port)), disposeHandler: true));

    public void Dispose() => _invokers.Dispose();

    private async Task<HttpResponseMessage> SendByAsync(HttpRequestMessage request, OutboundRoute route, TenantId tenant, CancellationToken stop)
    {
        if (route.Proxy is not null)
            CheckBehindProxy(request.RequestUri!);
        ChooseVersion(request);
        using var lease = _invokers.Lease(route, tenant);
        return await lease.Invoker.SendAsync(request, stop);
    }

    /// <summary>Over TLS the server may choose HTTP/2; in clear nobody speaks it without being asked.</summary>
    private static void ChooseVersion(HttpRequestMessage request)
    {
        request.Version = request.RequestUri!.Scheme == Uri.UriSchemeHttps ? HttpVersion.Version20 : HttpVersion.Version11;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionOrLower;
    }

    private SocketsHttpHandler CreateHandler(OutboundRoute route, AddressPolicy policy) => new()
    {
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseProxy = route.Proxy is not null,
        Proxy = route.Proxy is { } proxy ? new PlainProxy(proxy.Url) : null,
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
        SslOptions = TlsOf(route),
        ConnectCallback = (context, stop) => ConnectAsync(route, policy, context, stop),
    };

    private SslClientAuthenticationOptions TlsOf(OutboundRoute route) => new()
    {
        EnabledSslProtocols = route.IsTls13Only ? SslProtocols.Tls13 : SslProtocols.Tls12 | SslProtocols.Tls13,
        CertificateChainPolicy = CertificateRules.Policy(),
        ClientCertificateContext = route.Certificate is { } own
            ? SslStreamCertificateContext.Create(own.Certificate, own.Intermediates, offline: true)
            : null,
        RemoteCertificateValidationCallback = Believe,
    };

    private bool Believe(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        _certificates.Refuse(((SslStream)sender).TargetHostName, certificate, chain, errors) is { } why
            ? throw new OutboundException(OutboundFault.CertificateRefused, why)
            : true;

    private async ValueTask<Stream> ConnectAsync(OutboundRoute route, AddressPolicy policy, SocketsHttpConnectionContext context, CancellationToken stop)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        if (route.Proxy is not { } proxy)
        {
            var times = ConnectionTimes.Of(context.InitialRequestMessage);
            var stream = await ConnectCheckedAsync(host, port, addresses => policy.Check(host, port, addresses), times, stop);
            if (times is not null && context.InitialRequestMessage.RequestUri!.Scheme == Uri.UriSchemeHttps)
                stream.WatchHandshake(times);
            return stream;
        }
        var tunnel = new ProxyTunnel(proxy, _accepted, ending => ConnectToProxyAsync(proxy, ending), _options.UserAgent);
        return context.InitialRequestMessage.RequestUri!.Scheme == Uri.UriSchemeHttps
            ? await tunnel.OpenAsync(host, port, stop)
            : await ConnectToProxyAsync(proxy, stop);
    }

    private async ValueTask<Stream> ConnectToProxyAsync(Secret.Proxy proxy, CancellationToken stop)
    {
        var (host, port) = (proxy.Url.IdnHost, proxy.Url.Port);
        try
        {
            return await ConnectCheckedAsync(host, port, addresses => AddressPolicy.CheckProxy(host, addresses), times: null, stop);
        }
        catch (OutboundException failed) when (failed.Fault is OutboundFault.ConnectFailed or OutboundFault.NameNotResolved)
        {
            throw new OutboundException(OutboundFault.ProxyRefused, $"The proxy could not be reached: {failed.Message}", failed);
        }
    }

    /// <summary>The proxy resolves the name and connects; what the name itself says is checked here.</summary>
    private void CheckBehindProxy(Uri url) => Enforce(url.IdnHost, url.Port, _policy.CheckUnresolved(url.IdnHost, url.Port));

    private async ValueTask<OutboundStream> ConnectCheckedAsync(
        string host, int port, Func<IReadOnlyList<IPAddress>, AddressVerdict> check, ConnectionTimes? times, CancellationToken stop)
    {
        var began = _time.GetTimestamp();
        var addresses = await ResolveAsync(host, stop);
        if (times is not null && !IPAddress.TryParse(host, out _))
            times.Dns = _time.GetElapsedTime(began);
        Enforce(host, port, check(addresses));
        began = _time.GetTimestamp();
        var stream = await ConnectToAnyAsync(host, port, addresses, stop);
        if (times is not null)
            times.Connect = _time.GetElapsedTime(began);
        return stream;
    }

    private void Enforce(string host, int port, AddressVerdict verdict)
    {
        if (verdict.Allowed)
            return;
        LogAddressRefused(host, port, verdict.Why);
        throw new OutboundException(OutboundFault.AddressRefused, verdict.Why);
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

    private async ValueTask<OutboundStream> ConnectToAnyAsync(string host, int port, IReadOnlyList<IPAddress> addresses, CancellationToken stop)
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

    private async ValueTask<OutboundStream> ConnectToAsync(IPAddress address, int port, TimeSpan within, CancellationToken stop)
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
            return new OutboundStream(socket, _time);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
