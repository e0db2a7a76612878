using System.Globalization;
using System.Text.Json.Nodes;
using Backhaul.Node.Hosting;
using Backhaul.Node.Sharding;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace Backhaul.Deploy.Tests;

/// <summary>The statements of the operations design about the node's pod, on both overlays.</summary>
public sealed class NodePodTests
{
    private static readonly IReadOnlyList<JsonObject>[] Overlays = [Rendered.Dev, Rendered.Production];

    [Fact]
    public void The_grace_period_is_the_last_rung_of_the_nodes_own_ladder()
    {
        var (sharding, drain) = (new ShardingOptions(), new DrainOptions());
        Assert.Equal([10, 15, 45, 60], new[] { sharding.ChildStop, sharding.HandOff, sharding.Drain, drain.Shutdown }.Select(rung => (int)rung.TotalSeconds));
        foreach (var overlay in Overlays)
        {
            var grace = overlay.Node().Pod().Number("terminationGracePeriodSeconds");
            Assert.Equal(75, grace);
            var preStop = overlay.Node().Container().Number("lifecycle", "preStop", "sleep", "seconds");
            Assert.True(preStop + drain.Shutdown.TotalSeconds < grace, "The sleep before the stop counts against the grace period.");
        }
    }

    [Fact]
    public void A_stop_begins_with_a_native_sleep_of_five_seconds() => Assert.All(Overlays, overlay =>
        Assert.Equal("""{"preStop":{"sleep":{"seconds":5}}}""", overlay.Node().Container()["lifecycle"]!.ToJsonString()));

    [Fact]
    public void A_rollout_adds_one_pod_removes_none_and_waits_20_seconds_for_each() => Assert.All(Overlays, overlay =>
    {
        var spec = overlay.Node()["spec"]!;
        Assert.Equal("RollingUpdate", spec.Text("strategy", "type"));
        Assert.Equal(1, spec.Number("strategy", "rollingUpdate", "maxSurge"));
        Assert.Equal(0, spec.Number("strategy", "rollingUpdate", "maxUnavailable"));
        Assert.Equal(20, spec.Number("minReadySeconds"));
    });

    [Fact]
    public void The_pod_starts_the_images_entry_point_without_a_shell() => Assert.All(Overlays, overlay =>
    {
        Assert.Null(overlay.Node().Container()["command"]);
        Assert.Null(overlay.Node().Container()["args"]);
        Assert.Null(overlay.Node().Pod()["initContainers"]);
    });

    [Fact]
    public void The_drain_runs_before_the_web_servers_stop() =>
        Assert.True(typeof(IHostedLifecycleService).IsAssignableFrom(typeof(NodeDrain)), "Only StoppingAsync runs before Kestrel stops.");

    [Fact]
    public void Pods_are_stateless()
    {
        Assert.All(Overlays, overlay => Assert.Empty(overlay.OfKind("StatefulSet")));
        Assert.All(Overlays, overlay => Assert.Null(overlay.Node()["spec"]!["replicas"])); // the autoscaler's to say
    }

    [Theory]
    [InlineData("livenessProbe", "/health/live")]
    [InlineData("startupProbe", "/health/live")]
    [InlineData("readinessProbe", "/health/ready")]
    public void A_probe_asks_the_operators_port_which_answers_to_the_end_of_a_drain(string probe, string path) => Assert.All(Overlays, overlay =>
    {
        var get = overlay.Node().Container()[probe]!["httpGet"]!;
        Assert.Equal(path, get.Text("path"));
        Assert.Equal("ops", get.Text("port"));
    });

    [Fact]
    public void A_start_may_take_five_minutes() => Assert.All(Overlays, overlay =>
    {
        var probe = overlay.Node().Container()["startupProbe"]!;
        Assert.True(probe.Number("periodSeconds") * probe.Number("failureThreshold") >= 300);
    });

    [Fact]
    public void A_pod_that_drains_leaves_the_service_before_its_streams_end() => Assert.All(Overlays, overlay =>
    {
        var probe = overlay.Node().Container()["readinessProbe"]!;
        Assert.True(probe.Number("periodSeconds") * probe.Number("failureThreshold") <= 5);
    });

    [Fact]
    public void Memory_is_what_is_asked_for_and_the_heap_gets_75_percent_of_it() => Assert.All(Overlays, overlay =>
    {
        var container = overlay.Node().Container();
        Assert.Equal(container.Text("resources", "requests", "memory"), container.Text("resources", "limits", "memory"));
        var percent = Variable(container, "DOTNET_GCHeapHardLimitPercent").Text("value")!;
        Assert.Equal(75, int.Parse(percent, NumberStyles.HexNumber, CultureInfo.InvariantCulture)); // the runtime reads it as hexadecimal
    });

