using System.Net.Http.Headers;
using Backhaul.Node.Actors;
using Backhaul.Node.Api;
using Backhaul.Node.Api.Uploads;
using Backhaul.Node.Delivery;
using Backhaul.Node.Files;
using Backhaul.Node.Routing;
using Backhaul.Node.Security;
using Backhaul.Node.Tests.Delivery;
using Backhaul.Node.Tests.Files;
using Backhaul.World;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backhaul.Node.Tests.Api;

/// <summary>The endpoints of files and events on a free port of loopback: real disk, real feed, a router that answers as told.</summary>
internal sealed class FileEdge : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FileEdge(WebApplication app) => _app = app;

    public FilesRig Rig { get; } = new();

    public FakeRouter Router { get; } = new();

    public FakeEvents Events { get; } = new();

    public SessionFeed Feed { get; } = new(new DeliveryOptions { SubscriptionsMax = 8, SubscriptionsPerTenantMax = 8 });

    public NodeReadiness Readiness { get; } = new();

    public HttpClient Client { get; private set; } = null!;

    public Uri Address { get; private set; } = null!;

    public static async Task<FileEdge> StartAsync(FilesOptions? files = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        FileEdge? edge = null;
        var services = builder.Services;
        services.AddSingleton(new ApiOptions());
        services.AddSingleton(files ?? new FilesOptions());
        services.AddSingleton(new DeliveryOptions());
        services.AddSingleton<ApiFailures>();
        services.AddSingleton(EdgeHost.Requests);
        services.AddSingleton<RequestSealing>();
        services.AddSingleton<SessionCalls>();
        services.AddSingleton<EventDelivery>();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<IRandom>(new SeededRandom(1));
        services.AddSingleton<ICommandRouter>(_ => edge!.Router);
        services.AddSingleton<IContainers>(_ => edge!.Rig.Containers);
        services.AddSingleton<IUploadStaging>(s => edge!.Rig.Uploads(s.GetRequiredService<FilesOptions>()));
        services.AddSingleton<IIdSource, Version7Ids>();
        services.AddSingleton<IEventSource>(_ => edge!.Events);
        services.AddSingleton(_ => edge!.Feed);
        services.AddSingleton(_ => edge!.Readiness);
        edge = new FileEdge(builder.Build());
        edge._app.Use(next =>
        {
            var failures = edge._app.Services.GetRequiredService<ApiFailures>();
            return context => failures.InvokeAsync(context, next);
        });
        edge._app.Use((context, next) =>
        {
            Caller.Set(context, Caller.Local);
            return next(context);
        });
        FileEndpoints.Map(edge._app);
        UploadEndpoints.Map(edge._app);
        EventEndpoints.Map(edge._app);
        await edge._app.StartAsync(TestContext.Current.CancellationToken);
        edge.Address = new Uri(edge._app.Urls.Single());
        // As clients that do not ask whether a header is ASCII.
        edge.Client = new HttpClient(new SocketsHttpHandler { RequestHeaderEncodingSelector = static (_, _) => System.Text.Encoding.UTF8 }) { BaseAddress = edge.Address };
        return edge;
    }

    public async Task<EdgeHost.Answer> SendAsync(string method, string path, string? body = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new StringContent(body);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(path.EndsWith("/ack", StringComparison.Ordinal) || path.EndsWith("/move", StringComparison.Ordinal) ? "application/json" : "application/octet-stream");
        }
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
                request.Content!.Headers.TryAddWithoutValidation(name, value);
        }
        using var response = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return new EdgeHost.Answer((int)response.StatusCode, text, response.Content.Headers.ContentType?.MediaType, response.Headers, response.Content.Headers);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
        Readiness.Dispose();
        Rig.Dispose();
    }
}
