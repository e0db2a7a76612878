using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>Many sessions over three nodes, and one of them dies.</summary>
public sealed class LostNodeTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static readonly TimeSpan DoneWithin = TimeSpan.FromSeconds(240);

    [Fact]
    public async Task A_node_with_many_idle_and_active_sessions_is_lost_and_the_active_ones_move_within_30_s()
    {
        var (idle, active) = (Sweep.Rounds(1_000, 20_000), Sweep.Rounds(100, 500));
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(
            fixture.Server, settings: [("Backhaul:Transfers:RunningMax", "600"), ("Backhaul:Transfers:HostMax", "600")]);
        await CreateAsync(cluster, idle);
        var load = new ClusterLoad(cluster, origin, "active", sessions: active, tasks: 1, length: 1_200_000, bytesPerSecond: 20_000);
        await load.OfferAsync();
        await Eventually.TrueAsync(() => Task.FromResult(Running(origin, load.Sessions, 1) == active), TimeSpan.FromSeconds(60), () => "every active session to run");
        var mine = await cluster.OwnedByAsync("n1", load.Sessions);
        var killed = Stopwatch.GetTimestamp();
        await cluster.Nodes["n1"].KillAsync();
        await Eventually.TrueAsync(
            async () => Running(origin, mine, 2) == mine.Count || await HaveMovedAsync(cluster, origin, mine), DoneWithin,
            () => $"{mine.Count - Running(origin, mine, 2)} of {mine.Count} active sessions to move\n{cluster.Logs}");
        var took = Stopwatch.GetElapsedTime(killed);
        var moved = Running(origin, mine, 2);
        var memory = cluster.Running.Max(node => ResidentMiB(node.Id));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"[seed] {idle} idle and {active} active sessions: the {moved} active ones of the lost node ({mine.Count} with those that had ended before) ran again in {took.TotalSeconds:0.0} s; {memory:0} MiB resident at most"));
        Assert.True(took < Sweep.Allowed(TimeSpan.FromSeconds(30), otherwise: TimeSpan.FromSeconds(120)), $"It took {took.TotalSeconds:0.0} s.");
        Assert.True(moved > 0, "All of them had ended before their node was lost.");
        Assert.True(memory < 700, $"{memory:0} MiB are resident.");
        await load.DoneAsync(DoneWithin);
        await load.VerifyAsync();
    }

    /// <summary>Those that ended before the node was lost, on a machine that was slow to offer the others, do not run again.</summary>
    private static async Task<bool> HaveMovedAsync(NodeCluster cluster, Origin origin, List<string> sessions)
    {
        var active = sessions.Except(await cluster.EndedAsync()).ToList();
        return Running(origin, active, 2) == active.Count;
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

    private static double ResidentMiB(int process) => double.Parse(
        File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture) / 1024;
}
