using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Backhaul.Features.Tests;

/// <summary>A webhook as it came.</summary>
internal sealed record Hook(string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body, JsonElement Event)
{
    public string Id => Headers["webhook-id"];

    public string Type => Event.GetProperty("type").GetString()!;

    public JsonElement Data => Event.GetProperty("data");
}

/// <summary>Takes the webhooks of all tests: each has paths of its own. Answers 204, or what the test said for that path.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Hook> _received = new();
    private readonly ConcurrentDictionary<string, Func<Hook, int>> _answers = new(StringComparer.Ordinal);

    private Receiver(WebApplication app) => _app = app;

    public static async Task<Receiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var receiver = new Receiver(builder.Build());
        receiver._app.Run(receiver.HandleAsync);
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <param name="path">Such as <c>/s12/launch</c>.</param>
    public string UrlOf(string path) => _app.Urls.First() + path;

    /// <summary>What was received at this path and below, in order.</summary>
    public IReadOnlyList<Hook> At(string path) =>
        [.. _received.Where(hook => hook.Path == path || hook.Path.StartsWith(path + "/", StringComparison.Ordinal))];

    /// <summary>The status that is answered at this path from now on.</summary>
    public void Answer(string path, Func<Hook, int> status) => _answers[path] = status;

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        using var json = JsonDocument.Parse(body.ToArray());
        var headers = context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        var hook = new Hook(context.Request.Path.Value!, headers, body.ToArray(), json.RootElement.Clone());
        context.Response.StatusCode = _answers.TryGetValue(hook.Path, out var answer) ? answer(hook) : StatusCodes.Status204NoContent;
        _received.Enqueue(hook);
    }
}
