using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Backhaul.Node.Telemetry;
using Xunit;

namespace Backhaul.Deploy.Tests;

/// <summary>How many nodes there are, and how many may be away.</summary>
public sealed class ScalingTests
{
    [Theory]
    [InlineData("dev")]
    [InlineData("production")]
    public void Nodes_go_one_in_two_minutes_after_ten_quiet_ones(string overlay)
    {
        var down = Rendered.Of(overlay).Find("HorizontalPodAutoscaler", "node")["spec"]!["behavior"]!["scaleDown"]!;
        Assert.Equal(600, down.Number("stabilizationWindowSeconds"));
        Assert.Equal("""[{"type":"Pods","value":1,"periodSeconds":120}]""", down["policies"]!.ToJsonString());
    }

    [Theory]
    [InlineData("dev")]
    [InlineData("production")]
    public void The_number_follows_the_age_of_the_backlog_and_running_transfers_and_nothing_else(string overlay)
    {
        var metrics = Rendered.Of(overlay).Find("HorizontalPodAutoscaler", "node")["spec"]!["metrics"].Items().ToList();
        Assert.All(metrics, metric => Assert.Equal("Pods", metric.Text("type"))); // none of type Resource: processor and memory say nothing
        Assert.Equal(["backhaul_task_queue_age_seconds_p90", "backhaul_transfer_active"], metrics.Select(metric => metric.Text("pods", "metric", "name")).Order());
    }

    [Fact]
    public void Those_metrics_are_made_from_ones_that_a_node_exports()
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) => names.Add(PrometheusText.NameOf(new MetricSnapshot(instrument.Name, instrument.Unit, null, Kind(instrument), []))),
        };
        listener.Start();
        RuntimeHelpers.RunClassConstructor(typeof(SessionInstruments).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(TransferInstruments).TypeHandle);
        Assert.Contains("backhaul_transfer_active", names);
        Assert.Contains("backhaul_task_queue_age_seconds", names);
    }

    [Fact]
    public void One_node_at_a_time_may_be_evicted()
    {
        foreach (var overlay in new[] { Rendered.Dev, Rendered.Production })
        {
            var spec = overlay.Find("PodDisruptionBudget", "node")["spec"]!;
            Assert.Equal(1, spec.Number("maxUnavailable"));
            Assert.Equal("AlwaysAllow", spec.Text("unhealthyPodEvictionPolicy"));
        }
    }

    [Fact]
    public void A_cluster_has_three_nodes_or_more() =>
        Assert.True(Rendered.Production.Find("HorizontalPodAutoscaler", "node")["spec"]!.Number("minReplicas") >= 3);

    internal static MetricKind Kind(Instrument instrument) =>
        instrument.GetType().Name.StartsWith("Counter", StringComparison.Ordinal) ? MetricKind.Counter
        : instrument.GetType().Name.StartsWith("Histogram", StringComparison.Ordinal) ? MetricKind.Histogram : MetricKind.Gauge;
}
