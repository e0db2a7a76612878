using System.Text.Json.Nodes;
using Xunit;

namespace Backhaul.Deploy.Tests;

/// <summary>The restricted profile of the Pod Security Standards, and what the design asks beyond it, on every pod of both overlays.</summary>
public sealed class PodSecurityTests
{
    private static readonly string[] AllowedVolumes = ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];

    public static TheoryData<string, string> Pods => new(
        from overlay in new[] { "dev", "production" }
        from deployment in Rendered.Of(overlay).OfKind("Deployment")
        select (overlay, deployment.Text("metadata", "name")!));

    [Fact]
    public void The_namespace_enforces_the_restricted_profile() => Assert.All(new[] { Rendered.Dev, Rendered.Production }, overlay =>
        Assert.Equal("restricted", overlay.Find("Namespace", "backhaul").Text("metadata", "labels", "pod-security.kubernetes.io/enforce")));

    [Theory]
    [MemberData(nameof(Pods))]
    public void A_pod_runs_as_nobody_of_the_host(string overlay, string name)
    {
        var pod = Pod(overlay, name);
        Assert.True((bool)pod.At("securityContext", "runAsNonRoot")!);
        Assert.True(pod.Number("securityContext", "runAsUser") >= 10_000);
        Assert.True(pod.Number("securityContext", "runAsGroup") >= 10_000);
    }

    [Theory]
    [MemberData(nameof(Pods))]
    public void A_container_gains_no_privilege_and_has_no_capability(string overlay, string name) => Assert.All(Pod(overlay, name)["containers"].Items(), container =>
    {
        var security = container["securityContext"]!;
        Assert.False((bool)security["allowPrivilegeEscalation"]!);
        Assert.False((bool?)security["privileged"] ?? false);
        Assert.Equal("""{"drop":["ALL"]}""", security["capabilities"]!.ToJsonString());
    });

    [Theory]
    [MemberData(nameof(Pods))]
    public void System_calls_are_filtered_by_the_runtimes_default(string overlay, string name) =>
        Assert.Equal("RuntimeDefault", Pod(overlay, name).Text("securityContext", "seccompProfile", "type"));

    [Theory]
    [MemberData(nameof(Pods))]
    public void The_root_file_system_is_read_only(string overlay, string name) =>
        Assert.All(Pod(overlay, name)["containers"].Items(), container => Assert.True((bool)container.At("securityContext", "readOnlyRootFilesystem")!));

    [Theory]
    [MemberData(nameof(Pods))]
    public void No_token_of_the_cluster_is_mounted(string overlay, string name) => Assert.False((bool)Pod(overlay, name)["automountServiceAccountToken"]!);

    [Theory]
    [MemberData(nameof(Pods))]
    public void Nothing_of_the_host_is_shared_and_memory_for_files_is_limited(string overlay, string name)
    {
        var pod = Pod(overlay, name);
        Assert.All(new[] { "hostNetwork", "hostPID", "hostIPC" }, key => Assert.Null(pod[key]));
        Assert.All(pod["containers"].Items().SelectMany(container => container["ports"].Items()), port => Assert.Null(port["hostPort"]));
        Assert.All(pod["volumes"].Items(), volume =>
        {
            var kind = volume.AsObject().Select(pair => pair.Key).Single(key => key != "name");
            Assert.Contains(kind, AllowedVolumes);
            if (kind == "emptyDir")
                Assert.NotNull(volume.Text("emptyDir", "sizeLimit"));
        });
    }

    private static JsonNode Pod(string overlay, string name) => Rendered.Of(overlay).Find("Deployment", name).Pod();
}
