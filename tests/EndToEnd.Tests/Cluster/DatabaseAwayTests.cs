using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>
/// The database restarts or is away: nothing acknowledged is lost, nothing happens twice, and no node has to be restarted. Each test has a server of its own,
/// so that one that was left stopped is not the next test's.
/// </summary>
public sealed class DatabaseAwayTests
{
    private static readonly TimeSpan DoneWithin = TimeSpan.FromSeconds(150);

    [Theory]
    [InlineData("fast")]
    [InlineData("immediate")]
    public async Task The_server_restarts(string mode)
    {
        await using var server = await PostgresServer.StartAsync();
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(server);
        var load = new ClusterLoad(cluster, origin, "restart", sessions: 20, tasks: 5, length: 300_000, bytesPerSecond: 100_000);
        var offering = load.OfferAsync();
        for (var restart = 0; restart < Sweep.Rounds(2, 6); restart++)
        {
            await server.EndAsync(mode);
            await server.BeginAsync();
            await PassAsync(TimeSpan.FromSeconds(2));
        }
        await offering;
        await FinishAsync(cluster, load);
    }

    [Fact]
    public async Task The_server_is_away_for_longer_than_every_lease()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(server);
        var load = new ClusterLoad(cluster, origin, "outage", sessions: 20, tasks: 3, length: 2_000_000, bytesPerSecond: 100_000);
        await load.OfferAsync();
        var held = await cluster.HeldAsync();
        await server.EndAsync("fast");
        await PassAsync(TimeSpan.FromSeconds(20));
        await server.BeginAsync();
        await FinishAsync(cluster, load);
        Assert.Equal(held.OrderBy(pair => pair.Key), (await cluster.HeldAsync()).OrderBy(pair => pair.Key)); // nobody was declared dead for it
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
