using System.Net;

namespace Backhaul.Features.Tests.Sessions;

/// <summary>product.md, Sessions: under which conditions its tasks run.</summary>
public sealed class ConditionTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task A_discretionary_task_waits_for_good_conditions_and_a_near_deadline_starts_it_all_the_same(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync("""{"discretionary":true}""");
        await scene.DownloadAsync("patient", scene.Origin.Bytes("patient", 1000));
        await scene.DownloadAsync("urgent", scene.Origin.Bytes("urgent", 1000), $$""","deadline":{{Json.In(TimeSpan.FromMinutes(30))}}""");
        await scene.SucceededAsync("urgent");
        var waits = await scene.WaitsAsync("patient", "discretionary");
        Assert.NotNull(waits.NextEvaluationAt);
        var why = await scene.Caller.WhyAsync(scene.Session, "patient");
        Assert.Equal(("discretionary", waits.NextEvaluationAt), (why.Reason, why.NextEvaluationAt));
        Assert.Contains("window", why.Sentence, StringComparison.Ordinal);
        Assert.Empty(scene.Origin.RequestsOf("patient"));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_task_that_is_created_while_a_launch_is_handled_counts_as_discretionary(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync($$"""{"launch":{{scene.Hook("launch")}}}""");
        await scene.DownloadAsync("first", scene.Origin.Bytes("first", 1000));
        var launch = (await scene.HookAsync("launch")).Data.GetProperty("launch").GetInt64();
        await scene.WhenSessionAsync(session => session.Counts.Succeeded == 1);
        await scene.DownloadAsync("during", scene.Origin.Bytes("during", 1000));
        await scene.WaitsAsync("during", "discretionary");
        await scene.Caller.CompleteLaunchAsync(scene.Session, launch);
        await scene.DownloadAsync("after", scene.Origin.Bytes("after", 1000));
        await scene.SucceededAsync("after");
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task The_service_type_is_one_of_eight_weight_classes(Way way)
    {
        var scene = world.Begin(way);
        foreach (var type in new[] { "default", "video", "background", "voice", "responsiveData", "avStreaming", "responsiveAV", "callSignaling" })
            Assert.Equal(type, (await scene.OpenAsync($$"""{"serviceType":"{{type}}","weight":2.5}""")).Configuration.ServiceType);
        await scene.DownloadAsync("one", scene.Origin.Bytes("one", 1000));
        await scene.SucceededAsync("one");
        var refused = await Scene.RefusedAsync(() => scene.OpenAsync("""{"serviceType":"urgent"}"""));
        Assert.Equal((HttpStatusCode.BadRequest, ProblemCodes.InvalidField, "serviceType"), (refused.Status, refused.Code, refused.Field));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task Access_permissions_and_cost_policy_are_matched_against_the_network_that_operators_declare(Way way)
    {
        (string Configuration, string Reason, string Says)[] blocked =
        [
            ("""{"allowsExpensiveAccess":false}""", "costedNetwork", "allowsExpensiveAccess"),
            ("""{"allowsCellularAccess":false}""", "costedNetwork", "cellular"),
            ("""{"allowsConstrainedAccess":false}""", "constrainedNetwork", "constrained"),
            ("""{"costPolicy":"unrestrictedOnly"}""", "costedNetwork", "metered"),
        ];
        foreach (var (configuration, reason, says) in blocked)
        {
            var scene = world.Begin(way);
            await scene.OpenAsync(configuration);
            await scene.DownloadAsync("waits", scene.Origin.Bytes("waits", 1000));
            await scene.WaitsAsync("waits", reason);
            var why = (await scene.Caller.WhyAsync(scene.Session, "waits")).Sentence;
            Assert.Contains(says, why, StringComparison.Ordinal);
            Assert.Contains("all tests", why, StringComparison.Ordinal); // what the operator gave as the reason
            if (!configuration.Contains("costPolicy", StringComparison.Ordinal))
                continue;
            await scene.DownloadAsync("always", scene.Origin.Bytes("always", 1000), ""","costPolicy":"always" """);
            await scene.SucceededAsync("always"); // a task's own policy wins
            await scene.OpenAsync("""{"costPolicy":"default"}""");
            await scene.DownloadAsync("default", scene.Origin.Bytes("default", 1000));
            await scene.SucceededAsync("default");
        }
    }
}
