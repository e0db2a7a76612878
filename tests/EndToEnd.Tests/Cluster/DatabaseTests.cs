using System.Diagnostics;
using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>The database loses connections and answers: nothing acknowledged is lost, nothing happens twice, and no node has to be restarted.</summary>
public sealed class DatabaseTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static readonly TimeSpan DoneWithin = TimeSpan.FromSeconds(150);

    [Fact]
    public async Task Connections_are_killed_at_random()
    {
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server);
        var load = new ClusterLoad(cluster, origin, "killed", sessions: 40, tasks: 10, length: 50_000, bytesPerSecond: 20_000);
        var offering = load.OfferAsync();
        var began = Stopwatch.GetTimestamp();
        var (killed, lasts) = (0, TimeSpan.FromSeconds(Sweep.Rounds(12, 60)));
        while (Stopwatch.GetElapsedTime(began) < lasts)
        {
            killed += await fixture.Server.KillBackendsAsync(cluster.Database, 0.25);
            await PassAsync(TimeSpan.FromMilliseconds(150));
        }
        Console.WriteLine($"[seed] {killed} connections killed in {lasts.TotalSeconds:0} s");
        Assert.True(killed > 50);
        await offering;
        await FinishAsync(cluster, load);
    }

    [Fact]
    public async Task Commits_whose_answer_is_lost_are_found_out()
    {
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server, linked: true);
        var load = new ClusterLoad(cluster, origin, "lost", sessions: 30, tasks: 10, length: 20_000, bytesPerSecond: 20_000);
        var offering = load.OfferAsync();
        int Lost() => cluster.Nodes.Keys.Sum(node => cluster.LinkOf(node).AnswersLost);
        var (usual, slowest) = (Sweep.Rounds(10, 60), 60); // a busy machine commits less in the same time
        for (var round = 0; round < usual || (Lost() <= 5 && round < slowest); round++)
        {
            foreach (var node in cluster.Nodes.Keys)
                cluster.LinkOf(node).LoseAnswers(2);
            await PassAsync(TimeSpan.FromMilliseconds(500));
        }
        foreach (var node in cluster.Nodes.Keys)
            cluster.LinkOf(node).LoseAnswers(0);
        var lost = Lost();
        Console.WriteLine($"[seed] {lost} answers of the database were lost");
        Assert.True(lost > 5, $"Only {lost} answers were lost.");
        await offering;
        await FinishAsync(cluster, load);
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
