using System.Text.Json;
using Backhaul.Node.Ops.Palettes;
using Backhaul.Node.Routing;
using Backhaul.Node.Telemetry;
using Backhaul.Protocol;
using Microsoft.AspNetCore.Http.Features;

namespace Backhaul.Node.Ops;

/// <summary>The handlers behind the operator's paths.</summary>
internal sealed class OpsEndpoints(PaletteExecutor executor, NodeCard node, NodeReadiness readiness, MetricsCollector metrics) : IDisposable
{
    private const int WordsMax = 64;

    private readonly CancellationTokenSource _ending = new();

    /// <summary>Ends what goes on until its caller leaves; commands that were begun are carried out.</summary>
    public void EndTails() => _ending.Cancel();

    public Task PalettesAsync(HttpContext context) =>
        WriteJsonAsync(context, 200, JsonSerializer.SerializeToUtf8Bytes(PaletteCatalog.Of(node, executor.Palettes), OpsJson.Default.PaletteCatalog));

    public async Task ExecuteAsync(HttpContext context)
    {
        ExecuteRequest? request;
        try
        {
            request = await JsonSerializer.DeserializeAsync(context.Request.Body, OpsJson.Default.ExecuteRequest, context.RequestAborted);
        }
        catch (JsonException broken)
        {
            await WriteProblemAsync(context, new Problem { Status = 400, Code = ProblemCodes.InvalidJson, Detail = $"The body is not the JSON of a command: {broken.Message}" });
            return;
        }
        if (request?.Words is not { } words || words.Count > WordsMax || words.Any(static word => word is null))
        {
            await WriteProblemAsync(context, new Problem
            {
                Status = 400,
                Code = ProblemCodes.InvalidField,
                Detail = $"words is a list of at most {WordsMax} words, for instance [\"session\", \"list\"].",
                Field = "words",
            });
            return;
        }

        context.Response.ContentType = "application/x-ndjson";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        var caller = context.RequestAborted;
        // A tail may have nothing to say for hours: its caller must see that it has begun.
        await context.Response.Body.FlushAsync(caller);
        var output = new PaletteOutput(async (record, _) =>
        {
            await context.Response.Body.WriteAsync(record, caller);
            await context.Response.Body.FlushAsync(caller);
        }, caller);
        try
        {
            await executor.ExecuteAsync(
                context.Features.GetRequiredFeature<OperatorIdentity>(), context.TraceIdentifier, words, request.Confirmed, output, caller, _ending.Token);
        }
        catch (OperationCanceledException) when (caller.IsCancellationRequested)
        {
            // The caller has left: there is nobody to tell.
            return;
        }
    }

    public Task MetricsAsync(HttpContext context)
    {
        context.Response.ContentType = PrometheusText.ContentType;
        return context.Response.WriteAsync(PrometheusText.Write(metrics.Collect()), context.RequestAborted);
    }

    /// <summary>That this process answers is what it says: nothing of stores or other nodes, so that their failure restarts nothing.</summary>
    public Task LiveAsync(HttpContext context) => readiness.IsAlive
        ? WriteHealthAsync(context, 200, "live", "The process works.")
        : WriteHealthAsync(context, 503, "stuck", "The process makes no progress any more. Start it again.");

    public Task ReadyAsync(HttpContext context) => readiness.Phase == NodePhase.Ready
        ? WriteHealthAsync(context, 200, "ready", Sentence(readiness.Phase))
        : WriteHealthAsync(context, 503, "notReady", Sentence(readiness.Phase));

    public static string Sentence(NodePhase phase) => phase switch
    {
        NodePhase.Starting => "The node is starting.",
        NodePhase.Ready => "The node takes work.",
        NodePhase.Waiting => "The node waits for shards that it should hold.",
        _ => "The node is draining and takes no new work.",
    };

    public static Task WriteProblemAsync(HttpContext context, Problem problem) =>
        WriteJsonAsync(context, problem.Status, JsonSerializer.SerializeToUtf8Bytes(problem, ProtocolJson.Default.Problem), "application/problem+json");

    public void Dispose() => _ending.Dispose();

    private static Task WriteHealthAsync(HttpContext context, int status, string word, string sentence) =>
        WriteJsonAsync(context, status, JsonSerializer.SerializeToUtf8Bytes(new HealthView(word, sentence), OpsJson.Default.HealthView));

    private static async Task WriteJsonAsync(HttpContext context, int status, byte[] body, string contentType = "application/json")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }
}
