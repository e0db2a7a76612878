using System.Net;

namespace Backhaul.Features.Tests.Delivery;

/// <summary>product.md, Promises: what a client may rely on, as far as it shows without killing anything.</summary>
public sealed class PromiseTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task The_same_idempotency_key_returns_the_same_answer_and_another_content_is_refused(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        Assert.True(CommandId.TryParse(scene.Name("intent"), out var intent));
        var task = $$"""{"kind":"download","url":"{{scene.Origin.Bytes("one", 1000)}}"}""";
        var first = await scene.Caller.AddAsync(scene.Session, task, intent);
        await scene.SucceededAsync(first.Id);
        var again = await scene.Caller.AddAsync(scene.Session, task, intent);
        Assert.Equal((first.Id, first.State, first.CreatedAt), (again.Id, again.State, again.CreatedAt));
        Assert.Single(await scene.Caller.TasksAsync(scene.Session));
        var other = $$"""{"kind":"download","url":"{{scene.Origin.Bytes("two", 1000)}}"}""";
        var refused = await Scene.RefusedAsync(() => scene.Caller.AddAsync(scene.Session, other, intent));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, ProblemCodes.IdempotencyKeyReused), (refused.Status, refused.Code));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task Every_task_has_one_final_event_and_its_file_was_durable_before(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        var content = scene.Origin.Content("good", 5000);
        await scene.DownloadAsync("good", scene.Origin.Bytes("good", 5000), $$""","digest":{"algorithm":"sha-256","value":"{{scene.Origin.Sha256("good", 5000)}}"}""");
        await scene.DownloadAsync("bad", scene.Origin.Bytes("bad", 5000, "status=404"));
        await scene.DownloadAsync("ugly", scene.Origin.Bytes("ugly", 5000, "hang=1"));
        await scene.WhenAsync("ugly", task => task.State == "running");
        await scene.Caller.ActAsync(scene.Session, "ugly", "cancel");
        foreach (var task in new[] { "good", "bad", "ugly" })
            await scene.EndedAsync(task);
        var events = await scene.AllEventsAsync();
        var ends = events.Where(shown => shown.Type == EventTypes.TaskCompleted).ToDictionary(shown => shown.Task!, shown => shown);
        Assert.Equal(("succeeded", "failed", "cancelled"), (ends["good"].Text("outcome"), ends["bad"].Text("outcome"), ends["ugly"].Text("outcome")));
        Assert.True(events.Single(shown => shown.Type == EventTypes.TaskFinishedFile).Number < ends["good"].Number);
        Assert.Equal(("verified", content.Length), (ends["good"].Text("integrity"), (int)ends["good"].Number("bytesReceived")));
        Assert.Equal(content, await scene.Caller.ContentAsync(scene.Session, "good"));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_plain_post_with_unknown_outcome_stops_as_ambiguous_and_a_put_is_sent_again(Way way)
    {
        var scene = world.Begin(way);
        var source = $"default/{scene.Name("source")}.bin";
        await scene.Caller.PutFileAsync(source, scene.Origin.Content("source", 10_000));
        await scene.OpenAsync("""{"retry":{"first":"PT0.05S"}}""");
        await scene.AddAsync($$"""{"id":"post","kind":"upload","url":"{{scene.Origin.Target("upload", "post", "lose=end&times=1")}}","source":"{{source}}"}""");
        await scene.AddAsync($$"""{"id":"put","kind":"upload","method":"PUT","url":"{{scene.Origin.Target("upload", "put", "lose=end&times=1")}}","source":"{{source}}"}""");
        var post = await scene.EndedAsync("post");
        Assert.Equal(("failed", "ambiguous", 1), (post.Outcome, post.Error!.Code, post.Attempts));
        Assert.Equal(2, (await scene.SucceededAsync("put")).Attempts);
    }
}
