using System.Net;

namespace Backhaul.Features.Tests.Sessions;

/// <summary>product.md, Sessions: what holds for the requests of all its tasks.</summary>
public sealed class RequestTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task Additional_headers_go_with_every_request_and_a_tasks_own_replaces_one(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync("""{"additionalHeaders":{"X-From":"session","X-Both":"session"}}""");
        await scene.DownloadAsync("one", scene.Origin.Bytes("one", 1000), ""","headers":{"X-Both":"task"}""");
        await scene.SucceededAsync("one");
        var request = Assert.Single(scene.Origin.RequestsOf("one"));
        Assert.Equal(("session", "task"), (request.Headers["X-From"], request.Headers["X-Both"]));
        foreach (var name in new[] { "Authorization", "Connection", "Host", "Proxy-Authenticate", "Proxy-Authorization", "WWW-Authenticate" })
        {
            var refused = await Scene.RefusedAsync(() => scene.OpenAsync($$"""{"additionalHeaders":{"{{name}}":"x"} }"""));
            Assert.Equal((HttpStatusCode.BadRequest, ProblemCodes.ForbiddenHeader), (refused.Status, refused.Code));
        }
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task The_request_timeout_is_an_idle_timer_that_every_byte_restarts_and_its_end_is_retried(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync("""{"requestTimeout":"PT2S","retry":{"first":"PT0.05S"}}""");
        await scene.DownloadAsync("silent", scene.Origin.Bytes("silent", 1000, "hang=1&times=1"));
        await scene.DownloadAsync("slow", scene.Origin.Bytes("slow", 11, "drip=250"));
        Assert.Equal(1, (await scene.SucceededAsync("slow")).Attempts); // longer than that, and never silent for so long
        Assert.Equal(2, (await scene.SucceededAsync("silent")).Attempts);
        var first = (await scene.Caller.AttemptsAsync(scene.Session, "silent"))[0];
        Assert.Equal("idleTimeout", first.Error!.Code);
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task The_resource_timeout_fails_the_task_and_does_not_run_while_it_is_suspended(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync("""{"resourceTimeout":"PT2S"}""");
        await scene.DownloadAsync("suspended", scene.Origin.Bytes("suspended", 200_000, "rate=20000&times=1"));
        await scene.WhenAsync("suspended", task => task.State == "running");
        await scene.SuspendedAsync("suspended");
        await scene.DownloadAsync("late", scene.Origin.Bytes("late", 1000, "hang=1"));
        var ended = await scene.EndedAsync("late");
        Assert.Equal(("failed", "timedOut"), (ended.Outcome, ended.Error!.Code));
        await scene.Caller.ActAsync(scene.Session, "suspended", "resume");
        await scene.SucceededAsync("suspended");
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task Connections_per_host_are_limited_for_the_session_and_each_origin(Way way)
    {
        var scene = world.Begin(way);
        var elsewhere = scene.OriginAt(1);
        await scene.OpenAsync("""{"maxConnectionsPerHost":1}""");
        await scene.DownloadAsync("first", scene.Origin.Bytes("first", 1000, "hang=1"));
        await scene.WhenAsync("first", task => task.State == "running");
        await scene.DownloadAsync("second", scene.Origin.Bytes("second", 1000));
        await scene.DownloadAsync("elsewhere", elsewhere.Bytes("elsewhere", 1000));
        await scene.SucceededAsync("elsewhere");
        await scene.WaitsAsync("second", "hostLimit");
        var why = (await scene.Caller.WhyAsync(scene.Session, "second")).Sentence;
        Assert.Contains($"1 of 1 connections to http://{scene.Origin.Host}", why, StringComparison.Ordinal);
        await scene.Caller.ActAsync(scene.Session, "first", "cancel");
        await scene.SucceededAsync("second");
        Assert.Equal(6, (await world.Begin(way).OpenAsync()).Configuration.MaxConnectionsPerHost);
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task No_connection_means_waiting_and_never_failure(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync("""{"retry":{"first":"PT0.05S"}}""");
        await scene.DownloadAsync("one", $"http://{WorldSettings.Nowhere}:8080/one");
        WhyView? why = null; // it is tried again all the time, so that both are to be seen at once
        await Eventually.TrueAsync(
            async () => (why = await scene.Caller.WhyAsync(scene.Session, "one")) is { State: "waiting", Reason: "noNetwork" }, Scene.Within, () => $"one to wait for a network; {why}");
        Assert.Contains("no connection", why!.Sentence, StringComparison.Ordinal);
        Assert.NotNull(why.NextEvaluationAt);
        await scene.SuspendedAsync("one");
        await scene.Caller.ChangeAsync(scene.Session, "one", $$"""{"url":"{{scene.Origin.Bytes("one", 1000)}}"}""");
        await scene.Caller.ActAsync(scene.Session, "one", "resume");
        await scene.SucceededAsync("one");
    }
}
