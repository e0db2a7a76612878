using Backhaul.Samples.NightlyDownloads;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Client.Tests.Samples;

/// <summary>Regression: a night that was refused as a whole was logged, no event followed it, and no night was planned until somebody restarted the service.</summary>
public sealed class NightPlannerTests
{
    private const string Refused = """{"index":0,"status":409,"error":{"code":"taskExists","message":"No."}}""";
    private const string Taken = """{"index":1,"status":201,"id":"a"}""";

    [Fact]
    public async Task A_night_that_is_refused_as_a_whole_fails_and_one_of_which_something_is_taken_does_not()
    {
        var answer = $"[{Refused}]";
        using var node = new FakeNode((_, _) => Answer.Json(answer));
        using var client = node.Client();
        using var planner = Planner(client);
        await Assert.ThrowsAsync<NightRefusedException>(() => planner.PlanAsync(Stop));
        answer = $"[{Refused},{Taken}]";
        await planner.PlanAsync(Stop);
    }

    [Fact]
    public async Task The_service_plans_its_first_night_until_something_of_it_is_taken()
    {
        var plans = 0;
        using var node = new FakeNode((seen, _) => seen.Method == "PUT" ? Answer.Json(Answer.Session) : Answer.Json(++plans < 3 ? $"[{Refused}]" : $"[{Refused},{Taken}]"));
        using var client = node.Client();
        using var planner = Planner(client);
        await planner.StartAsync(Stop);
        await Until.TrueAsync(() => planner.ExecuteTask!.IsCompleted, Stop);
        await planner.ExecuteTask!;
        Assert.Equal(3, plans);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static NightPlanner Planner(BackhaulClient client)
    {
        var options = new NightlyOptions([new Uri("https://example.org/a"), new Uri("https://example.org/b")], new TimeOnly(2, 0), Launch: null);
        return new NightPlanner(client, options, new ImpatientTime(), NullLogger<NightPlanner>.Instance);
    }

    /// <summary>Every wait is over at once.</summary>
    private sealed class ImpatientTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? TimeSpan.Zero : dueTime, period);
    }
}