    [Fact]
    public void No_container_has_a_limit_on_processors() => Assert.All(Overlays.SelectMany(overlay => overlay.OfKind("Deployment")), deployment =>
    {
        Assert.Null(deployment.Container().At("resources", "limits", "cpu"));
        Assert.NotNull(deployment.Container().At("resources", "requests", "cpu"));
    });

    [Fact]
    public void Pods_spread_over_zones_and_hosts() => Assert.All(Overlays, overlay =>
    {
        var constraints = overlay.Node().Pod()["topologySpreadConstraints"].Items().ToList();
        Assert.Equal(["topology.kubernetes.io/zone", "kubernetes.io/hostname"], constraints.Select(constraint => constraint.Text("topologyKey")));
        Assert.All(constraints, constraint =>
        {
            Assert.Equal(1, constraint.Number("maxSkew"));
            Assert.True(JsonNode.DeepEquals(constraint["labelSelector"], overlay.Node()["spec"]!["selector"]));
        });
    });

    [Fact]
    public void Two_things_are_writable_data_and_a_tmp_of_limited_size() => Assert.All(Overlays, overlay =>
    {
        var pod = overlay.Node().Pod();
        var writable = overlay.Node().Container()["volumeMounts"].Items().Where(mount => mount["readOnly"] is null).Select(mount => mount.Text("name")!).ToList();
        Assert.Equal(["data", "tmp"], writable.Order());
        var volumes = pod["volumes"].Items().ToDictionary(volume => volume.Text("name")!);
        Assert.NotNull(volumes["tmp"].Text("emptyDir", "sizeLimit"));
        var claim = overlay.Find("PersistentVolumeClaim", volumes["data"].Text("persistentVolumeClaim", "claimName")!);
        Assert.NotNull(claim.Text("spec", "resources", "requests", "storage"));
        Assert.NotNull(overlay.Node().Container().Text("resources", "limits", "ephemeral-storage"));
    });

    [Fact]
    public void A_changed_configuration_rolls_the_pods()
    {
        Assert.All(Overlays, overlay =>
        {
            var map = overlay.OfKind("ConfigMap").Single().Text("metadata", "name");
            Assert.Equal(map, overlay.Node().Text("spec", "template", "metadata", "annotations", "checksum/config"));
            Assert.Equal(map, overlay.Node().Container()["envFrom"]![0].Text("configMapRef", "name"));
        });
        var copy = Directory.CreateTempSubdirectory("backhaul-k8s").FullName;
        try
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(Rendered.Root, "deploy/k8s"), "*", SearchOption.AllDirectories))
            {
                var to = Path.Combine(copy, Path.GetRelativePath(Path.Combine(Rendered.Root, "deploy/k8s"), file));
                Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                File.Copy(file, to);
            }
            File.AppendAllText(Path.Combine(copy, "base/node.env"), "Backhaul__Transfers__RunningMax=32\n");
            var changed = Rendering.Overlay.Render(Path.Combine(copy, "overlays/production"));
            Assert.False(JsonNode.DeepEquals(changed.Node().At("spec", "template"), Rendered.Production.Node().At("spec", "template")));
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    [Fact]
    public void Production_names_its_secrets_and_holds_none()
    {
        Assert.Empty(Rendered.Production.OfKind("Secret"));
        var container = Rendered.Production.Node().Container();
        Assert.Equal("backhaul-db-app", Variable(container, "PGPASSWORD").Text("valueFrom", "secretKeyRef", "name"));
        Assert.Equal(["keys", "sealing-keys"], Rendered.Production.Node().KeySecrets());
        Assert.DoesNotContain("assword=", Rendered.Production.OfKind("ConfigMap").Single().ToJsonString(), StringComparison.Ordinal);
    }

    /// <summary>A pod without them would not join, or could not open what others sealed; so it waits for them to be there.</summary>
    [Theory]
    [InlineData("dev")]
    [InlineData("production")]
    public void All_pods_seal_with_the_keys_of_one_secret(string overlay)
    {
        var volume = Rendered.Of(overlay).Node().Pod()["volumes"].Items().Single(volume => volume.Text("name") == "keys");
        Assert.All(volume.At("projected", "sources").Items(), source => Assert.Null(source.At("secret", "optional")));
        Assert.Equal(288, volume.Number("projected", "defaultMode"));
        Assert.Equal("/etc/backhaul/secrets", Rendered.Of(overlay).Node().Container()["volumeMounts"].Items().Single(mount => mount.Text("name") == "keys").Text("mountPath"));
        Assert.DoesNotContain("SecretKeys", Rendered.Of(overlay).OfKind("ConfigMap").Single().ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(32, Convert.FromBase64String(Rendered.Dev.Find("Secret", "sealing-keys").Text("stringData", "Backhaul__Security__SecretKeys__0")!).Length);
    }

    private static JsonNode Variable(JsonNode container, string name) => container["env"].Items().Single(variable => variable.Text("name") == name);
}
