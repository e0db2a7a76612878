namespace Backhaul.Features.Tests.Sessions;

/// <summary>product.md, Sessions: tasks that run only while their client is there.</summary>
public sealed class AttachedTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task Tasks_of_a_session_that_runs_while_attached_only_wait_when_no_client_stream_is_open(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync("""{"whileAttachedOnly":true}""");
        await scene.DownloadAsync("one", scene.Origin.Bytes("one", 400_000, "rate=40000&times=1"));
        await scene.WaitsAsync("one", "detached"); // to have opened the session is not to be there
        Assert.Contains("attach", (await scene.Caller.WhyAsync(scene.Session, "one")).Sentence, StringComparison.OrdinalIgnoreCase);
        await AttachUntilAsync(scene, EventTypes.TaskStarted);
        await scene.WaitsAsync("one", "detached"); // the grace after its last stream is over
        await AttachUntilAsync(scene, EventTypes.TaskCompleted);
        Assert.Equal(400_000, (await scene.SucceededAsync("one")).File!.Length);
        Assert.Equal(2, scene.Origin.RequestsOf("one").Count);
        Assert.NotNull(scene.Origin.RequestsOf("one")[1].Range); // its bytes were kept
    }

    private static async Task AttachUntilAsync(Scene scene, string type)
    {
        using var leave = new CancellationTokenSource(Scene.Within);
        await foreach (var shown in scene.Caller.StreamAsync(scene.Session, 0, null, leave.Token))
        {
            if (shown.Type == type)
                return;
        }
    }
}
