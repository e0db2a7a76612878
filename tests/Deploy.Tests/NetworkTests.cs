using System.Net;
using System.Text.Json.Nodes;
using Backhaul.Node.Egress;
using Xunit;

namespace Backhaul.Deploy.Tests;

/// <summary>What may speak to whom.</summary>
public sealed class NetworkTests
{
    private const string Nodes = """{"matchLabels":{"app.kubernetes.io/name":"backhaul","app.kubernetes.io/component":"node"}}""";

    private static readonly IReadOnlyList<JsonObject>[] Overlays = [Rendered.Dev, Rendered.Production];

    [Fact]
    public void Without_a_policy_that_allows_it_nothing_goes_in_or_out() => Assert.All(Overlays, overlay =>
        Assert.Equal("""{"podSelector":{},"policyTypes":["Ingress","Egress"]}""", overlay.Find("NetworkPolicy", "default-deny")["spec"]!.ToJsonString()));

    [Fact]
    public void Into_a_node_go_clients_peers_operators_and_scrapers_each_to_its_port() => Assert.All(Overlays, overlay =>
    {
        var policy = overlay.Find("NetworkPolicy", "node-in")["spec"]!;
        Assert.Equal(Nodes, policy["podSelector"]!.ToJsonString());
        Assert.Equal(
            [
                """{"ports":[{"protocol":"TCP","port":"api"}]}""",
                $$"""{"from":[{"podSelector":{{Nodes}}}],"ports":[{"protocol":"TCP","port":"peers"}]}""",
                """{"from":[{"namespaceSelector":{"matchLabels":{"backhaul.dev/operators":"true"}}},{"namespaceSelector":{"matchLabels":{"backhaul.dev/metrics":"true"}}}],"ports":[{"protocol":"TCP","port":"ops"}]}""",
            ],
            policy["ingress"].Items().Select(rule => rule.ToJsonString()));
    });

    [Fact]
    public void Out_of_a_node_goes_what_asks_for_names_peers_PostgreSQL_and_the_internet()
    {
        foreach (var overlay in Overlays)
        {
            var rules = overlay.OfKind("NetworkPolicy").Where(policy => policy["spec"]!["egress"] is not null).ToList();
            Assert.All(rules, policy => Assert.Equal(Nodes, policy["spec"]!["podSelector"]!.ToJsonString()));
            Assert.Equal(["node-out", "node-to-database", "node-to-internet-v4", "node-to-internet-v6"], rules.Select(policy => policy.Text("metadata", "name")).Order());
            Assert.Equal(
                [
                    """{"to":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"kube-system"}},"podSelector":{"matchLabels":{"k8s-app":"kube-dns"}}}],"ports":[{"protocol":"UDP","port":53},{"protocol":"TCP","port":53}]}""",
                    $$"""{"to":[{"podSelector":{{Nodes}}}],"ports":[{"protocol":"TCP","port":"peers"}]}""",
                ],
                overlay.Find("NetworkPolicy", "node-out")["spec"]!["egress"].Items().Select(rule => rule.ToJsonString()));
            var database = overlay.Find("NetworkPolicy", "node-to-database")["spec"]!["egress"].Items().Single();
            Assert.Equal(5432, database["ports"].Items().Single().Number("port"));
            Assert.NotNull(database["to"].Items().Single()["podSelector"]);
        }
    }

    [Theory]
    [InlineData("v4", "0.0.0.0/0")]
    [InlineData("v6", "::/0")]
    public void The_internet_is_without_every_network_that_the_node_itself_refuses(string family, string all)
    {
        foreach (var overlay in Overlays)
        {
            var block = overlay.Find("NetworkPolicy", $"node-to-internet-{family}")["spec"]!["egress"].Items().Single()["to"].Items().Single()["ipBlock"]!;
            Assert.Equal(all, block.Text("cidr"));
            var left = block["except"].Items().Select(network => IPNetwork.Parse((string)network!)).ToList();
            var ours = AddressPolicy.Refused.Where(network => network.BaseAddress.AddressFamily == left[0].BaseAddress.AddressFamily).ToList();
            Assert.All(ours, refused => Assert.Contains(left, network => network.PrefixLength <= refused.PrefixLength && network.Contains(refused.BaseAddress)));
            var metadata = AddressPolicy.MetadataAddresses.Where(address => address.AddressFamily == left[0].BaseAddress.AddressFamily);
            Assert.All(metadata, address => Assert.Contains(left, network => network.Contains(address)));
        }
    }

    [Theory]
    [InlineData("v4", "1.1.1.1", "93.184.215.14", "172.15.255.255", "172.32.0.1", "192.167.255.255", "100.63.0.1", "100.128.0.1")]
    [InlineData("v6", "2606:4700::1111", "2a00:1450:4001::200e", "2620:fe::fe")]
    public void Public_addresses_stay_within_reach(string family, params string[] addresses)
    {
        var block = Rendered.Production.Find("NetworkPolicy", $"node-to-internet-{family}")["spec"]!["egress"]![0]!["to"]![0]!["ipBlock"]!;
        var left = block["except"].Items().Select(network => IPNetwork.Parse((string)network!)).ToList();
        Assert.All(addresses, address => Assert.DoesNotContain(left, network => network.Contains(IPAddress.Parse(address))));
    }

    [Fact]
    public void Addresses_that_carry_another_are_no_way_around()
    {
        var except = Rendered.Production.Find("NetworkPolicy", "node-to-internet-v6")["spec"]!["egress"]![0]!["to"]![0]!["ipBlock"]!["except"]
            .Items().Select(network => IPNetwork.Parse((string)network!)).ToList();
        Assert.All(["::10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::", "::ffff:0:a00:1"],
            address => Assert.Contains(except, network => network.Contains(IPAddress.Parse(address))));
    }

    [Fact]
    public void Services_select_the_nodes_and_name_their_ports() => Assert.All(Overlays, overlay =>
    {
        var ports = overlay.Node().Container()["ports"].Items().ToDictionary(port => port.Text("name")!, port => port.Number("containerPort"));
        Assert.Equal(["api", "ops", "peers"], ports.Keys.Order());
        foreach (var name in new[] { "api", "ops" })
        {
            var service = overlay.Find("Service", name);
            Assert.True(JsonNode.DeepEquals(service["spec"]!["selector"], overlay.Node()["spec"]!["selector"]!["matchLabels"]));
            Assert.Equal(name, service["spec"]!["ports"].Items().Single().Text("targetPort"));
        }
        Assert.All(overlay.OfKind("Service"), service => Assert.Null(service.At("spec", "type"))); // only within the cluster
    });

    [Fact]
    public void The_ingress_buffers_nothing_and_outlasts_a_silent_stream()
    {
        var notes = Rendered.Production.Find("Ingress", "api")["metadata"]!["annotations"]!;
        Assert.Equal("off", notes.Text("nginx.ingress.kubernetes.io/proxy-buffering"));
        Assert.Equal("off", notes.Text("nginx.ingress.kubernetes.io/proxy-request-buffering"));
        var silence = new Node.Delivery.DeliveryOptions().KeepAlive.TotalSeconds;
        Assert.Equal(15, silence);
        Assert.True(int.Parse(notes.Text("nginx.ingress.kubernetes.io/proxy-read-timeout")!, System.Globalization.CultureInfo.InvariantCulture) > silence);
    }
}
