using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Backhaul.Bench;

/// <summary>One node with a durable journal on the disk under test: the embedded one, or PostgreSQL's.</summary>
internal sealed class BenchNode : IAsyncDisposable
{
    private readonly Process _process;
    private readonly HttpClient _http;
    private readonly Uri _ops;

    private BenchNode(Process process, int port, int opsPort, string data)
    {
        _process = process;
        _ops = new Uri($"http://127.0.0.1:{opsPort}");
        Data = data;
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromMinutes(10) };
    }

    public int Id => _process.Id;

    public string Data { get; }

    public static Task<BenchNode> StartAsync(string data, IEnumerable<string> options) => StartAsync(data, options, []);

    public static Task<BenchNode> StartOnPostgresAsync(string data, string connectionString, IEnumerable<string> options) => StartAsync(data, options,
    [
        "--Backhaul:Store:Provider=postgres", $"--Backhaul:Store:ConnectionString={connectionString}", "--Backhaul:Node:Name=bench",
        $"--Backhaul:Node:Url=http://127.0.0.1:{Command.FreePort()}", $"--Backhaul:Containers:default:Path={data}/files", "--Backhaul:Containers:default:Shared=true",
    ]);

    private static async Task<BenchNode> StartAsync(string data, IEnumerable<string> options, IEnumerable<string> store)
    {
        var (port, opsPort) = (Command.FreePort(), Command.FreePort());
        var process = Command.Start(
        [
            "dotnet", Path.Combine(Repository.Root, "src/Node/bin/Release/net10.0/Backhaul.Node.dll"), $"--urls=http://127.0.0.1:{port}",
            $"--Backhaul:Ops:Url=http://127.0.0.1:{opsPort}", $"--Backhaul:DataDirectory={data}", "--Backhaul:Egress:Allow:0=127.0.0.1",
            "--Logging:LogLevel:Default=Warning", .. store, .. options,
        ]);
        var node = new BenchNode(process, port, opsPort, data);
        var deadline = Stopwatch.StartNew();
        while (!await node.IsReadyAsync())
        {
            if (process.HasExited || deadline.Elapsed > TimeSpan.FromSeconds(60))
                throw new InvalidOperationException("The node did not become ready.");
            await Task.Delay(TimeSpan.FromMilliseconds(5));
        }
        return node;
    }

    public async Task OpenAsync(string session, string configuration = "{}")
    {
        using var answer = await _http.PutAsync($"/v1/sessions/{session}", new StringContent(configuration, Encoding.UTF8, "application/json"));
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Sends tasks as NDJSON and reads the acknowledgement of every chunk; how many were accepted.</summary>
    public async Task<long> AddAsync(string session, byte[] lines)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/sessions/{session}/tasks") { Content = new ByteArrayContent(lines) };
        request.Content.Headers.ContentType = new("application/x-ndjson");
        request.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString());
        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        answer.EnsureSuccessStatusCode();
        long accepted = 0;
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync());
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line.Length == 0)
                continue;
            using var chunk = JsonDocument.Parse(line);
            if (chunk.RootElement.TryGetProperty("error", out var error))
                throw new InvalidOperationException($"A chunk was refused: {error}");
            accepted += chunk.RootElement.GetProperty("accepted").GetInt64();
        }
        return accepted;
    }

    public async Task WaitSucceededAsync(string session, long count)
    {
        while (true)
        {
            using var view = JsonDocument.Parse(await _http.GetByteArrayAsync($"/v1/sessions/{session}"));
            var counts = view.RootElement.GetProperty("counts");
            if (counts.GetProperty("succeeded").GetInt64() == count)
                return;
            if (counts.GetProperty("failed").GetInt64() + counts.GetProperty("expired").GetInt64() > 0)
                throw new InvalidOperationException($"Tasks failed: {counts}");
            await Task.Delay(TimeSpan.FromMilliseconds(10));
        }
    }

    public async Task<JsonElement> DescribeAsync(string session)
    {
        using var view = JsonDocument.Parse(await _http.GetByteArrayAsync($"/v1/sessions/{session}"));
        return view.RootElement.Clone();
    }

    /// <summary>The node's figures as Prometheus reads them.</summary>
    public Task<string> MetricsAsync() => _http.GetStringAsync(new Uri(_ops, "/metrics"));

    /// <summary>Runs an operator's command, such as "system gc".</summary>
    public async Task OperateAsync(string json)
    {
        using var answer = await _http.PostAsync(new Uri(_ops, "/pbm/execute"), new StringContent(json, Encoding.UTF8, "application/json"));
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
        _http.Dispose();
    }

    private async Task<bool> IsReadyAsync()
    {
        try
        {
            using var answer = await _http.GetAsync("/health/ready");
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
