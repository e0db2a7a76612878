using System.Diagnostics;
using Backhaul.Client;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>The node that owns a session stops in good order in the middle of a transfer: the session goes on elsewhere, and no client notices.</summary>
public sealed class OwnerStoppedTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Stopped_in_good_order_it_hands_over_within_3_s_and_no_client_notices()
    {
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server, settings: OwnedDownload.Checkpoints);
        using var client = new BackhaulClient(new BackhaulClientOptions { Endpoints = cluster.Endpoints });
        var rounds = Sweep.Rounds(1, 10);
        for (var round = 0; round < rounds; round++)
        {
            var (session, file) = ($"stopped-{round}", origin.Add($"stopped-{round}", 12_000_000, bytesPerSecond: 1_000_000));
            var owner = await OwnedDownload.BeginAsync(cluster, session, file, bytes: 1_000_000);
            using var over = new CancellationTokenSource();
            var asking = AskOnAsync(client.Session(session), over.Token);
            var seen = new List<EventView>();
            var watching = client.Session(session).RunAsync(
                (next, _) =>
                {
                    seen.Add(next);
                    return default;
                }, new EventStreamOptions { StopWhenDrained = true }, TestContext.Current.CancellationToken);

            var before = origin.Requests(file.Name).Count;
            var signalled = Stopwatch.GetTimestamp();
            var stopping = cluster.Nodes[owner].StopAsync();
            await Eventually.TrueAsync(
                () => Task.FromResult(origin.Requests(file.Name).Count > before), Within, () => $"the task to run elsewhere\n{cluster.Logs}");
            var took = Stopwatch.GetElapsedTime(signalled);
            Console.WriteLine($"[seed] round {round}: an orderly stop handed the task over in {took.TotalSeconds:0.00} s");
            Assert.True(took < Sweep.Allowed(TimeSpan.FromSeconds(3), otherwise: TimeSpan.FromSeconds(20)), $"It took {took.TotalSeconds:0.0} s.\n{cluster.Logs}");
            Assert.Equal(0, await stopping);
            await OwnedDownload.EndsOnceAsync(cluster, session, file);
            await watching.WaitAsync(Within, TestContext.Current.CancellationToken);
            await over.CancelAsync();
            Assert.True(await asking > 0);
            Assert.Equal(Enumerable.Range(1, seen.Count).Select(n => (long)n), seen.Select(one => one.Number));
            if (round + 1 < rounds)
                await cluster.ReviveAsync(owner);
        }
    }

    /// <summary>Asks for the session over and over; the SDK hides what has to be sent again, so any failure fails the test.</summary>
    private static async Task<int> AskOnAsync(BackgroundSession session, CancellationToken over)
    {
        var asked = 0;
        while (!over.IsCancellationRequested)
        {
            await session.GetAsync(CancellationToken.None);
            asked++;
            await Task.Delay(10, CancellationToken.None); // leaves the processors to what it asks
        }
        return asked;
    }
}
