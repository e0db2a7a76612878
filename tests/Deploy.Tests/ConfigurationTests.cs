using Backhaul.Node.Hosting;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Backhaul.Deploy.Tests;

/// <summary>The pod's environment is a configuration that a node starts with.</summary>
public sealed class ConfigurationTests
{
    [Theory]
    [InlineData("dev")]
    [InlineData("production")]
    public void A_node_accepts_the_configuration_of_its_pod(string overlay)
    {
        var folder = Directory.CreateTempSubdirectory("backhaul-pod");
        try
        {
            var environment = Environment(overlay);
            Assert.Equal("/var/lib/backhaul/nodes/node-abc", environment["Backhaul:DataDirectory"]);
            Assert.Equal("http://10.1.2.3:5081", environment["Backhaul:Node:Url"]);
            environment["Backhaul:DataDirectory"] = Path.Combine(folder.FullName, "data");
            environment["Backhaul:SecretsDirectory"] = folder.FullName;
            NodeSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(environment).Build()); // throws with every fault
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void What_a_pod_names_that_no_option_has_is_found()
    {
        var environment = Environment("production");
        environment["Backhaul:Transfers:RuningMax"] = "32";
        Assert.Throws<NodeStartException>(() => NodeSettings.Read(new ConfigurationBuilder().AddInMemoryCollection(environment).Build()));
    }

    /// <summary>As the kubelet makes it, with the secrets of the dev overlay.</summary>
    private static Dictionary<string, string?> Environment(string overlay)
    {
        var variables = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var (name, value) in Rendered.Of(overlay).OfKind("ConfigMap").Single()["data"]!.AsObject())
            variables[name] = (string?)value;
        foreach (var variable in Rendered.Of(overlay).Node().Container()["env"].Items().Where(variable => variable["value"] is not null))
            variables[variable.Text("name")!] = variable.Text("value")!.Replace("$(POD_NAME)", "node-abc", StringComparison.Ordinal).Replace("$(POD_IP)", "10.1.2.3", StringComparison.Ordinal);
        foreach (var secret in Rendered.Of(overlay).Node().KeySecrets())
        {
            foreach (var (name, value) in Rendered.Dev.Find("Secret", secret)["stringData"]!.AsObject())
                variables[name] = (string?)value;
        }
        return variables.ToDictionary(
            pair => pair.Key == "ASPNETCORE_URLS" ? "urls" : pair.Key.Replace("__", ":", StringComparison.Ordinal), pair => pair.Value, StringComparer.Ordinal);
    }
}
