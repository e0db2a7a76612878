using System.Diagnostics;
using System.Net;
using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>Many sessions over three nodes that are stopped and started one after the other.</summary>
public sealed class RollingTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static readonly TimeSpan DoneWithin = TimeSpan.FromSeconds(240);

    [Fact]
    public async Task A_rolling_restart_under_load_loses_nothing_and_doubles_nothing()
    {
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server, settings: [("Backhaul:Sharding:Settle", "00:00:10")]);
        var load = new ClusterLoad(cluster, origin, "rolling", sessions: Sweep.Rounds(100, 200), tasks: 10, length: 60_000, bytesPerSecond: 20_000);
        var offering = load.OfferAsync();
        using var over = new CancellationTokenSource();
        var asking = AskOnAsync(cluster, load, over.Token);
        foreach (var name in cluster.Nodes.Keys.ToList())
        {
            Assert.Equal(0, await cluster.Nodes[name].StopAsync());
            await cluster.RestartAsync(name);
        }
        await offering;
        await load.DoneAsync(DoneWithin);
        await over.CancelAsync();
        var (answered, longest) = await asking;
        Console.WriteLine($"[seed] rolling restart: {answered} questions answered, the longest wait was {longest.TotalSeconds:0.0} s");
        Assert.True(longest < Sweep.Allowed(TimeSpan.FromSeconds(10), otherwise: TimeSpan.FromSeconds(60)), $"The API did not answer for {longest.TotalSeconds:0.0} s.");
        await load.VerifyAsync();
    }

    /// <summary>Asks for sessions over and over through whichever node there is; how many answers, and the longest time without one.</summary>
    private static async Task<(int Answered, TimeSpan Longest)> AskOnAsync(NodeCluster cluster, ClusterLoad load, CancellationToken over)
    {
        var (answered, longest, last) = (0, TimeSpan.Zero, Stopwatch.GetTimestamp());
        var sessions = load.Sessions;
        for (var n = 0; !over.IsCancellationRequested; n++)
        {
            var answer = await load.TryAsync(api => api.GetAsync($"/v1/sessions/{sessions[n % sessions.Count]}"));
            if (answer is { Status: HttpStatusCode.OK or HttpStatusCode.NotFound })
            {
                answered++;
                var waited = Stopwatch.GetElapsedTime(last);
                longest = waited > longest ? waited : longest;
                last = Stopwatch.GetTimestamp();
            }
            await Task.Delay(20, CancellationToken.None);
        }
        return (answered, longest);
    }
}
