using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>Resume data is signed with the cluster's secret, and kept parts lie where every node reaches them.</summary>
public sealed class ResumeDataTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Another_node_starts_from_what_a_node_kept_that_is_dead_by_then()
    {
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server);
        var file = origin.Add("moved", 4_000_000, bytesPerSecond: 1_000_000);
        var api = cluster.Running.First().Api;
        await api.OpenAsync("from");
        var keeper = (await cluster.OwnerOfAsync("from"))!;
        var (to, taker) = await SessionOfAnotherAsync(cluster, keeper);
        await api.DownloadAsync("from", "d", file.Url, "d.bin");
        await api.TaskWhenAsync("from", "d", view => Backhaul.EndToEnd.Tests.ResumeDataTests.Received(view) > 1_000_000, Within);
        var through = cluster.Nodes.First(node => node.Key != keeper && node.Key != taker).Value.Api; // neither of them signs
        var (document, kept) = await Backhaul.EndToEnd.Tests.ResumeDataTests.ProduceAsync(through, origin, "from", "d");

        await cluster.Nodes[keeper].KillAsync();
        await through.OpenAsync(to);
        await Backhaul.EndToEnd.Tests.ResumeDataTests.StartAsync(through, origin, to, "moved", file, document, kept);
        Assert.Equal(taker, await cluster.OwnerOfAsync(to));
        Assert.Equal(file.Sha256, await ClusterLoad.Sha256Async(cluster.FileOf("moved.bin")));
    }

    private static async Task<(string Session, string Owner)> SessionOfAnotherAsync(NodeCluster cluster, string node)
    {
        for (var n = 0; ; n++)
        {
            if (await cluster.OwnerOfAsync($"to-{n}") is { } owner && owner != node)
                return ($"to-{n}", owner);
        }
    }
}
