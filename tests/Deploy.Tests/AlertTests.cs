using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Backhaul.Deploy.Tests.Rendering;
using Backhaul.Node.Telemetry;
using Xunit;

namespace Backhaul.Deploy.Tests;

/// <summary>Alerts and the dashboard speak of metrics that a node has, and each alert is explained.</summary>
public sealed partial class AlertTests
{
    private static readonly JsonNode[] Rules =
        [.. Yaml.ReadOne(Rendered.Read("deploy/alerts/backhaul.rules.yaml"))["groups"].Items().SelectMany(group => group["rules"].Items())];

    [Fact]
    public void Alerts_and_the_dashboard_use_metrics_that_a_node_exports()
    {
        var exported = ExportedNames();
        var panels = JsonNode.Parse(Rendered.Read("deploy/dashboards/backhaul.json"))!["panels"].Items();
        var expressions = Rules.Select(rule => rule.Text("expr")!).Concat(panels.SelectMany(panel => panel["targets"].Items()).Select(target => target.Text("expr")!));
        var used = expressions.SelectMany(expression => MetricName().Matches(expression).Select(match => match.Value)).Distinct(StringComparer.Ordinal);
        Assert.Empty(used.Except(exported));
    }

    [Fact]
    public void Each_alert_is_explained_to_operators()
    {
        var text = Rendered.Read("docs/operations.md");
        Assert.All(Rules, rule => Assert.Contains($"`{rule.Text("alert")}`", text, StringComparison.Ordinal));
        Assert.All(Rules, rule => Assert.Contains(rule.Text("labels", "severity"), new[] { "warning", "critical" }));
    }

    /// <summary>As they are scraped: histograms by their buckets, sum and count.</summary>
    private static HashSet<string> ExportedNames()
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name != NodeMeter.Name)
                    return;
                var kind = ScalingTests.Kind(instrument);
                var name = PrometheusText.NameOf(new MetricSnapshot(instrument.Name, instrument.Unit, null, kind, []));
                names.UnionWith(kind == MetricKind.Histogram ? [$"{name}_bucket", $"{name}_sum", $"{name}_count"] : [name]);
            },
        };
        listener.Start();
        foreach (var type in typeof(NodeMeter).Assembly.GetTypes().Where(type => type.Namespace == typeof(NodeMeter).Namespace && type.Name.EndsWith("Instruments", StringComparison.Ordinal)))
            RuntimeHelpers.RunClassConstructor(type.TypeHandle);
        // Watched while a node runs.
        names.UnionWith(["backhaul_mailbox_depth_max", "backhaul_journal_oldest_unanswered_seconds"]);
        return names;
    }

    [GeneratedRegex(@"\bbackhaul_[a-z_]+\b")]
    private static partial Regex MetricName();
}
