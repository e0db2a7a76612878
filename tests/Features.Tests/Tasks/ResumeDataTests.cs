using System.Net;

namespace Backhaul.Features.Tests.Tasks;

/// <summary>product.md, Tasks: cancelling, and what is left to go on from.</summary>
public sealed class ResumeDataTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task A_cancelled_task_ends_as_cancelled_and_stays_so(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        await scene.DownloadAsync("runs", scene.Origin.Bytes("runs", 1000, "hang=1"));
        await scene.DownloadAsync("rests", scene.Origin.Bytes("rests", 1000), ""","start":false""");
        await scene.WhenAsync("runs", task => task.State == "running");
        foreach (var task in new[] { "runs", "rests" })
        {
            await scene.Caller.ActAsync(scene.Session, task, "cancel");
            var ended = await scene.EndedAsync(task);
            Assert.Equal(("cancelled", "cancelled", null), (ended.Outcome, ended.Error!.Code, ended.File));
            await scene.Caller.ActAsync(scene.Session, task, "cancel"); // repeating changes nothing
            var refused = await Scene.RefusedAsync(() => scene.Caller.ActAsync(scene.Session, task, "resume"));
            Assert.Equal((HttpStatusCode.Conflict, ProblemCodes.TaskEnded), (refused.Status, refused.Code));
        }
        Assert.Equal(2, (await scene.AllEventsAsync()).Count(shown => shown.Type == EventTypes.TaskCompleted));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task Resume_data_starts_tasks_of_any_session_any_number_of_times_or_says_why_there_is_none(Way way)
    {
        var (scene, other) = (world.Begin(way), world.Begin(way));
        await scene.OpenAsync();
        await other.OpenAsync();
        await scene.DownloadAsync("kept", scene.Origin.Bytes("kept", 300_000, "rate=100000&times=1"));
        await scene.WhenAsync("kept", task => task.Progress.BytesReceived > 20_000);
        var data = await scene.Caller.ProduceResumeDataAsync(scene.Session, "kept");
        Assert.Equal("cancelled", (await scene.TaskAsync("kept")).Outcome);
        Assert.InRange(data.Bytes, 1, 299_999);
        Assert.Equal((300_000L, true), (data.Total, data.ExpiresAt > DateTimeOffset.UtcNow));
        Assert.Equal(data.ResumeData, (await scene.Caller.ProduceResumeDataAsync(scene.Session, "kept")).ResumeData);
        foreach (var (place, id) in new[] { (scene, "again"), (other, "elsewhere") })
        {
            await place.AddAsync($$"""{"id":"{{id}}","resumeData":"{{data.ResumeData}}"}""");
            Assert.Equal(300_000, (await place.SucceededAsync(id)).File!.Length);
            Assert.Equal(data.Bytes, (await place.EventAsync(EventTypes.Resumed, id)).Number("from"));
            Assert.Equal(scene.Origin.Content("kept", 300_000), await place.Caller.ContentAsync(place.Session, id));
        }
        var refused = await Scene.RefusedAsync(() => other.AddAsync($$"""{"resumeData":"{{data.ResumeData![..^4]}}AAAA"}"""));
        Assert.Equal(ProblemCodes.InvalidResumeData, refused.Code);

        foreach (var (id, query, why) in new[] { ("weak", "etag=weak&rate=50000", "weak"), ("whole", "ranges=none&rate=50000", "ranges") })
        {
            await scene.DownloadAsync(id, scene.Origin.Bytes(id, 300_000, query));
            await scene.WhenAsync(id, task => task.Progress.BytesReceived > 0);
            var none = await scene.Caller.ProduceResumeDataAsync(scene.Session, id);
            Assert.Null(none.ResumeData);
            Assert.Contains(why, none.Why, StringComparison.Ordinal);
        }
    }
}
