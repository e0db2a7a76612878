using System.Net;

namespace Backhaul.Features.Tests.Tasks;

/// <summary>product.md, Tasks: another URL, other headers, and statuses that wait for them.</summary>
public sealed class ChangeTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task Url_and_headers_change_and_bytes_are_kept_when_validator_and_length_agree(Way way)
    {
        var scene = world.Begin(way);
        var mirror = scene.OriginAt(1); // the same file at another address
        await scene.OpenAsync();
        foreach (var (id, etag) in new[] { ("same", "same"), ("other", "changed") })
        {
            await scene.DownloadAsync(id, scene.Origin.Bytes(id, 300_000, "rate=100000&etag=%22same%22"), ""","headers":{"X-Old":"1","X-Both":"1"}""");
            await scene.WhenAsync(id, task => task.Progress.BytesReceived > 20_000);
            var running = await Scene.RefusedAsync(() => scene.Caller.ChangeAsync(scene.Session, id, """{"priority":1}"""));
            Assert.Equal((HttpStatusCode.Conflict, ProblemCodes.TaskRunning), (running.Status, running.Code));
            await scene.Caller.ActAsync(scene.Session, id, "suspend");
            await scene.Caller.ChangeAsync(scene.Session, id, $$"""{"url":"{{mirror.Bytes(id, 300_000, $"etag=%22{etag}%22")}}","headers":{"X-Both":"2"} }"""); // at once: it waits for the attempt
            var kept = (await scene.TaskAsync(id)).Progress.BytesReceived;
            await scene.Caller.ActAsync(scene.Session, id, "resume");
            await scene.SucceededAsync(id);
            var request = mirror.RequestsOf(id)[0];
            Assert.Equal(($"bytes={kept}-", "2", false), (request.Range, request.Headers["X-Both"], request.Headers.ContainsKey("X-Old")));
            var went = (await scene.AllEventsAsync()).Last(shown => shown.Task == id && shown.Type is EventTypes.Resumed or EventTypes.Restarted);
            Assert.Equal(etag == "same" ? EventTypes.Resumed : EventTypes.Restarted, went.Type);
            Assert.Equal(scene.Origin.Content(id, 300_000), await scene.Caller.ContentAsync(scene.Session, id));
        }
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_recoverable_status_pauses_the_task_until_it_is_resumed_or_changed(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        const string Recoverable = ""","recoverableStatus":["403","500-599"]""";
        await scene.DownloadAsync("resumed", scene.Origin.Bytes("resumed", 1000, "status=503&times=1"), Recoverable);
        await scene.DownloadAsync("changed", scene.Origin.Bytes("changed", 1000, "status=403"), Recoverable);
        await scene.DownloadAsync("failed", scene.Origin.Bytes("failed", 1000, "status=404"), Recoverable);
        Assert.Equal("failed", (await scene.EndedAsync("failed")).Outcome);
        foreach (var (id, status) in new[] { ("resumed", 503), ("changed", 403) })
        {
            var waits = await scene.WaitsAsync(id, "recoverableStatus");
            Assert.Null(waits.NextEvaluationAt);
            Assert.Equal((status, status), (waits.Response!.Status, (await scene.Caller.AttemptsAsync(scene.Session, id))[0].Status));
        }
        await scene.Caller.ActAsync(scene.Session, "resumed", "resume");
        await scene.Caller.ChangeAsync(scene.Session, "changed", $$"""{"url":"{{scene.Origin.Bytes("right", 1000)}}"}""");
        await scene.SucceededAsync("resumed");
        await scene.SucceededAsync("changed");
    }
}
