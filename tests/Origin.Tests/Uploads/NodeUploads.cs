using System.Globalization;
using System.Net;
using System.Text.Json;
using Backhaul.FaultOrigin;
using Backhaul.FaultOrigin.Uploads;
using Xunit;

namespace Backhaul.Origin.Tests.Uploads;

/// <summary>Uploads of one real node to a scripted target, with the ways to interrupt them. The path of a task at the target ends with its id.</summary>
internal sealed class NodeUploads : IAsyncDisposable
{
    private const string Session = "ups";

    private static readonly TimeSpan Within = TimeSpan.FromSeconds(90);

    private readonly NodeFolder _folder = new();
    private readonly Dictionary<string, string> _settings;
    private readonly HashSet<int> _staged = [];
    private NodeProcess _node = null!;

    private NodeUploads(ScriptedOrigin origin, int chunk)
    {
        Origin = origin;
        _settings = new Dictionary<string, string>
        {
            ["Backhaul:Transfers:UploadChunkBytes"] = chunk.ToString(CultureInfo.InvariantCulture),
            ["Backhaul:Transfers:CheckpointInterval"] = "00:00:00.050",
        };
    }

    public ScriptedOrigin Origin { get; }

    public static async Task<NodeUploads> StartAsync(int chunk)
    {
        var run = new NodeUploads(await ScriptedOrigin.StartAsync(), chunk);
        run._node = await NodeProcess.StartAsync(run._folder.Data, run._settings);
        await run._node.Api.OpenAsync(Session, """{"retry":{"first":"PT0.05S","longest":"PT0.5S"},"maxConnectionsPerHost":16}""");
        return run;
    }

    /// <summary>Adds an upload of that many bytes, which begins at once.</summary>
    public async Task AddAsync(string id, string target, string query, int length, string method = "POST")
    {
        if (_staged.Add(length))
            await _node.Api.PutFileAsync($"default/up-{length}.bin", OriginContent.Bytes("up", 0, length));
        var added = await _node.Api.SendAsync(
            HttpMethod.Post, $"/v1/sessions/{Session}/tasks",
            JsonSerializer.Serialize(new
            {
                id,
                kind = "upload",
                method,
                url = $"{Origin.Url}/{target}/{id}?{query}",
                source = $"default/up-{length}.bin",
                uploadProtocol = target == "upload" ? "plain" : target,
            }),
            key: id);
        Assert.True(added.Status == HttpStatusCode.Created, added.Text);
    }

    /// <summary>What the target was asked for a task.</summary>
    public IReadOnlyList<OriginRequest> RequestsOf(string id) => [.. Origin.Requests.Where(request => request.Path.Split('/')[2] == id)];

    /// <summary>Body bytes of all requests of a task together.</summary>
    public long BytesReceivedOf(string id) => RequestsOf(id).Sum(request => request.BytesReceived);

    /// <summary>What a task created at the target, in order.</summary>
    public IReadOnlyList<TargetUpload> UploadsOf(string id) => [.. Origin.Uploads.All.Where(upload => upload.Path.EndsWith("/" + id, StringComparison.Ordinal))];

    public Task<JsonElement> EndedAsync(string id, TimeSpan? within = null) => _node.Api.EndedAsync(Session, id, within ?? Within);

    public Task CommandAsync(string id, string verb) =>
        _node.Api.SendAsync(HttpMethod.Post, $"/v1/sessions/{Session}/tasks/{id}/{verb}", key: Guid.NewGuid().ToString());

    /// <summary>Waits until the target has that much of a task.</summary>
    public Task UntilAsync(string id, long atBytes) => Eventually.TrueAsync(
        () => Task.FromResult(UploadsOf(id) is [.., { } last] && (last.Offset >= atBytes || last.IsComplete)), Within, () => $"{atBytes} bytes of {id} at the target");

    public async Task SuspendAndResumeAsync(string id, long atBytes)
    {
        await UntilAsync(id, atBytes);
        await CommandAsync(id, "suspend");
        await _node.Api.TaskWhenAsync(Session, id, view => view.GetProperty("state").GetString() is "suspended" or "completed", Within);
        await CommandAsync(id, "resume");
    }

    public async Task KillAndRestartAsync()
    {
        await _node.KillAsync();
        await _node.DisposeAsync();
        _node = await NodeProcess.StartAsync(_folder.Data, _settings);
    }

    /// <summary>The newest upload of a task at the target is the file, and it is whole.</summary>
    public void AssertArrived(string id, int length)
    {
        var last = UploadsOf(id)[^1];
        Assert.Equal((id, length, true, OriginContent.Sha256("up", length)), (id, last.Offset, last.IsComplete, last.Sha256));
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        await Origin.DisposeAsync();
        _folder.Dispose();
    }
}
