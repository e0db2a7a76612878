using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Backhaul.Node.Routing.Peers;

/// <summary>
/// The nodes' edge: a web server of its own on its own port, for the other nodes of the cluster only. HTTP/2 and nothing else; two calls,
/// <c>POST /node/commands</c> and <c>GET /node/feed/{tenant}/{session}</c>, each signed with the cluster's secret (<see cref="PeerAdmission"/>).
///
/// It listens before this node joins the cluster, because joining tells its address, and stops last, so that during a drain other nodes are
/// told <c>moving</c>, then who owns the shard now, and never find a closed port while the table still names this node. Called by the host only.
/// </summary>
internal sealed partial class NodeEdge(
    PeerOptions options, PeerEndpoints endpoints, FeedEndpoint feeds, IConfiguration configuration, ILoggerFactory loggers, IMeterFactory meters, TimeProvider time)
    : IHostedService, IAsyncDisposable
{
    /// <summary>Commands and feeds of one peer share connections; a peer has at most as many at once as it lets itself.</summary>
    private const int StreamsPerConnection = 1024;

    /// <summary>The last commands get their answer within this; feeds are told to end before.</summary>
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(3);

    private readonly ILogger _log = loggers.CreateLogger<NodeEdge>();
    private WebApplication? _app;

    /// <summary>Where it listens, once started; with the port that was given out when 0 was asked for.</summary>
    public Uri? Address { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var point = options.ListenPoint();
        _app = Build(point);
        try
        {
            await _app.StartAsync(cancellationToken);
        }
        catch (Exception taken) when (taken is IOException or SocketException && taken.GetBaseException() is SocketException or Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            throw new NodeAddressException(
                $"The nodes' edge cannot listen on {point}: {taken.GetBaseException().Message}. Stop what uses the port, or set Backhaul:Node:Url (or Backhaul:Node:Listen).", taken);
        }
        Address = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        LogListening(Address);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_app is null)
            return;
        using var limit = new CancellationTokenSource(StopWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        await _app.StopAsync(either.Token);
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
    }

    private WebApplication Build(IPEndPoint point)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "Backhaul.Nodes" });
        builder.Services.RemoveAll<IHostLifetime>();
        builder.Services.AddSingleton<IHostLifetime, OuterLifetime>();
        // Instances are not disposed by the container they are put into: the node's loggers and meters outlive this edge.
        builder.Services.Replace(ServiceDescriptor.Singleton(loggers));
        builder.Services.Replace(ServiceDescriptor.Singleton(meters));
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore();
        if (options.IsHttps)
            builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.CommandBytesMax;
            kestrel.Limits.MaxConcurrentConnections = 1024;
            kestrel.Limits.Http2.MaxStreamsPerConnection = StreamsPerConnection;
            kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(5);
            kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(5);
            kestrel.Limits.MinResponseDataRate = null; // feeds are judged by their own beat
            if (options.IsHttps)
                kestrel.Configure(configuration.GetSection("Kestrel"));
            if (point.Address.Equals(IPAddress.IPv6Any) && point.Port != 0)
                kestrel.ListenAnyIP(point.Port, Speak); // also where a machine has no IPv6
            else
                kestrel.Listen(point, Speak);
        });
        var app = builder.Build();
        app.UseRouting();
        app.MapPost(PeerHeaders.CommandsPath, endpoints.ExecuteAsync);
        app.MapGet($"{PeerHeaders.FeedPath}{{tenant}}/{{session}}", feeds.RunAsync);
        return app;
    }

    private void Speak(ListenOptions listen)
    {
        listen.Protocols = HttpProtocols.Http2;
        if (options.IsHttps)
            listen.UseHttps();
    }

    [LoggerMessage(3520, LogLevel.Information, "The nodes' edge listens on {Address}")]
    private partial void LogListening(Uri address);

    /// <summary>The process's signals belong to the node's host; this edge starts and stops when it is told to.</summary>
    private sealed class OuterLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>The nodes' port cannot be had; the message says what to do.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1064:Exceptions should be public", Justification = "It ends the process: nobody else catches it.")]
internal sealed class NodeAddressException(string message, Exception inner) : Exception(message, inner);
