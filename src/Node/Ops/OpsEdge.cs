using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Backhaul.Node.Ops.Palettes;
using Backhaul.Node.Routing;
using Backhaul.Node.Telemetry;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Backhaul.Node.Ops;

/// <summary>
/// The operator's edge: a web server of its own on its own port (9110), hosted beside the one for clients. Two servers and not two
/// ports of one, because then no route, middleware or key of one edge can be reached through the other by a forged Host or a
/// mapping forgotten, and because this one must still answer while the client edge drains.
///
/// What it serves: <c>/pbm/palettes</c> and <c>/pbm/execute</c> for the tool <c>pbm</c>, <c>/metrics</c>, <c>/health/live</c> and
/// <c>/health/ready</c>. Who may come in is decided by <see cref="OpsGate"/>, for every path, before routing.
///
/// It starts before sessions are loaded and stops last, so that probes get answers and an operator can watch a drain; open tails end
/// when it is the streams' turn. Called by the host only.
/// </summary>
internal sealed partial class OpsEdge(
    OpsOptions options, IOperatorKeys keys, OpsEndpoints endpoints, NodeReadiness readiness, DescribeActors actors,
    ILoggerFactory loggers, IMeterFactory meters, TimeProvider time) : IHostedService, IAsyncDisposable
{
    private readonly ILogger _log = loggers.CreateLogger<OpsEdge>();
    private WebApplication? _app;
    private CancellationTokenRegistration _onClosing;
    private IDisposable? _watch;

    /// <summary>Where it listens, once started; with the port that was given out when 0 was asked for.</summary>
    public Uri? Address { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        string[] faults = [.. options.Faults()];
        if (!keys.Any && options.FaultWithoutKeys() is { } open)
            faults = [.. faults, open];
        if (faults.Length > 0 || !OpsAddress.TryParse(options.Url, out var address))
            throw new OptionsValidationException(nameof(OpsOptions), typeof(OpsOptions), faults);
        _app = Build(address);
        try
        {
            await _app.StartAsync(cancellationToken);
        }
        catch (IOException taken) when (taken.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException || taken.GetBaseException() is SocketException)
        {
            throw new OpsAddressException(
                $"The operator's edge cannot listen on {address}: {taken.GetBaseException().Message}. Stop what uses the port, or set Backhaul:Ops:Url.", taken);
        }
        catch (SocketException refused)
        {
            throw new OpsAddressException($"The operator's edge cannot listen on {address}: {refused.Message}. Set Backhaul:Ops:Url.", refused);
        }
        Address = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        _onClosing = readiness.StreamsClosing.Register(endpoints.EndTails);
        _watch = ActorInstruments.Watch(() => ActorPalette.DeepestInbox(actors(null, int.MaxValue)));
        LogListening(Address, address.IsLoopback ? "without a key, from this machine only" : "with a key");
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        endpoints.EndTails();
        await _onClosing.DisposeAsync();
        _watch?.Dispose();
        if (_app is null)
            return;
        using var limit = new CancellationTokenSource(options.StopWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        await _app.StopAsync(either.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _onClosing.DisposeAsync();
        _watch?.Dispose();
        if (_app is not null)
            await _app.DisposeAsync();
    }

    private WebApplication Build(OpsAddress address)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "Backhaul.Ops" });
        builder.Services.RemoveAll<IHostLifetime>();
        builder.Services.AddSingleton<IHostLifetime, OuterLifetime>();
        // Instances are not disposed by the container they are put into: the node's loggers and meters outlive this edge.
        builder.Services.Replace(ServiceDescriptor.Singleton(loggers));
        builder.Services.Replace(ServiceDescriptor.Singleton(meters));
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 64 * 1024;
            kestrel.Limits.MaxConcurrentConnections = 256;
            if (address.Address.Equals(IPAddress.IPv6Any))
                kestrel.ListenAnyIP(address.Port); // also where a machine has no IPv6
            else
                kestrel.Listen(address.EndPoint);
        });
        var app = builder.Build();
        app.Use((context, next) => AdmitAsync(context, next, address.IsLoopback));
        app.UseRouting();
        app.MapOps(endpoints);
        return app;
    }

    private Task AdmitAsync(HttpContext context, RequestDelegate next, bool edgeIsLoopback)
    {
        var headers = context.Request.Headers;
        var verdict = OpsGate.Judge(
            new OpsGate.Facts(
                context.Request.Method, context.Request.Path.Value ?? "/", headers.Host, headers.Origin, headers["Sec-Fetch-Site"],
                context.Request.ContentType, headers.Authorization),
            edgeIsLoopback, keys);
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        if (verdict.Problem is { } problem)
        {
            LogRefused(problem.Status, context.Connection.RemoteIpAddress ?? IPAddress.None, problem.Detail);
            return OpsEndpoints.WriteProblemAsync(context, problem);
        }
        context.Features.Set(verdict.Who!);
        return next(context);
    }

    /// <summary>The process's signals belong to the node's host; this edge starts and stops when it is told to.</summary>
    private sealed class OuterLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>The operator's port cannot be had; the message says what to do.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1064:Exceptions should be public", Justification = "It ends the process: nobody else catches it.")]
internal sealed class OpsAddressException(string message, Exception inner) : Exception(message, inner);
