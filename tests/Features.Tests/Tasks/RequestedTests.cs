namespace Backhaul.Features.Tests.Tasks;

/// <summary>product.md, Tasks: what a task asks for: to be free of limits, and to end in time.</summary>
public sealed class RequestedTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task An_unconstrained_task_is_free_of_limits_where_operators_grant_it_and_runs_as_any_other_where_not(Way way)
    {
        var scene = world.Begin(way);
        var other = scene.CallerOfOtherTenant();
        const string Strict = """{"costPolicy":"unrestrictedOnly","discretionary":true}""";
        await scene.OpenAsync(Strict);
        await other.OpenAsync(scene.Session, Strict);
        var task = $$"""{"id":"one","kind":"download","url":"{{scene.Origin.Bytes("one", 1000)}}","unconstrained":true}""";
        Assert.Equal("granted", (await scene.AddAsync(task)).UnconstrainedVerdict);
        await scene.SucceededAsync("one");
        Assert.Equal("denied", (await other.AddAsync(scene.Session, task)).UnconstrainedVerdict);
        await Eventually.TrueAsync(async () => (await other.TaskAsync(scene.Session, "one")).Reason == "costedNetwork", Scene.Within, () => "the other tenant's task to wait");
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_deadline_ends_tasks_that_run_wait_or_are_suspended_as_expired(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        var deadline = $$""","deadline":{{Json.In(TimeSpan.FromSeconds(1.5))}}""";
        await scene.DownloadAsync("runs", scene.Origin.Bytes("runs", 1000, "hang=1"), deadline);
        await scene.DownloadAsync("waits", scene.Origin.Bytes("waits", 1000), deadline + ""","askBeforeStart":{"timeout":"PT1H"}""");
        await scene.DownloadAsync("suspended", scene.Origin.Bytes("suspended", 1000), deadline + ""","start":false""");
        foreach (var task in new[] { "runs", "waits", "suspended" })
            Assert.Equal(("expired", "expired"), (await scene.EndedAsync(task)) is var ended ? (ended.Outcome, ended.Error!.Code) : default);
    }
}
