namespace Backhaul.Features.Tests.Tasks;

/// <summary>product.md, Tasks: what is seen of a transfer while it runs.</summary>
public sealed class ResponseTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task Progress_streams_without_numbers_and_a_restart_has_a_generation(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync("""{"retry":{"first":"PT0.05S"}}""");
        await scene.DownloadAsync("slow", scene.Origin.Bytes("slow", 300_000, "rate=200000"));
        var seen = new List<TaskProgress>();
        using var leave = new CancellationTokenSource(Scene.Within);
        await foreach (var shown in scene.Caller.StreamAsync(scene.Session, 0, progress => seen.Add(progress.Progress), leave.Token))
        {
            if (shown.Type == EventTypes.TaskCompleted)
                break;
        }
        Assert.NotEmpty(seen);
        Assert.All(seen, progress => Assert.Equal((300_000L, 1), (progress.TotalToReceive, progress.Generation)));
        Assert.Equal(seen.Select(progress => progress.BytesReceived).Order(), seen.Select(progress => progress.BytesReceived));
        Assert.DoesNotContain(await scene.AllEventsAsync(), shown => shown.Type == "progress");

        await scene.DownloadAsync("changed", scene.Origin.Bytes("changed", 300_000, "change=1&rate=100000&cut=60000&times=1"));
        var ended = await scene.SucceededAsync("changed");
        Assert.Equal((2, 300_000L), (ended.Progress.Generation, ended.Progress.BytesReceived));
        var restarted = await scene.EventAsync(EventTypes.Restarted, "changed");
        Assert.Equal(2, restarted.Number("generation"));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task The_first_response_tells_final_url_status_headers_and_whether_it_can_be_resumed(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        foreach (var (id, query, verdict) in new[] { ("yes", "rate=100000", "yes"), ("no", "rate=100000&etag=none", "no") })
        {
            await scene.DownloadAsync(id, scene.Origin.Bytes(id, 300_000, query));
            var seen = await scene.WhenAsync(id, task => task.Response is not null);
            Assert.Equal("running", seen.State);
            Assert.StartsWith(scene.Origin.Bytes(id, 300_000), seen.Response!.Url, StringComparison.Ordinal); // what its query says is shown to nobody
            Assert.DoesNotContain("rate=", seen.Response.Url, StringComparison.Ordinal);
            Assert.Equal(200, seen.Response.Status);
            Assert.Contains("Accept-Ranges", seen.Response.Headers.Keys, StringComparer.OrdinalIgnoreCase);
            Assert.Equal(verdict, seen.Resumable!.Verdict);
            Assert.NotEmpty(seen.Resumable.Why);
            await scene.Caller.ActAsync(scene.Session, id, "cancel");
        }
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task Redirects_are_followed_checked_at_each_hop_and_take_no_secret_elsewhere(Way way)
    {
        var scene = world.Begin(way);
        var elsewhere = scene.OriginAt(1);
        await scene.OpenAsync();
        var target = elsewhere.Bytes("target", 1000);
        await scene.DownloadAsync("moved", scene.Origin.Bytes("moved", 1, "redirect=" + Uri.EscapeDataString(target)), ""","headers":{"Authorization":"Bearer secret","X-Plain":"1"}""");
        Assert.Equal(target, (await scene.SucceededAsync("moved")).Response!.Url);
        Assert.Equal((target, 302L), (await scene.EventAsync(EventTypes.Redirected, "moved")) is var hop ? (hop.Text("url"), hop.Number("status")) : default);
        Assert.Equal("Bearer secret", Assert.Single(scene.Origin.RequestsOf("moved")).Headers["Authorization"]);
        Assert.False(Assert.Single(elsewhere.RequestsOf("target")).Headers.ContainsKey("Authorization"));

        await scene.DownloadAsync("round", scene.Origin.Bytes("round", 1, "redirect=self"));
        Assert.Equal("tooManyRedirects", (await scene.EndedAsync("round")).Error!.Code);
        Assert.Equal(21, scene.Origin.RequestsOf("round").Count);
        await scene.DownloadAsync("inside", scene.Origin.Bytes("inside", 1, "redirect=" + Uri.EscapeDataString("http://169.254.169.254/latest")));
        Assert.Equal("addressRefused", (await scene.EndedAsync("inside")).Error!.Code);
    }
}
