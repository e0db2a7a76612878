namespace Backhaul.Features.Tests.Tasks;

/// <summary>product.md, Tasks: when one may begin, and whom it asks first.</summary>
public sealed class BeginTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task A_task_does_not_begin_before_its_earliest_begin_and_then_asks_its_client(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        var begin = DateTimeOffset.UtcNow.AddHours(1);
        await scene.DownloadAsync("early", scene.Origin.Bytes("early", 1000), $$""","earliestBeginAt":{{Json.Text(begin.ToString("O"))}},"askBeforeStart":{}""");
        var waits = await scene.WaitsAsync("early", "earliestBegin");
        Assert.True((waits.NextEvaluationAt - begin)?.Duration() < TimeSpan.FromSeconds(1));
        await scene.Caller.ChangeAsync(scene.Session, "early", $$"""{"earliestBeginAt":{{Json.In(TimeSpan.FromSeconds(0.2))}}}""");
        var asked = await scene.EventAsync(EventTypes.DelayedRequest, "early");
        Assert.Equal((scene.Origin.Bytes("early", 1000), "continue"), (asked.Text("url"), asked.Text("default")));
        Assert.Empty(scene.Origin.Requests);
        await scene.Caller.AnswerDelayedRequestAsync(scene.Session, "early", """{"answer":"continue"}""");
        Assert.Equal(1, (await scene.SucceededAsync("early")).Attempts);
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_delayed_request_goes_on_by_a_new_request_is_cancelled_or_has_its_default_when_its_time_is_over(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        await scene.DownloadAsync("renewed", scene.Origin.Url + "/old", ""","askBeforeStart":{"when":"start","timeout":"PT1H","default":"cancel"}""");
        await scene.DownloadAsync("refused", scene.Origin.Bytes("refused", 1000), ""","askBeforeStart":{}""");
        await scene.DownloadAsync("default", scene.Origin.Bytes("default", 1000), ""","askBeforeStart":{"timeout":"PT1S"}""");
        await scene.DownloadAsync("gone", scene.Origin.Bytes("gone", 1000), ""","askBeforeStart":{"timeout":"PT1S","default":"cancel"}""");
        await scene.WaitsAsync("renewed", "delayedRequest");
        await scene.Caller.AnswerDelayedRequestAsync(scene.Session, "renewed", $$"""{"answer":"useNewRequest","url":"{{scene.Origin.Bytes("renewed", 1000)}}","headers":{"X-Token":"new"},"attempt":1}""");
        await scene.SucceededAsync("renewed");
        Assert.Equal("new", Assert.Single(scene.Origin.RequestsOf("renewed")).Headers["X-Token"]);
        await scene.WaitsAsync("refused", "delayedRequest");
        await scene.Caller.AnswerDelayedRequestAsync(scene.Session, "refused", """{"answer":"cancel"}""");
        Assert.Equal("cancelled", (await scene.EndedAsync("refused")).Outcome);
        await scene.SucceededAsync("default");
        Assert.Equal("cancelled", (await scene.EndedAsync("gone")).Outcome);
        var late = await Scene.RefusedAsync(() => scene.Caller.AnswerDelayedRequestAsync(scene.Session, "gone", """{"answer":"continue"}"""));
        Assert.Contains(late.Code, new[] { ProblemCodes.NoQuestion, ProblemCodes.TaskEnded });
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_task_may_ask_before_every_attempt_for_urls_and_tokens_that_expire(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync("""{"retry":{"first":"PT0.05S"}}""");
        await scene.DownloadAsync("one", scene.Origin.Bytes("one", 1000, "status=503&times=1"), ""","askBeforeStart":{"when":"everyAttempt"}""");
        var first = await scene.EventAsync(EventTypes.DelayedRequest, "one");
        await scene.Caller.AnswerDelayedRequestAsync(scene.Session, "one", """{"answer":"continue","attempt":1}""");
        var second = await scene.EventAsync(EventTypes.DelayedRequest, "one", after: first.Number);
        Assert.Equal((1L, 2L), (first.Number("attempt"), second.Number("attempt")));
        await scene.Caller.AnswerDelayedRequestAsync(scene.Session, "one", $$"""{"answer":"useNewRequest","url":"{{scene.Origin.Bytes("other", 1000)}}","attempt":2}""");
        Assert.Equal(2, (await scene.SucceededAsync("one")).Attempts);
        Assert.Single(scene.Origin.RequestsOf("other"));
    }
}
