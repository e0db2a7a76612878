using System.Diagnostics;
using System.Globalization;
using System.Net;
using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>Many sessions over three nodes that come and go.</summary>
public sealed class RollingTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static readonly TimeSpan DoneWithin = TimeSpan.FromSeconds(240);

    [Fact]
    public async Task A_rolling_restart_under_load_loses_nothing_and_doubles_nothing()
    {
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server, settings: [("Backhaul:Sharding:Settle", "00:00:10")]);
        var load = new ClusterLoad(cluster, origin, "rolling", sessions: 200, tasks: 10, length: 60_000, bytesPerSecond: 20_000);
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
        Assert.True(longest < TimeSpan.FromSeconds(10), $"The API did not answer for {longest.TotalSeconds:0.0} s.");
        await load.VerifyAsync();
    }

    [Fact]
    public async Task A_node_with_many_idle_and_active_sessions_is_lost_and_the_active_ones_move_within_30_s()
    {
        var (idle, active) = (Sweep.Rounds(2_000, 20_000), Sweep.Rounds(100, 500));
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(
            fixture.Server, settings: [("Backhaul:Transfers:RunningMax", "600"), ("Backhaul:Transfers:HostMax", "600")]);
        await CreateAsync(cluster, idle);
        var load = new ClusterLoad(cluster, origin, "active", sessions: active, tasks: 1, length: 1_500_000, bytesPerSecond: 20_000);
        await load.OfferAsync();
        var mine = new List<string>();
        foreach (var session in load.Sessions)
        {
            if (await cluster.OwnerOfAsync(session) == "n1")
                mine.Add(session);
        }
        await Eventually.TrueAsync(() => Task.FromResult(Running(origin, load.Sessions, 1) == active), TimeSpan.FromSeconds(60), () => "every active session to run");
        var killed = Stopwatch.GetTimestamp();
        await cluster.Nodes["n1"].KillAsync();
        await Eventually.TrueAsync(
            () => Task.FromResult(Running(origin, mine, 2) == mine.Count), TimeSpan.FromSeconds(40),
            () => $"{mine.Count - Running(origin, mine, 2)} of {mine.Count} active sessions to move\n{cluster.Logs}");
        var took = Stopwatch.GetElapsedTime(killed);
        var memory = cluster.Running.Max(node => ResidentMiB(node.Id));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"[seed] {idle} idle and {active} active sessions: the {mine.Count} active ones of the lost node ran again in {took.TotalSeconds:0.0} s; {memory:0} MiB resident at most"));
        Assert.True(took < TimeSpan.FromSeconds(30), $"It took {took.TotalSeconds:0.0} s.");
        Assert.True(memory < 700, $"{memory:0} MiB are resident.");
        await load.DoneAsync(DoneWithin);
        await load.VerifyAsync();
    }

    /// <summary>Sessions whose file was asked for at least so often.</summary>
    private static int Running(Origin origin, IEnumerable<string> sessions, int requests)
    {
        var counts = origin.RequestCounts;
        return sessions.Count(session => counts.GetValueOrDefault($"{session}-0") >= requests);
    }

    private static async Task CreateAsync(NodeCluster cluster, int sessions)
    {
        var apis = cluster.Running.Select(node => node.Api).ToList();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, sessions), new ParallelOptions { MaxDegreeOfParallelism = 32 },
            async (n, _) => await apis[n % apis.Count].OpenAsync(string.Create(CultureInfo.InvariantCulture, $"idle-{n}")));
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

    private static double ResidentMiB(int process) => double.Parse(
        File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture) / 1024;
}
