using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>A node cannot reach the database, and nobody tells it: a short cut is a pause, a long one ends the node, and its sessions go on elsewhere.</summary>
public sealed class CutOffTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static readonly TimeSpan DoneWithin = TimeSpan.FromSeconds(150);

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task One_node_is_cut_off_silently_for_less_than_its_lease(bool toDatabase, bool toNode)
    {
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server, linked: true);
        var load = new ClusterLoad(cluster, origin, "cut", sessions: 20, tasks: 4, length: 400_000, bytesPerSecond: 50_000);
        var offering = load.OfferAsync();
        await PassAsync(TimeSpan.FromSeconds(1));
        cluster.LinkOf("n2").Cut(toDatabase, toNode);
        await PassAsync(TimeSpan.FromSeconds(9));
        cluster.LinkOf("n2").Heal();
        await offering;
        await FinishAsync(cluster, load);
    }

    [Fact]
    public async Task One_node_is_cut_off_for_longer_its_sessions_go_on_elsewhere_and_it_ends()
    {
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server, linked: true);
        var load = new ClusterLoad(cluster, origin, "gone", sessions: 20, tasks: 4, length: 2_000_000, bytesPerSecond: 100_000);
        await load.OfferAsync();
        cluster.LinkOf("n2").Cut(toDatabase: true, toNode: true);
        await Eventually.TrueAsync(
            async () => !(await cluster.HeldAsync()).ContainsKey("n2"), TimeSpan.FromSeconds(40), () => $"the others to take over\n{cluster.Logs}");
        cluster.LinkOf("n2").Heal();
        Assert.Equal(70, await cluster.Nodes["n2"].ExitAsync(TimeSpan.FromSeconds(20)));
        await load.DoneAsync(DoneWithin);
        await load.VerifyAsync();
    }

    private static async Task FinishAsync(NodeCluster cluster, ClusterLoad load)
    {
        await load.DoneAsync(DoneWithin);
        await load.VerifyAsync();
        Assert.All(cluster.Nodes, node => Assert.False(node.Value.HasExited, $"{node.Key} ended:\n{node.Value.Output}"));
    }

    /// <summary>Lets a time go by in which the fault lasts; nothing is expected to have happened at its end.</summary>
    private static Task PassAsync(TimeSpan time) => Task.Delay(time, TestContext.Current.CancellationToken);
}
