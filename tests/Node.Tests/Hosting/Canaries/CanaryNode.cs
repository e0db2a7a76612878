using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Backhaul.Node.Hosting;
using Backhaul.Node.Ops;
using Backhaul.Node.Routing;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backhaul.Node.Tests.Hosting.Canaries;

/// <summary>A whole node in this process, and a client whose every answer is kept for the search.</summary>
internal sealed class CanaryNode(WebApplication app, NodeWatch watch, string key) : IAsyncDisposable
{
    private readonly HttpClient _client = Authorized(new Uri(app.Urls.Single()), key);
    private readonly HttpClient _operators = Authorized(app.Services.GetRequiredService<OpsEdge>().Address!, key);

    public static async Task<CanaryNode> StartAsync(string directory, NodeWatch watch, string key, IEnumerable<string> options)
    {
        var builder = NodeBuilder.Create([
            "--urls=http://127.0.0.1:0", $"--Backhaul:DataDirectory={directory}", "--Backhaul:Ops:Url=http://127.0.0.1:0", "--Backhaul:Sessions:SnapshotEvery=5",
            "--Backhaul:Egress:Allow:0=127.0.0.1", "--Backhaul:Egress:Allow:1=localhost", .. options,
        ]);
        builder.Logging.SetMinimumLevel(LogLevel.Trace).AddProvider(watch);
        builder.AddNode();
        var app = builder.Build();
        app.UseNode();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new CanaryNode(app, watch, key);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _operators.Dispose();
        await app.StopAsync();
        await app.DisposeAsync();
    }

    public async Task<JsonElement> SendAsync(string method, string path, object? body, int status, string mediaType = "application/json", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
            request.Content = new StringContent(body as string ?? JsonSerializer.Serialize(body), Encoding.UTF8, mediaType);
        foreach (var (name, value) in headers)
            request.Headers.Add(name, value);
        using var answer = await _client.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        watch.Say($"answer to {method} {path}", $"{answer.Headers} {answer.Content.Headers} {text}");
        Assert.True(status == (int)answer.StatusCode, $"{method} {path}: {(int)answer.StatusCode} {text}");
        return text.StartsWith('{') && mediaType == "application/json" ? JsonDocument.Parse(text).RootElement : default;
    }

    /// <summary>A task as a session takes it, without the edge before it.</summary>
    public async Task PastTheEdgeAsync(string session, TaskSpec spec) => Assert.IsType<CommandReply.Done>(await app.Services.GetRequiredService<ICommandRouter>().ExecuteAsync(
        SessionKey.Parse($"default/{session}"), new SessionCommand.AddTask(spec), null, TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));

    public async Task AddAsync(string session, object task) => await SendAsync("POST", $"/v1/sessions/{session}/tasks", task, 201);

    public async Task<JsonElement> UntilAsync(string session, string task, Func<JsonElement, bool> condition)
    {
        var deadline = TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(30);
        while (true)
        {
            var view = await _client.GetFromJsonAsync<JsonElement>($"/v1/sessions/{session}/tasks/{task}", TestContext.Current.CancellationToken);
            if (condition(view))
                return view;
            Assert.True(TimeProvider.System.GetUtcNow() < deadline, $"{task} stayed {view}.");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    public Task UntilEndedAsync(string session, string task, string outcome) =>
        UntilAsync(session, task, view => view.TryGetProperty("outcome", out var came) && came.GetString() == outcome);

    public Task UntilWaitingAsync(string session, string task, string reason) =>
        UntilAsync(session, task, view => view.TryGetProperty("reason", out var came) && came.GetString() == reason);

    /// <summary>All that can be asked about a session, by clients and by operators.</summary>
    public async Task CollectAsync(string session, IEnumerable<string> tasks)
    {
        foreach (var call in (string[])[$"/v1/sessions/{session}", "/v1/sessions", $"/v1/sessions/{session}/tasks", $"/v1/sessions/{session}/events?after=0", "/openapi/v1.json", "/health/ready"])
            await SendAsync("GET", call, null, 200);
        await StreamAsync(session);
        List<string> commands =
        [
            "system info", "system metrics", $"session list", $"session show {session}", $"session tasks {session}", $"session events {session}", $"session history {session}",
            "origin list", $"webhook list {session}", $"webhook test {session} launch", "container usage", "actor hierarchy", "log peek -n 500",
        ];
        foreach (var task in tasks)
        {
            await SendAsync("GET", $"/v1/sessions/{session}/tasks/{task}", null, 200);
            await SendAsync("GET", $"/v1/sessions/{session}/tasks/{task}/why", null, 200);
            await SendAsync("GET", $"/v1/sessions/{session}/tasks/{task}/attempts", null, 200);
            commands.AddRange([$"task show {session} {task}", $"task why {session} {task}", $"task attempts {session} {task}"]);
        }
        watch.Say("metrics", await _operators.GetStringAsync("/metrics", TestContext.Current.CancellationToken));
        foreach (var command in commands.SelectMany(command => (string[])[command, $"{command} --json"]))
        {
            using var answer = await _operators.PostAsJsonAsync("/pbm/execute", new { words = command.Split(' '), confirmed = true }, TestContext.Current.CancellationToken);
            watch.Say($"pbm {command}", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
    }

    /// <summary>What a stream of events begins with: all that was not acknowledged.</summary>
    private async Task StreamAsync(string session)
    {
        var last = (await _client.GetFromJsonAsync<JsonElement>($"/v1/sessions/{session}", TestContext.Current.CancellationToken)).GetProperty("lastEvent").GetInt64();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/sessions/{session}/events?after=0");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        using var answer = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        using var late = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        late.CancelAfter(TimeSpan.FromSeconds(30));
        while (await reader.ReadLineAsync(late.Token) is { } line)
        {
            watch.Say("stream", line);
            if (line == string.Create(CultureInfo.InvariantCulture, $"id: {last}"))
                return;
        }
    }

    private static HttpClient Authorized(Uri address, string key)
    {
        var client = new HttpClient { BaseAddress = address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return client;
    }
}
