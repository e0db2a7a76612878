using System.Text.Json.Nodes;
using Backhaul.Deploy.Tests.Models;
using Backhaul.Deploy.Tests.Rendering;
using Xunit;

namespace Backhaul.Deploy.Tests;

public sealed class RenderingTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("dev")]
    [InlineData("production")]
    public void Every_object_has_the_fields_of_the_Kubernetes_models_and_no_others(string overlay)
    {
        var faults = Rendered.Of(overlay).SelectMany(KubernetesModels.Faults).ToList();
        Assert.True(faults.Count == 0, string.Join("\n", faults));
    }

    [Fact]
    public void The_models_find_misspelt_missing_and_mistyped_fields()
    {
        var deployment = Rendered.Production.Node().DeepClone().AsObject();
        var pod = deployment.Pod();
        pod["terminationGraceSeconds"] = 75;
        pod["enableServiceLinks"] = "false";
        deployment.Container().AsObject().Remove("name");
        Assert.Equal(3, KubernetesModels.Faults(deployment).Count());
    }

    [Theory]
    [InlineData("dev")]
    [InlineData("production")]
    public void Kustomize_renders_what_these_tests_look_at(string overlay)
    {
        if (Kubectl.Render(Rendered.Folder(overlay), out var why) is not { } kustomize)
        {
            output.WriteLine($"{why} What these tests look at was not compared with it.");
            return;
        }
        var ours = Rendered.Of(overlay);
        Assert.Equal(kustomize.Select(Id).Order(StringComparer.Ordinal), ours.Select(Id).Order(StringComparer.Ordinal));
        foreach (var resource in kustomize)
        {
            var same = ours.Single(mine => Id(mine) == Id(resource));
            Assert.True(JsonNode.DeepEquals(same, resource), $"{Id(resource)}\nkustomize: {resource.ToJsonString()}\nhere:      {same.ToJsonString()}");
        }
    }

    [Fact]
    public void Objects_of_the_namespace_and_no_others_are_rendered() =>
        Assert.All(Rendered.Dev.Concat(Rendered.Production), resource =>
            Assert.Equal("backhaul", resource.Text("kind") == "Namespace" ? resource.Text("metadata", "name") : resource.Text("metadata", "namespace")));

    private static string Id(JsonObject resource) => $"{resource["kind"]} {resource["metadata"]!["name"]}";
}
