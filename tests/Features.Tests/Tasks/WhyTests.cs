namespace Backhaul.Features.Tests.Tasks;

/// <summary>product.md, Tasks: every waiting task has one reason, one sentence with the numbers behind it, and the time of its next evaluation.</summary>
public sealed class WhyTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task Every_reason_to_wait_is_one_sentence_with_its_numbers_and_the_next_evaluation(Way way)
    {
        var scene = world.Begin(way);
        var (held, closed) = (scene.OriginAt(1), scene.OriginAt(2));
        await scene.OpenAsync("""{"maxConnectionsPerHost":1,"retry":{"first":"PT1H","longest":"PT1H"}}""");
        await scene.DownloadAsync("runs", scene.Origin.Bytes("runs", 1000, "hang=1"));
        await scene.WhenAsync("runs", task => task.State == "running");
        await scene.DownloadAsync("hostLimit", scene.Origin.Bytes("hostLimit", 1));
        await scene.DownloadAsync("earliestBegin", scene.Origin.Bytes("earliestBegin", 1), $$""","earliestBeginAt":{{Json.In(TimeSpan.FromHours(1))}}""");
        await scene.DownloadAsync("retry", closed.Bytes("retry", 1, "status=503"));
        await scene.WaitsAsync("retry", "retry");
        await scene.DownloadAsync("credential", closed.Bytes("credential", 1, "auth=basic"));
        await scene.WaitsAsync("credential", "credential");
        await scene.DownloadAsync("recoverableStatus", closed.Bytes("recoverableStatus", 1, "status=403"), ""","recoverableStatus":["403"]""");
        await scene.WaitsAsync("recoverableStatus", "recoverableStatus");
        await scene.DownloadAsync("storage", closed.Bytes("storage", 4_000_000_000_000_000));
        await scene.WaitsAsync("storage", "storage");
        await scene.DownloadAsync("noNetwork", $"http://{WorldSettings.Nowhere}:8080/");
        await scene.DownloadAsync("delayedRequest", closed.Bytes("delayedRequest", 1), ""","askBeforeStart":{"timeout":"PT1H","default":"cancel"}""");
        await world.OperateAsync(way, "origin", "pause", held.Url, "--reason", "maintenance");
        const string Soon = ""","retry":{"first":"PT0.1S","longest":"PT0.2S"}"""; // nodes learn of the pause one after the other: it is tried until then
        await scene.DownloadAsync("systemPolicy", held.Bytes("systemPolicy", 1, "status=503"), Soon);
        await scene.Caller.PutGroupAsync(scene.Session, "album", "serialized");
        await scene.DownloadAsync("first", scene.Origin.Bytes("first", 1), ""","group":"album" """);
        await scene.DownloadAsync("groupOrder", scene.Origin.Bytes("groupOrder", 1), ""","group":"album" """);

        await ExplainedAsync(scene, "hostLimit", "1 of 1 connections", isTimed: false);
        await ExplainedAsync(scene, "earliestBegin", "may not begin before", isTimed: true);
        await ExplainedAsync(scene, "retry", "after 1 attempts", isTimed: true);
        await ExplainedAsync(scene, "credential", "asked once", isTimed: false);
        await ExplainedAsync(scene, "recoverableStatus", "403", isTimed: false);
        await ExplainedAsync(scene, "storage", "no room", isTimed: true);
        await ExplainedAsync(scene, "noNetwork", "no connection", isTimed: true);
        await ExplainedAsync(scene, "delayedRequest", "it is cancelled at", isTimed: true);
        await ExplainedAsync(scene, "systemPolicy", "maintenance", isTimed: false);
        await ExplainedAsync(scene, "groupOrder", "task first is before it", isTimed: false);
        Assert.Contains("attempt 1", (await scene.Caller.WhyAsync(scene.Session, "runs")).Sentence, StringComparison.Ordinal);
        await world.OperateAsync(way, "session", "suspend", scene.Session, "--reason", "an audit");
        await ExplainedAsync(scene, "hostLimit", "suspended the session", isTimed: false, "paused");
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_task_that_its_node_has_no_place_for_waits_for_one_and_says_how_many_there_are(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync("""{"maxConnectionsPerHost":64}""");
        for (var n = 0; n < WorldSettings.HostMax; n++)
        {
            await scene.DownloadAsync($"holds-{n}", scene.Origin.Bytes("holds", 1000, "hang=1"));
            await scene.WhenAsync($"holds-{n}", task => task.State == "running");
        }
        await scene.DownloadAsync("nodeLimit", scene.Origin.Bytes("nodeLimit", 1));
        await ExplainedAsync(scene, "nodeLimit", $"at most {WorldSettings.HostMax} to one host", isTimed: false);
        Assert.Empty(scene.Origin.RequestsOf("nodeLimit"));
        await scene.Caller.ActAsync(scene.Session, "holds-0", "cancel");
        await scene.SucceededAsync("nodeLimit");
    }

    private static async Task ExplainedAsync(Scene scene, string task, string says, bool isTimed, string? reason = null)
    {
        reason ??= task;
        var view = await scene.WaitsAsync(task, reason);
        var why = await scene.Caller.WhyAsync(scene.Session, task);
        Assert.Equal((task, "waiting", reason), (why.Id, why.State, why.Reason));
        Assert.Contains(says, why.Sentence, StringComparison.Ordinal);
        Assert.True(why.NextEvaluationAt is not null == isTimed, $"{task} is looked at again at {why.NextEvaluationAt}: {why.Sentence}");
        Assert.Equal(view.NextEvaluationAt, why.NextEvaluationAt);
        if (why.NextEvaluationAt is { } at)
            Assert.Contains(at.ToString("u", System.Globalization.CultureInfo.InvariantCulture), why.Sentence, StringComparison.Ordinal);
    }
}
