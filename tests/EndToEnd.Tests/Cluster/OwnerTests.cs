using System.Diagnostics;
using Backhaul.Client;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>The node that owns a session dies, stops or sleeps in the middle of a transfer: the session goes on elsewhere.</summary>
[Collection(nameof(AloneCollection))]
public sealed class OwnerTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private const int Stop = 19;
    private const int Continue = 18;
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan EndWithin = TimeSpan.FromSeconds(180);
    private static readonly (string, string)[] Checkpoints = [("Backhaul:Transfers:CheckpointInterval", "00:00:00.300")];

    [Fact]
    public async Task Killed_in_the_middle_its_tasks_run_elsewhere_within_20_s_from_the_last_checkpoint()
    {
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server, settings: Checkpoints);
        for (var round = 0; round < Sweep.Rounds(1, 30); round++)
        {
            var (session, file) = ($"killed-{round}", origin.Add($"killed-{round}", 10_000_000, bytesPerSecond: 1_000_000));
            var owner = await BeginAsync(cluster, session, file, bytes: 2_000_000);
            var before = origin.Requests(file.Name).Count;
            var killed = Stopwatch.GetTimestamp();
            await cluster.Nodes[owner].KillAsync();
            var checkpoint = LastCheckpoint(await cluster.RowsAsync(session));
            await Eventually.TrueAsync(
                () => Task.FromResult(origin.Requests(file.Name).Count > before), TimeSpan.FromSeconds(25), () => $"the task to run elsewhere\n{cluster.Logs}");
            var took = Stopwatch.GetElapsedTime(killed);
            Console.WriteLine($"[seed] round {round}: after kill -9 the task ran elsewhere in {took.TotalSeconds:0.0} s, from byte {checkpoint}");
            Assert.True(took < TimeSpan.FromSeconds(20), $"It took {took.TotalSeconds:0.0} s.\n{cluster.Logs}");
            var request = origin.Requests(file.Name)[before];
            Assert.Equal(checkpoint, request.RangeStart);
            Assert.True(request.HasIfRange);
            await EndsOnceAsync(cluster, session, file);
            await cluster.RestartAsync(owner);
            await cluster.ForgiveAsync();
        }
    }

    [Fact]
    public async Task Stopped_in_good_order_it_hands_over_within_3_s_and_no_client_notices()
    {
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server, settings: Checkpoints);
        using var client = new BackhaulClient(new BackhaulClientOptions { Endpoints = cluster.Endpoints });
        for (var round = 0; round < Sweep.Rounds(2, 10); round++)
        {
            var (session, file) = ($"stopped-{round}", origin.Add($"stopped-{round}", 12_000_000, bytesPerSecond: 1_000_000));
            var owner = await BeginAsync(cluster, session, file, bytes: 1_000_000);
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
            Assert.True(took < TimeSpan.FromSeconds(3), $"It took {took.TotalSeconds:0.0} s.\n{cluster.Logs}");
            Assert.Equal(0, await stopping);
            await EndsOnceAsync(cluster, session, file);
            await watching.WaitAsync(Within, TestContext.Current.CancellationToken);
            await over.CancelAsync();
            Assert.True(await asking > 0);
            Assert.Equal(Enumerable.Range(1, seen.Count).Select(n => (long)n), seen.Select(one => one.Number));
            await cluster.RestartAsync(owner);
            await cluster.ForgiveAsync();
        }
    }

    [Fact]
    public async Task Paused_longer_than_its_lease_it_changes_nothing_any_more_and_ends_when_it_wakes()
    {
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server, settings: Checkpoints);
        for (var round = 0; round < Sweep.Rounds(1, 20); round++)
        {
            var (session, file) = ($"paused-{round}", origin.Add($"paused-{round}", 16_000_000, bytesPerSecond: 1_000_000));
            var owner = await BeginAsync(cluster, session, file, bytes: 1_000_000);
            var epoch = await cluster.EpochOfAsync(session);
            var node = cluster.Nodes[owner];
            var paused = Stopwatch.GetTimestamp();
            Machine.Signal(node.Id, Stop);
            await Eventually.TrueAsync(
                () => Task.FromResult(Stopwatch.GetElapsedTime(paused) > TimeSpan.FromSeconds(25)), TimeSpan.FromSeconds(30), () => "25 s to pass");
            var (takenOver, rows) = (await cluster.EpochOfAsync(session), await cluster.RowsAsync(session));
            Assert.True(takenOver > epoch, cluster.Logs);

            Machine.Signal(node.Id, Continue);
            var woke = Stopwatch.GetTimestamp();
            Assert.Equal(70, await node.ExitAsync(TimeSpan.FromSeconds(10)));
            var took = Stopwatch.GetElapsedTime(woke);
            Console.WriteLine($"[seed] round {round}: a paused node was gone {took.TotalMilliseconds:0} ms after it woke");
            Assert.True(took < TimeSpan.FromSeconds(1), $"It took {took.TotalSeconds:0.0} s.\n{node.Output}");

            await EndsOnceAsync(cluster, session, file);
            var later = (await cluster.RowsAsync(session)).Where(row => row.Sequence > rows[^1].Sequence);
            Assert.All(later, row => Assert.True(row.Epoch > epoch, $"{row.EventType} {row.Sequence} was written under the old epoch {epoch}"));
            await cluster.RestartAsync(owner);
            await cluster.ForgiveAsync();
        }
    }

    /// <summary>Starts a download in a session of its own and waits until it is under way; who owns it.</summary>
    private static async Task<string> BeginAsync(NodeCluster cluster, string session, OriginFile file, long bytes)
    {
        var api = cluster.Running.First().Api;
        await api.OpenAsync(session);
        await api.DownloadAsync(session, "d", file.Url, $"{session}.bin");
        await Eventually.TrueAsync(async () => LastCheckpoint(await cluster.RowsAsync(session)) >= bytes, Within, () => $"the download to be under way\n{cluster.Logs}");
        return await cluster.OwnerOfAsync(session) ?? throw new InvalidOperationException($"Nobody owns {session}.");
    }

    private static long LastCheckpoint(List<ClusterRow> rows) =>
        rows.LastOrDefault(row => row.EventType == "task.checkpointed.v1")?.Payload.GetProperty("part").GetProperty("bytes").GetInt64() ?? 0;

    private static async Task EndsOnceAsync(NodeCluster cluster, string session, OriginFile file)
    {
        var view = await cluster.Running.First().Api.EndedAsync(session, "d", EndWithin);
        Assert.Equal("succeeded", view.GetProperty("outcome").GetString());
        var rows = await cluster.RowsAsync(session);
        Assert.Single(rows, row => row.EventType == "task.completed.v1");
        Assert.Equal(rows.Select(row => row.Epoch).Order(), rows.Select(row => row.Epoch));
        Assert.Equal(file.Sha256, await ClusterLoad.Sha256Async(cluster.FileOf($"{session}.bin")));
    }

    /// <summary>Asks for the session over and over; the SDK hides what has to be sent again, so any failure fails the test.</summary>
    private static async Task<int> AskOnAsync(BackgroundSession session, CancellationToken over)
    {
        var asked = 0;
        while (!over.IsCancellationRequested)
        {
            await session.GetAsync(CancellationToken.None);
            asked++;
        }
        return asked;
    }
}
