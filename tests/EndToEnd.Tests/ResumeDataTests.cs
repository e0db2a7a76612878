using System.Net;
using System.Text.Json;
using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>A download is cancelled with resume data, and others go on where it stopped.</summary>
public sealed class ResumeDataTests
{
    private const int Length = 4_000_000;
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Two_sessions_start_from_one_document_and_ask_the_origin_for_the_rest_only()
    {
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var file = origin.Add("again", Length, bytesPerSecond: 1_000_000);
        string document;
        long kept;
        await using (var node = await NodeProcess.StartAsync(folder.Data))
        {
            await node.Api.OpenAsync("one");
            await node.Api.DownloadAsync("one", "first", file.Url, "first.bin");
            await node.Api.TaskWhenAsync("one", "first", view => Received(view) > 1_000_000, Within);
            (document, kept) = await ProduceAsync(node.Api, origin, "one", "first");
            await StartAsync(node.Api, origin, "one", "second", file, document, kept);
            Assert.Equal(0, await node.StopAsync());
        }

        // The secret that signed it outlives the process.
        await using var next = await NodeProcess.StartAsync(folder.Data);
        await next.Api.OpenAsync("two");
        await StartAsync(next.Api, origin, "two", "third", file, document, kept);
        var again = await next.Api.SendAsync(HttpMethod.Post, "/v1/sessions/one/tasks/first/resume-data", key: "again");
        Assert.Equal((HttpStatusCode.OK, document), (again.Status, again.Json.GetProperty("resumeData").GetString()));
    }

    [Fact]
    public async Task Another_node_and_a_changed_document_are_refused_and_what_cannot_be_resumed_says_why()
    {
        using var folder = new NodeFolder();
        using var elsewhere = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var file = origin.Add("refused", Length, bytesPerSecond: 1_000_000);
        await using var node = await NodeProcess.StartAsync(folder.Data);
        await using var stranger = await NodeProcess.StartAsync(elsewhere.Data);
        await node.Api.OpenAsync("s");
        await stranger.Api.OpenAsync("s");
        await node.Api.DownloadAsync("s", "d", file.Url, "d.bin");
        await node.Api.TaskWhenAsync("s", "d", view => Received(view) > 500_000, Within);
        var (document, _) = await ProduceAsync(node.Api, origin, "s", "d");

        foreach (var (api, text) in new[] { (stranger.Api, document), (node.Api, document[..^5] + "AAAAA") })
        {
            var refused = await api.SendAsync(HttpMethod.Post, "/v1/sessions/s/tasks", JsonSerializer.Serialize(new { resumeData = text }), key: "r");
            Assert.Equal((HttpStatusCode.BadRequest, "invalidResumeData"), (refused.Status, refused.Code));
        }

        var weak = origin.Url + $"/bytes/weak/{Length}?rate=1000000&etag=weak&lm=none";
        await node.Api.DownloadAsync("s", "w", weak, "w.bin");
        await node.Api.TaskWhenAsync("s", "w", view => Received(view) > 500_000, Within);
        var none = await node.Api.SendAsync(HttpMethod.Post, "/v1/sessions/s/tasks/w/resume-data", key: "produce-w");
        Assert.Equal((HttpStatusCode.OK, JsonValueKind.Null), (none.Status, none.Json.GetProperty("resumeData").ValueKind));
        Assert.Contains("weak entity tag", none.Json.GetProperty("why").GetString(), StringComparison.OrdinalIgnoreCase);
        Assert.Equal("cancelled", (await node.Api.EndedAsync("s", "w", Within)).GetProperty("outcome").GetString());
    }

    internal static async Task<(string Document, long Kept)> ProduceAsync(NodeApi api, Origin origin, string session, string task)
    {
        var produced = await api.SendAsync(HttpMethod.Post, $"/v1/sessions/{session}/tasks/{task}/resume-data", key: $"produce-{task}");
        Assert.True(produced.Status == HttpStatusCode.OK && produced.Json.GetProperty("resumeData").ValueKind == JsonValueKind.String, produced.Text);
        Assert.Equal("cancelled", (await api.TaskAsync(session, task)).GetProperty("outcome").GetString());
        await origin.QuietAsync();
        return (produced.Json.GetProperty("resumeData").GetString()!, produced.Json.GetProperty("bytes").GetInt64());
    }

    /// <summary>A download from the document ends well, and its first request says that it has the kept bytes already.</summary>
    internal static async Task StartAsync(NodeApi api, Origin origin, string session, string task, OriginFile file, string document, long kept)
    {
        var before = origin.Requests(file.Name).Count;
        var added = await api.SendAsync(
            HttpMethod.Post, $"/v1/sessions/{session}/tasks", JsonSerializer.Serialize(new { id = task, destination = $"default/{task}.bin", resumeData = document }), key: task);
        Assert.True(added.Status == HttpStatusCode.Created, added.Text);
        var ended = await api.EndedAsync(session, task, Within);
        Assert.True(ended.GetProperty("outcome").GetString() == "succeeded", ended.ToString());
        Assert.True(kept > 0);
        var first = origin.Requests(file.Name)[before];
        Assert.Equal((kept, true, 206), (first.RangeStart, first.HasIfRange, first.Status));
        Assert.Equal(Length, ended.GetProperty("file").GetProperty("length").GetInt64());
        Assert.Equal(origin.ContentOf(file.Name), await api.GetFileAsync($"default/{task}.bin"));
        var resumed = Assert.Single(await api.EventsAsync(session), happened => IsOf(happened, task, "resumed"));
        Assert.Equal(kept, resumed.GetProperty("data").GetProperty("from").GetInt64());
    }

    internal static long Received(JsonElement view) =>
        view.TryGetProperty("progress", out var progress) && progress.TryGetProperty("bytesReceived", out var bytes) ? bytes.GetInt64() : 0;

    private static bool IsOf(JsonElement happened, string task, string type) =>
        happened.GetProperty("type").GetString() == type && happened.GetProperty("task").GetString() == task;
}
