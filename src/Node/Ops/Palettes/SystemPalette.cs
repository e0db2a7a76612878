using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Backhaul.Node.Routing;
using Backhaul.Node.Telemetry;

namespace Backhaul.Node.Ops.Palettes;

/// <summary><c>system</c>: this node as a process.</summary>
internal sealed class SystemPalette(NodeFacts facts, NodeReadiness readiness, INodeDrain drain, MetricsCollector metrics, TimeProvider time) : IPalette
{
    public string Name => "system";

    public string Help => "This node: what it is, its numbers, and its orderly stop.";

    public IReadOnlyList<PaletteCommand> Commands =>
    [
        new() { Name = "info", Help = "Shows what this node is and how it is.", Run = (invocation, output, _) => InfoAsync(invocation, output) },
        new() { Name = "uptime", Help = "Shows since when the process runs.", Run = (invocation, output, _) => UptimeAsync(invocation, output) },
        new()
        {
            Name = "metrics",
            Help = "Shows the metrics whose names contain a text; histograms as count and sum.",
            Arguments = [new("name", "Part of the names, for instance backhaul.", Required: false)],
            Run = (invocation, output, _) => MetricsAsync(invocation, output),
        },
        new()
        {
            Name = "gc",
            Help = "Collects the node's memory now and gives back what is free; for measuring, a node needs no help with it.",
            Role = OperatorRole.Operator,
            Run = (invocation, output, _) => CollectAsync(invocation, output),
        },
        new()
        {
            Name = "drain",
            Help = "Stops this node in good order: no new work, checkpoints, then the process ends with exit code 0.",
            Role = OperatorRole.Admin,
            Writes = true,
            Destructive = true,
            Run = async (_, output, _) =>
            {
                await output.LineAsync("The node drains: it takes no new work, checkpoints what runs, and ends.");
                drain.Begin();
                return PaletteExit.Done;
            },
        },
    ];

    private ValueTask<PaletteExit> InfoAsync(PaletteInvocation invocation, PaletteOutput output) => FieldRows.WriteAsync(
    [
        ("name", facts.Name),
        ("version", facts.Version),
        ("ready", readiness.Phase == NodePhase.Ready ? "yes" : "no"),
        ("health", OpsEndpoints.Sentence(readiness.Phase)),
        ("up since", Columns.Time(facts.StartedAt)),
        ("process", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)),
        ("runtime", $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.OSDescription} ({RuntimeInformation.ProcessArchitecture})"),
        ("processors", Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture)),
        ("working set", Columns.Size(Environment.WorkingSet)),
        ("managed heap", Columns.Size(GC.GetTotalMemory(forceFullCollection: false))),
        ("store", facts.StoreProvider),
        ("data directory", facts.DataDirectory),
        ("client edge", facts.ClientUrls),
        ("transfers under way", Columns.Number(TransferInstruments.ActiveNow)),
        ("transfers that may run now", Columns.Number(TransferInstruments.RunningLimit.Read())),
    ], invocation, output);

    private ValueTask<PaletteExit> UptimeAsync(PaletteInvocation invocation, PaletteOutput output) => FieldRows.WriteAsync(
    [
        ("up since", Columns.Time(facts.StartedAt)),
        ("uptime", Columns.Duration(time.GetElapsedTime(facts.StartedTimestamp))),
    ], invocation, output);

    private static ValueTask<PaletteExit> CollectAsync(PaletteInvocation invocation, PaletteOutput output)
    {
        var before = Environment.WorkingSet;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return FieldRows.WriteAsync(
        [
            ("working set before", Columns.Size(before)),
            ("working set", Columns.Size(Environment.WorkingSet)),
            ("managed heap", Columns.Size(GC.GetTotalMemory(forceFullCollection: false))),
        ], invocation, output);
    }

    private async ValueTask<PaletteExit> MetricsAsync(PaletteInvocation invocation, PaletteOutput output)
    {
        var part = invocation.Optional("name");
        var table = new TextTable(output, "Metric", "Labels", "Value", "Unit");
        var count = 0;
        foreach (var metric in metrics.Collect().Where(m => part is null || m.Name.Contains(part, StringComparison.OrdinalIgnoreCase)))
        {
            foreach (var point in metric.Points)
            {
                count++;
                var labels = string.Join(", ", point.Labels.Select(l => $"{l.Key}={l.Value}"));
                if (invocation.Json)
                {
                    var names = new JsonObject();
                    foreach (var (name, value) in point.Labels)
                        names[name] = value;
                    await output.JsonAsync(new JsonObject
                    {
                        ["metric"] = metric.Name,
                        ["unit"] = metric.Unit,
                        ["labels"] = names,
                        ["value"] = point.Histogram is null ? JsonValue.Create(point.Value) : null,
                        ["count"] = point.Histogram?.Count,
                        ["sum"] = point.Histogram?.Sum,
                    });
                    continue;
                }
                var text = point.Histogram is { } histogram
                    ? string.Create(CultureInfo.InvariantCulture, $"{histogram.Count} in all, sum {histogram.Sum:0.######}")
                    : point.Value.ToString("0.######", CultureInfo.InvariantCulture);
                await table.RowAsync(metric.Name, labels, text, metric.Unit);
            }
        }
        if (invocation.Json)
            return PaletteExit.Done;
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(count, "value", "values"));
        return PaletteExit.Done;
    }
}
