using System.Diagnostics;
using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>The node that owns a session sleeps for longer than its lease: the session goes on elsewhere.</summary>
public sealed class OwnerPausedTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private const int Stop = 19;
    private const int Continue = 18;
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Paused_longer_than_its_lease_it_changes_nothing_any_more_and_ends_when_it_wakes()
    {
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server, settings: OwnedDownload.Checkpoints);
        var rounds = Sweep.Rounds(1, 20);
        for (var round = 0; round < rounds; round++)
        {
            var (session, file) = ($"paused-{round}", origin.Add($"paused-{round}", 12_000_000, bytesPerSecond: 1_000_000));
            var owner = await OwnedDownload.BeginAsync(cluster, session, file, bytes: 1_000_000);
            var epoch = await cluster.EpochOfAsync(session);
            var node = cluster.Nodes[owner];
            Machine.Signal(node.Id, Stop);
            await Eventually.TrueAsync(async () => await cluster.EpochOfAsync(session) > epoch, Within, () => $"another node to take the session over\n{cluster.Logs}");
            var rows = await cluster.RowsAsync(session);

            Machine.Signal(node.Id, Continue);
            var woke = Stopwatch.GetTimestamp();
            Assert.Equal(70, await node.ExitAsync(Within));
            var took = Stopwatch.GetElapsedTime(woke);
            Console.WriteLine($"[seed] round {round}: a paused node was gone {took.TotalMilliseconds:0} ms after it woke");
            Assert.True(took < Sweep.Allowed(TimeSpan.FromSeconds(1), otherwise: TimeSpan.FromSeconds(10)), $"It took {took.TotalSeconds:0.0} s.\n{node.Output}");

            await OwnedDownload.EndsOnceAsync(cluster, session, file);
            var later = (await cluster.RowsAsync(session)).Where(row => row.Sequence > rows[^1].Sequence);
            Assert.All(later, row => Assert.True(row.Epoch > epoch, $"{row.EventType} {row.Sequence} was written under the old epoch {epoch}"));
            if (round + 1 < rounds)
                await cluster.ReviveAsync(owner);
        }
    }
}
