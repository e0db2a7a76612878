namespace Backhaul.Features.Tests.Tasks;

/// <summary>product.md, Tasks: what is a success, and what is tried again.</summary>
public sealed class OutcomeTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task A_success_has_its_status_length_and_digest_and_an_error_page_is_never_the_file(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        var (right, wrong) = (scene.Origin.Sha256("right", 1000), new string('0', 64));
        string Digest(string value) => $$""","digest":{"algorithm":"sha-256","value":"{{value}}"} """;
        await scene.DownloadAsync("right", scene.Origin.Bytes("right", 1000, "framing=chunked"), Digest(right));
        await scene.DownloadAsync("wrong", scene.Origin.Bytes("wrong", 1000), Digest(wrong) + $$""","destination":"default/{{scene.Name("wrong")}}" """);
        await scene.DownloadAsync("bare", scene.Origin.Bytes("bare", 1000, "framing=close"));
        await scene.DownloadAsync("page", scene.Origin.Bytes("page", 1000, "status=404"), $$""","destination":"default/{{scene.Name("page")}}" """);
        await scene.DownloadAsync("accepted", scene.Origin.Bytes("accepted", 1000, "status=404"), ""","acceptStatus":["400-499"]""");
        Assert.Equal(("verified", right), (await scene.SucceededAsync("right")) is var proven ? (proven.Integrity, proven.Digest!.Value) : default);
        Assert.Equal("digestMismatch", (await scene.EndedAsync("wrong")).Error!.Code);
        Assert.Equal("unverified", (await scene.SucceededAsync("bare")).Integrity);
        Assert.Equal("httpStatus", (await scene.EndedAsync("page")).Error!.Code);
        foreach (var file in new[] { "wrong", "page" })
            Assert.False(await scene.Caller.FileExistsAsync($"default/{scene.Name(file)}"));
        Assert.Equal((404, 40L), (await scene.SucceededAsync("accepted")) is var accepted ? (accepted.Response!.Status, accepted.File!.Length) : default);
        var none = await Scene.RefusedAsync(() => scene.Caller.ContentAsync(scene.Session, "page"));
        Assert.Equal(ProblemCodes.NoContent, none.Code);
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task Failures_are_retried_by_time_and_retry_after_is_honoured_and_every_attempt_recorded(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync("""{"retry":{"first":"PT0.02S","longest":"PT0.05S"}}""");
        await scene.DownloadAsync("often", scene.Origin.Bytes("often", 1000, "drop=reset&times=4"));
        var ended = await scene.SucceededAsync("often");
        var attempts = await scene.Caller.AttemptsAsync(scene.Session, "often");
        Assert.Equal(ended.Attempts, attempts.Count);
        Assert.Equal(Enumerable.Range(1, attempts.Count), attempts.Select(attempt => attempt.Number));
        Assert.All(attempts.SkipLast(1), attempt => Assert.Equal(("retried", "connectionLost"), (attempt.Decision, attempt.Error!.Code)));
        Assert.Equal((200, "succeeded"), (attempts[^1].Status, attempts[^1].Decision));
        Assert.NotNull(attempts[^1].Phases);

        await scene.DownloadAsync("own", scene.Origin.Bytes("own", 1000, "status=418&times=1"), ""","retry":{"first":"PT0.02S","statuses":[418]}""");
        await scene.DownloadAsync("not", scene.Origin.Bytes("not", 1000, "status=503"), ""","retry":{"statuses":[]}""");
        Assert.Equal(2, (await scene.SucceededAsync("own")).Attempts);
        Assert.Equal(("failed", 1), (await scene.EndedAsync("not")) is var once ? (once.Outcome, once.Attempts) : default);

        await scene.DownloadAsync("patient", scene.Origin.Bytes("patient", 1000, "status=503&retry-after=2&times=1"));
        await scene.WaitsAsync("patient", "retry");
        await scene.SucceededAsync("patient");
        var requests = scene.Origin.RequestsOf("patient");
        Assert.True(requests[1].At - requests[0].At >= TimeSpan.FromSeconds(1.9), $"asked again after {requests[1].At - requests[0].At}");
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task Expected_bytes_reserve_room_and_a_far_larger_reality_is_an_event_and_no_error(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        await scene.DownloadAsync("more", scene.Origin.Bytes("more", 2_000_000, "framing=chunked"), ""","expectedBytes":{"receive":1000}""");
        var ended = await scene.SucceededAsync("more");
        Assert.Equal((2_000_000L, 1000L), (ended.File!.Length, ended.ExpectedBytes!.Receive));
        var told = Assert.Single(await scene.AllEventsAsync(), shown => shown.Type == EventTypes.ExpectationExceeded);
        Assert.Equal(1000, told.Number("expectedBytes"));
        await scene.DownloadAsync("room", scene.Origin.Bytes("room", 1000, "framing=chunked"), ""","expectedBytes":{"receive":4000000000000000}""");
        await scene.WaitsAsync("room", "storage");
    }
}
