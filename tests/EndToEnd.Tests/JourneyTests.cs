using System.Security.Cryptography;
using Backhaul.Client;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>What a service does, with the SDK, against a real node.</summary>
public sealed class JourneyTests
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_service_downloads_uploads_acknowledges_and_is_done()
    {
        var stop = TestContext.Current.CancellationToken;
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var file = origin.Add("journey", 3_000_000, bytesPerSecond: 0);
        await using var node = await NodeProcess.StartAsync(folder.Data);
        using var client = new BackhaulClient(node.Url);
        var session = client.Session("journey");
        await session.CreateOrAttachAsync(stop: stop);

        var body = RandomNumberGenerator.GetBytes(2_500_000);
        Assert.Equal(System.Net.HttpStatusCode.Created, (await node.Api.PutFileAsync("default/out/report.bin", body)).Status);
        await session.AddTaskAsync(new TaskRequest
        {
            Id = "down",
            Kind = "download",
            Url = file.Url,
            Destination = FileReference.Parse("default/in/journey.bin"),
            Digest = new Digest { Algorithm = "sha-256", Value = file.Sha256 },
        }, stop: stop);
        await session.AddTaskAsync(new TaskRequest { Id = "put", Kind = "upload", Method = "PUT", Url = origin.Url + "/upload/put", Source = FileReference.Parse("default/out/report.bin") }, stop: stop);
        await session.AddTaskAsync(new TaskRequest { Id = "post", Kind = "upload", Url = origin.Url + "/upload/post", Source = FileReference.Parse("default/out/report.bin") }, stop: stop);

        var ends = new Dictionary<string, string?>(StringComparer.Ordinal);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        deadline.CancelAfter(Within);
        await session.RunAsync((next, _) =>
        {
            if (next.Type == EventTypes.TaskCompleted)
                ends.Add(next.Task!, next.Data.GetProperty("outcome").GetString());
            return default;
        }, new EventStreamOptions { StopWhenDrained = true, Interrupted = lost => TestContext.Current.TestOutputHelper?.WriteLine(lost.ToString()) }, deadline.Token);

        Assert.Equal(["down", "post", "put"], ends.Keys.Order());
        Assert.All(ends.Values, outcome => Assert.Equal("succeeded", outcome));
        Assert.Equal(origin.ContentOf("journey"), await node.Api.GetFileAsync("default/in/journey.bin"));
        Assert.Equal("verified", (await session.GetTaskAsync("down", stop)).Integrity);
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(body));
        Assert.Equal([("POST", sha256), ("PUT", sha256)], origin.Uploads.Select(upload => (upload.Method, upload.BodySha256!)).Order());
        var view = await session.GetAsync(stop);
        Assert.Equal((view.LastEvent, 3), (view.Acknowledged, view.Counts.Succeeded));
    }

    [Fact]
    public async Task An_event_stream_goes_on_across_kill_9_and_misses_nothing()
    {
        var stop = TestContext.Current.CancellationToken;
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var port = Machine.FreePort();
        using var client = new BackhaulClient(new Uri($"http://127.0.0.1:{port}"));
        var session = client.Session("watched");
        var seen = new List<EventView>();
        Task? watching = null;
        for (var life = 0; life < 3; life++)
        {
            await using var node = await NodeProcess.StartAsync(folder.Data, port: port);
            await session.CreateOrAttachAsync(stop: stop);
            watching ??= WatchAsync(session, seen, stop);
            var file = origin.Add($"watched-{life}", 50_000, bytesPerSecond: 0);
            await session.AddTaskAsync(new TaskRequest { Id = $"life-{life}", Kind = "download", Url = file.Url, Destination = FileReference.Parse($"default/life-{life}.bin") }, stop: stop);
            var id = $"life-{life}";
            await Eventually.TrueAsync(() => Task.FromResult(Has(seen, id)), Within, () => $"the end of {id} on the stream");
            await node.KillAsync();
        }
        lock (seen)
            Assert.Equal(Enumerable.Range(1, seen.Count).Select(number => (long)number), seen.Select(one => one.Number));
    }

    [Fact]
    public async Task A_thousand_tasks_in_one_stream_of_lines_end_once_each()
    {
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var file = origin.Add("many", 2_000, bytesPerSecond: 0);
        await using var node = await NodeProcess.StartAsync(folder.Data);
        await node.Api.OpenAsync("many");
        var lines = string.Concat(Enumerable.Range(0, 1000).Select(i => $$"""{"kind":"download","url":"{{file.Url}}","destination":"default/many/{{i}}.bin"}""" + "\n"));
        var first = await node.Api.SendAsync(HttpMethod.Post, "/v1/sessions/many/tasks", lines, key: "bulk", mediaType: "application/x-ndjson");
        var again = await node.Api.SendAsync(HttpMethod.Post, "/v1/sessions/many/tasks", lines, key: "bulk", mediaType: "application/x-ndjson");
        Assert.Equal(first.Text, again.Text);
        await Eventually.TrueAsync(async () => (await node.Api.SessionAsync("many")).GetProperty("counts").GetProperty("succeeded").GetInt64() == 1000, Within, () => "a thousand tasks to succeed");
        var events = await node.Api.EventsAsync("many");
        Assert.Equal(1000, events.Where(one => one.GetProperty("type").GetString() == "taskCompleted").Select(one => one.GetProperty("task").GetString()).Distinct().Count());
        Assert.Equal(1000, events.Count(one => one.GetProperty("type").GetString() == "taskCompleted"));
        Assert.Equal(1000, Directory.EnumerateFiles(Path.GetDirectoryName(folder.FileOf("many/0.bin"))!).Count());
    }

    [Fact]
    public async Task The_sample_runs_against_a_node()
    {
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var file = origin.Add("sample", 20_000, bytesPerSecond: 0);
        await using var node = await NodeProcess.StartAsync(folder.Data);
        var sample = Path.Combine(Build.Root, "samples/QuickStart/bin", Build.Configuration, "net10.0/Backhaul.Samples.QuickStart.dll");
        var (code, output) = await Machine.RunAsync(["dotnet", sample, file.Url, node.Url.ToString()], Within);
        Assert.True(code == 0, output);
        Assert.Contains("succeeded", output, StringComparison.Ordinal);
    }

    private static async Task WatchAsync(BackgroundSession session, List<EventView> seen, CancellationToken stop)
    {
        await foreach (var next in session.ReadEventsAsync(0, stop: stop))
        {
            lock (seen)
                seen.Add(next);
        }
    }

    private static bool Has(List<EventView> seen, string task)
    {
        lock (seen)
            return seen.Exists(one => one.Type == EventTypes.TaskCompleted && one.Task == task);
    }
}
