using Backhaul.Node.Routing;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>
/// <c>/health</c>, without a key. Live looks at this process only, so that a database that is away restarts nothing;
/// ready says whether new work should come here.
/// </summary>
internal static class HealthEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var health = routes.MapGroup("/health").WithTags("health").WithMetadata(OpenToAll.Instance);
        health.MapGet("/live", (NodeReadiness readiness) => readiness.IsAlive
                ? Results.Text("""{"status":"live"}""", RequestBodies.Json)
                : Problems.Result(Problems.Create(503, ProblemCodes.Unavailable, "The process makes no progress any more. Start it again."), TimeSpan.FromSeconds(1)))
            .WithName("getLive").WithSummary("Whether the process works").Produces<HealthView>().Produces<Problem>(503, Problems.ContentType);
        health.MapGet("/ready", (NodeReadiness readiness) => readiness.Phase switch
            {
                NodePhase.Ready => Results.Text("""{"status":"ready"}""", RequestBodies.Json),
                NodePhase.Draining => Problems.Result(Problems.Create(503, ProblemCodes.Unavailable, "The node is draining and takes no new work."), TimeSpan.FromSeconds(5)),
                NodePhase.Waiting => Problems.Result(Problems.Create(503, ProblemCodes.Unavailable, "The node waits for shards that it should hold."), TimeSpan.FromSeconds(1)),
                _ => Problems.Result(Problems.Create(503, ProblemCodes.Unavailable, "The node is starting."), TimeSpan.FromSeconds(1)),
            })
            .WithName("getReady").WithSummary("Whether the node takes work").Produces<HealthView>().Produces<Problem>(503, Problems.ContentType);
    }
}

/// <summary>What a healthy node says.</summary>
internal sealed record HealthView(string Status);

/// <summary>Marks endpoints that answer without a key.</summary>
internal sealed class OpenToAll
{
    public static OpenToAll Instance { get; } = new();
}
