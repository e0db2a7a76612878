using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Backhaul.Node.Actors;
using Backhaul.Node.Api;
using Backhaul.Node.Delivery;
using Backhaul.Node.Files;
using Backhaul.Node.Hosting;
using Backhaul.Node.Journal;
using Backhaul.Node.Routing;
using Backhaul.Node.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backhaul.Node.Tests.Api;

/// <summary>The client edge as a node has it, on a free port of loopback, over a router that records.</summary>
internal sealed class EdgeHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private EdgeHost(WebApplication app) => _app = app;

    public FakeRouter Router { get; } = new();

    public FakeJournalStore Store { get; } = new();

    public NodeReadiness Readiness { get; } = new();

    public HttpClient Client { get; private set; } = null!;

    /// <summary>As the edge's own, or those of another cluster; a secret of no bytes is one that is not known yet.</summary>
    public static ResumeDocuments Documents(byte secret = 7, int bytes = 32) => new(() => Enumerable.Repeat(secret, bytes).ToArray(), Requests);

    /// <summary>Seals as the edge does.</summary>
    public static RequestBox Requests { get; } = new(new SecretBox([new byte[SecretBox.KeyBytes]]));

    public static async Task<EdgeHost> StartAsync(SecurityOptions? security = null, ApiOptions? api = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        EdgeHost? host = null;
        builder.Services.AddSingleton<ICommandRouter>(_ => host!.Router);
        builder.Services.AddSingleton<IJournalStore>(_ => host!.Store);
        builder.Services.AddSingleton<IContainers>(new FakeContainers());
        builder.Services.AddSingleton(SecretTable.Empty);
        builder.Services.AddSingleton(new SecretBox([new byte[SecretBox.KeyBytes]]));
        builder.Services.AddSingleton(Requests);
        builder.Services.AddSingleton<IUploadStaging>(new FakeUploads());
        builder.Services.AddSingleton<IIdSource, Version7Ids>();
        builder.Services.AddSingleton(_ => host!.Readiness);
        builder.Services.AddSingleton(new FilesOptions());
        builder.Services.AddSingleton(Documents());
        builder.Services.AddSingleton(new DeliveryOptions());
        builder.Services.AddSingleton<SessionFeed>();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<IRandom, SystemRandom>();
        NodeComposition.AddApi(builder.Services, api ?? new ApiOptions(), security ?? new SecurityOptions());
        host = new EdgeHost(builder.Build());
        host._app.UseNode();
        await host._app.StartAsync(TestContext.Current.CancellationToken);
        host.Client = new HttpClient { BaseAddress = new Uri(host._app.Urls.Single()) };
        return host;
    }

    /// <summary>As new, for the next test.</summary>
    public EdgeHost Reset()
    {
        Router.Reset();
        Store.Heads.Clear();
        Store.Failure = null;
        return this;
    }

    public async Task<Answer> SendAsync(string method, string path, string? body = null, string contentType = "application/json", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            if (contentType.Length > 0)
                request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }
        foreach (var (name, value) in headers)
            request.Headers.Add(name, value);
        using var response = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return new Answer((int)response.StatusCode, text, response.Content.Headers.ContentType?.MediaType, response.Headers, response.Content.Headers);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
        Readiness.Dispose();
    }

    internal sealed record Answer(int Status, string Text, string? MediaType, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders)
    {
        public JsonElement Json => JsonDocument.Parse(Text).RootElement;

        public string? Code => MediaType == "application/problem+json" ? Json.GetProperty("code").GetString() : null;

        public string? Field => MediaType == "application/problem+json" && Json.TryGetProperty("field", out var named) ? named.GetString() : null;

        public string? Header(string name) => Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;
    }
}

/// <summary>One edge for all tests of a class, which run one after the other.</summary>
public class EdgeFixture : IAsyncLifetime
{
    private EdgeHost? _host;

    private protected virtual ApiOptions Options => new();

    private protected EdgeHost Started => _host ?? throw new InvalidOperationException("The fixture was not started.");

    internal EdgeHost Fresh => Started.Reset();

    public async ValueTask InitializeAsync() => _host = await EdgeHost.StartAsync(api: Options);

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_host is not null)
            await _host.DisposeAsync();
    }
}
