using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Backhaul.Node.Hosting;
using Backhaul.Node.Ops;
using Backhaul.Node.Tests.Transfers.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backhaul.Node.Tests.Hosting;

/// <summary>A whole node with secrets, through everything that concerns them; then everything it ever put out is searched for their values.</summary>
public sealed class SecretCanaryTests : IDisposable
{
    private static readonly string[] Calls =
    [
        "/v1/sessions/s", "/v1/sessions", "/v1/sessions/s/tasks", "/v1/sessions/s/tasks/one", "/v1/sessions/s/tasks/one/why", "/v1/sessions/s/tasks/one/attempts",
        "/v1/sessions/s/events?after=0", "/v1/sessions/s/tasks/two/why", "/openapi/v1.json", "/health/ready",
    ];

    private static readonly string[] Commands =
        ["system info", "system metrics", "session show s", "session tasks s", "session events s", "session history s", "task show s one", "task why s one", "task attempts s one", "log peek"];

    private readonly string _directory = Directory.CreateTempSubdirectory("backhaul-").FullName;
    private readonly ConcurrentQueue<string> _output = new();

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task No_output_of_a_node_has_a_secret_in_it()
    {
        await using var origin = await AskingOrigin.StartAsync();
        await using (var node = await StartAsync())
        {
            using var client = new HttpClient { BaseAddress = new Uri(node.Urls.Single()) };
            await PutAsync(client, new { retry = new { first = "PT0.01S" }, credentials = new[] { new { secret = "wrong" } } }, 201);
            await PostAsync(client, new { id = "one", kind = "download", url = $"{origin.Url}/both" });
            await PostAsync(client, new { id = "two", kind = "download", url = $"{origin.Url}/bearer" });
            await UntilAsync(client, "one", view => view.GetProperty("state").GetString() == "waiting" && view.GetProperty("reason").GetString() == "credential");
            await UntilAsync(client, "two", view => view.TryGetProperty("challenge", out _));
            await CollectAsync(client, node);
            await PutAsync(client, new { credentials = new[] { new { secret = "right" }, new { secret = "token" } } }, 200);
            await UntilAsync(client, "one", view => view.TryGetProperty("outcome", out var outcome) && outcome.GetString() == "succeeded");
            await UntilAsync(client, "two", view => view.TryGetProperty("outcome", out var outcome) && outcome.GetString() == "succeeded");
            await PutAsync(client, new { credentials = new[] { new { secret = "nobody" } } }, 400);
            await CollectAsync(client, node);
            await node.StopAsync(TestContext.Current.CancellationToken);
        }
        Assert.Contains(_output, text => text.Contains("challenge", StringComparison.Ordinal));
        foreach (var path in Directory.GetFiles(_directory, "*", SearchOption.AllDirectories))
            _output.Enqueue($"{path}: {Encoding.Latin1.GetString(await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken))}");
        foreach (var canary in Canaries())
            Assert.All(_output, text => Assert.False(text.Contains(canary, StringComparison.OrdinalIgnoreCase), text[..Math.Min(300, text.Length)]));
    }

    /// <summary>Every form in which one could come out: as it is, in the bytes of a file, escaped in JSON, encoded for a header or a URL.</summary>
    private static IEnumerable<string> Canaries()
    {
        string[] values = [AskingOrigin.User, AskingOrigin.Password, AskingOrigin.Token, "wrong-canary"];
        return values.SelectMany(value => new[]
        {
            value,
            Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(value)),
            JsonSerializer.Serialize(value).Trim('"'),
            Uri.EscapeDataString(value),
            Convert.ToBase64String(Encoding.UTF8.GetBytes(value))[..^4],
        }).Append(Convert.ToBase64String(Encoding.UTF8.GetBytes($"{AskingOrigin.User}:{AskingOrigin.Password}"))[..^4]).Distinct(StringComparer.Ordinal);
    }

    private async Task<WebApplication> StartAsync()
    {
        var password = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        await File.WriteAllTextAsync(password, AskingOrigin.Password, TestContext.Current.CancellationToken);
        var builder = NodeBuilder.Create([
            "--urls=http://127.0.0.1:0", $"--Backhaul:DataDirectory={_directory}", "--Backhaul:Ops:Url=http://127.0.0.1:0", "--Backhaul:Egress:Allow:0=127.0.0.1",
            "--Backhaul:Secrets:right:Kind=basic", $"--Backhaul:Secrets:right:UserName={AskingOrigin.User}", $"--Backhaul:Secrets:right:PasswordFile={password}",
            "--Backhaul:Secrets:wrong:Kind=basic", $"--Backhaul:Secrets:wrong:UserName={AskingOrigin.User}", "--Backhaul:Secrets:wrong:Password=wrong-canary",
            "--Backhaul:Secrets:token:Kind=bearer", $"--Backhaul:Secrets:token:Token={AskingOrigin.Token}",
        ]);
        builder.Logging.SetMinimumLevel(LogLevel.Trace).AddProvider(new Recorder(_output));
        builder.AddNode();
        File.Delete(password); // read while the settings were
        var node = builder.Build();
        node.UseNode();
        await node.StartAsync(TestContext.Current.CancellationToken);
        return node;
    }

    private async Task CollectAsync(HttpClient client, WebApplication node)
    {
        foreach (var call in Calls)
            _output.Enqueue($"{call}: {await client.GetStringAsync(call, TestContext.Current.CancellationToken)}");
        using var operators = new HttpClient { BaseAddress = node.Services.GetRequiredService<OpsEdge>().Address };
        _output.Enqueue(await operators.GetStringAsync("/metrics", TestContext.Current.CancellationToken));
        foreach (var command in Commands)
        {
            using var answer = await operators.PostAsJsonAsync("/pbm/execute", new { words = command.Split(' '), confirmed = true }, TestContext.Current.CancellationToken);
            _output.Enqueue($"{command}: {await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
        }
    }

    private async Task PutAsync(HttpClient client, object configuration, int status)
    {
        using var answer = await client.PutAsJsonAsync("/v1/sessions/s", configuration, TestContext.Current.CancellationToken);
        _output.Enqueue(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(status, (int)answer.StatusCode);
    }

    private static async Task PostAsync(HttpClient client, object task)
    {
        using var answer = await client.PostAsJsonAsync("/v1/sessions/s/tasks", task, TestContext.Current.CancellationToken);
        Assert.Equal(201, (int)answer.StatusCode);
    }

    private static async Task UntilAsync(HttpClient client, string task, Func<JsonElement, bool> condition)
    {
        var deadline = TimeProvider.System.GetUtcNow() + TimeSpan.FromSeconds(30);
        JsonElement view;
        do
        {
            view = await client.GetFromJsonAsync<JsonElement>($"/v1/sessions/s/tasks/{task}", TestContext.Current.CancellationToken);
            if (condition(view))
                return;
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
        while (TimeProvider.System.GetUtcNow() < deadline);
        Assert.Fail($"{task} stayed {view}.");
    }

    private sealed class Recorder(ConcurrentQueue<string> lines) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void Dispose()
        {
        }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue($"log: {formatter(state, exception)} {exception}");
    }
}
