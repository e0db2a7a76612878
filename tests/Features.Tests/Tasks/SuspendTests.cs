namespace Backhaul.Features.Tests.Tasks;

/// <summary>product.md, Tasks: pausing.</summary>
public sealed class SuspendTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task Downloads_and_uploads_are_suspended_and_go_on_and_a_download_keeps_its_part(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        await scene.DownloadAsync("down", scene.Origin.Bytes("down", 300_000, "rate=100000&times=1"));
        await scene.Caller.PutFileAsync($"default/{scene.Name("up")}", scene.Origin.Content("up", 50_000));
        await scene.AddAsync($$"""{"id":"up","kind":"upload","method":"PUT","url":"{{scene.Origin.Target("upload", "up", "hang=1&times=1")}}","source":"default/{{scene.Name("up")}}"}""");
        await scene.WhenAsync("up", task => task.State == "running");
        await scene.WhenAsync("down", task => task.Progress.BytesReceived > 20_000);
        foreach (var task in new[] { "down", "up" })
        {
            Assert.Null((await scene.SuspendedAsync(task)).NextEvaluationAt);
        }
        var kept = (await scene.TaskAsync("down")).Progress.BytesReceived;
        Assert.InRange(kept, 1, 299_999);
        foreach (var task in new[] { "down", "up" })
        {
            await scene.Caller.ActAsync(scene.Session, task, "resume");
            await scene.SucceededAsync(task);
        }
        var requests = scene.Origin.RequestsOf("down");
        Assert.Equal(2, requests.Count);
        Assert.Equal($"bytes={kept}-", requests[1].Range);
        Assert.Equal(scene.Origin.Content("down", 300_000), await scene.Caller.ContentAsync(scene.Session, "down"));
        var resumed = await scene.EventAsync(EventTypes.Resumed, "down");
        Assert.Equal(kept, resumed.Number("from"));
    }
}
