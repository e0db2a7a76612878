using System.Net;
using Backhaul.FaultOrigin.Tls;

namespace Backhaul.Features.Tests.Tasks;

/// <summary>product.md, Tasks: the two kinds.</summary>
public sealed class KindTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task A_download_takes_http_and_https_any_method_and_a_body_from_a_file(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        var created = await scene.DownloadAsync("plain", scene.Origin.Bytes("plain", 10_000), $$""","destination":"default/{{scene.Name("plain")}}" """);
        Assert.Equal(("download", "GET"), (created.Kind, created.Method));
        await scene.SucceededAsync("plain");
        Assert.Equal(scene.Origin.Content("plain", 10_000), await scene.Caller.GetFileAsync($"default/{scene.Name("plain")}"));

        await scene.DownloadAsync("secure", world.Origin.SecureBytes(scene.Name("secure"), 1000, TlsFace.Good));
        Assert.Equal("verified", (await scene.SucceededAsync("secure")).Integrity);

        await scene.Caller.PutFileAsync($"default/{scene.Name("query")}", "ask"u8.ToArray());
        await scene.DownloadAsync("asked", scene.Origin.Target("upload", "query"), $$""","method":"SEARCH","body":"default/{{scene.Name("query")}}" """);
        await scene.SucceededAsync("asked");
        Assert.Equal("body"u8.ToArray(), await scene.Caller.ContentAsync(scene.Session, "asked"));
        var request = Assert.Single(scene.Origin.Requests, request => request.Method == "SEARCH");
        Assert.Equal(3, request.BytesReceived);

        foreach (var (url, code) in new[] { ("ftp://example.org/a", ProblemCodes.UnsupportedScheme), ("file:///etc/passwd", ProblemCodes.UnsupportedScheme), ("nothing", ProblemCodes.InvalidUrl) })
        {
            var refused = await Scene.RefusedAsync(() => scene.DownloadAsync("wrong", url));
            Assert.Equal((HttpStatusCode.BadRequest, code), (refused.Status, refused.Code));
        }
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task An_upload_sends_a_file_of_a_container_by_post_or_put(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        var content = scene.Origin.Content("sent", 20_000);
        await scene.Caller.PutFileAsync($"archive/{scene.Name("sent")}", content);
        var source = $"archive/{scene.Name("sent")}";
        var posted = await scene.AddAsync($$"""{"id":"posted","kind":"upload","url":"{{scene.Origin.Target("upload", "posted")}}","source":"{{source}}"}""");
        Assert.Equal("POST", posted.Method);
        await scene.AddAsync($$"""{"id":"put","kind":"upload","method":"PUT","url":"{{scene.Origin.Target("upload", "put")}}","source":"{{source}}"}""");
        Assert.Equal(20_000, (await scene.SucceededAsync("posted")).Progress.BytesSent);
        await scene.SucceededAsync("put");
        Assert.Equal(["POST", "PUT"], scene.Origin.Requests.Select(request => request.Method).Order());
        Assert.All(scene.Origin.Requests, request => Assert.Equal(scene.Origin.Sha256("sent", 20_000), request.BodySha256));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_task_may_be_created_suspended_and_begins_with_resume(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        var created = await scene.DownloadAsync("later", scene.Origin.Bytes("later", 1000), ""","start":false""");
        Assert.Equal(("suspended", null), (created.State, created.StartedAt));
        Assert.Contains("suspended", (await scene.Caller.WhyAsync(scene.Session, "later")).Sentence, StringComparison.Ordinal);
        await scene.DownloadAsync("now", scene.Origin.Bytes("now", 1000));
        await scene.SucceededAsync("now");
        Assert.Equal("suspended", (await scene.TaskAsync("later")).State);
        Assert.Empty(scene.Origin.RequestsOf("later"));
        await scene.Caller.ActAsync(scene.Session, "later", "resume");
        await scene.SucceededAsync("later");
    }
}
