using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Backhaul.EndToEnd.Tests;

/// <summary>A webhook that came.</summary>
internal sealed record Hook(string Id, JsonElement Event, DateTimeOffset At)
{
    public string Type => Event.GetProperty("type").GetString()!;

    public JsonElement Data => Event.GetProperty("data");

    /// <summary>As it came.</summary>
    public required byte[] Body { get; init; }

    public required string Timestamp { get; init; }

    public required string Signature { get; init; }
}

/// <summary>A receiver of webhooks in this process; every one is kept, and answered by 204 once the test has had its say.</summary>
internal sealed class HookReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;

    private HookReceiver(WebApplication app) => _app = app;

    public string Url => _app.Urls.First() + "/hook";

    public ConcurrentQueue<Hook> Received { get; } = new();

    /// <summary>Runs before the answer.</summary>
    public Func<Hook, Task> BeforeAnswer { get; set; } = static _ => Task.CompletedTask;

    public static async Task<HookReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var receiver = new HookReceiver(builder.Build());
        receiver._app.Run(receiver.HandleAsync);
        await receiver._app.StartAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        using var bytes = new MemoryStream();
        await context.Request.Body.CopyToAsync(bytes);
        using var body = JsonDocument.Parse(bytes.ToArray());
        var headers = context.Request.Headers;
        var hook = new Hook(headers["webhook-id"].ToString(), body.RootElement.Clone(), DateTimeOffset.UtcNow)
        {
            Body = bytes.ToArray(),
            Timestamp = headers["webhook-timestamp"].ToString(),
            Signature = headers["webhook-signature"].ToString(),
        };
        Received.Enqueue(hook);
        await BeforeAnswer(hook);
        context.Response.StatusCode = 204;
    }
}
