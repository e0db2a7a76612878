using System.Diagnostics;
using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>The node that owns a session dies in the middle of a transfer: the session goes on elsewhere.</summary>
public sealed class OwnerKilledTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    /// <summary>A dead node may be declared dead after this; what then is left of the 20 s is work.</summary>
    private static readonly TimeSpan Dead = TimeSpan.FromSeconds(16);

    [Fact]
    public async Task Killed_in_the_middle_its_tasks_run_elsewhere_within_20_s_from_the_last_checkpoint()
    {
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server, settings: OwnedDownload.Checkpoints);
        var rounds = Sweep.Rounds(1, 30);
        for (var round = 0; round < rounds; round++)
        {
            var (session, file) = ($"killed-{round}", origin.Add($"killed-{round}", 10_000_000, bytesPerSecond: 1_000_000));
            var owner = await OwnedDownload.BeginAsync(cluster, session, file, bytes: 2_000_000);
            var epoch = await cluster.EpochOfAsync(session);
            var before = origin.Requests(file.Name).Count;
            var killed = Stopwatch.GetTimestamp();
            await cluster.Nodes[owner].KillAsync();
            await Eventually.TrueAsync(
                () => Task.FromResult(origin.Requests(file.Name).Count > before), Within, () => $"the task to run elsewhere\n{cluster.Logs}");
            var took = Stopwatch.GetElapsedTime(killed);
            // what the database had already received became durable after the kill: all of it is there when its heir has read it
            var checkpoint = OwnedDownload.LastCheckpoint([.. (await cluster.RowsAsync(session)).Where(row => row.Epoch == epoch)]);
            Console.WriteLine($"[seed] round {round}: after kill -9 the task ran elsewhere in {took.TotalSeconds:0.0} s, from byte {checkpoint}");
            Assert.True(took < Dead + Sweep.Allowed(TimeSpan.FromSeconds(4), otherwise: TimeSpan.FromSeconds(40)), $"It took {took.TotalSeconds:0.0} s.\n{cluster.Logs}");
            var request = origin.Requests(file.Name)[before];
            Assert.Equal(checkpoint, request.RangeStart);
            Assert.True(request.HasIfRange);
            await OwnedDownload.EndsOnceAsync(cluster, session, file);
            if (round + 1 < rounds)
                await cluster.ReviveAsync(owner);
        }
    }
}
