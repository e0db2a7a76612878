using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>A slow download whose owner a test kills, stops or puts to sleep in the middle.</summary>
internal static class OwnedDownload
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan EndWithin = TimeSpan.FromSeconds(180);

    /// <summary>Checkpoints often, so that there is something to go on from soon.</summary>
    public static (string, string)[] Checkpoints { get; } = [("Backhaul:Transfers:CheckpointInterval", "00:00:00.300")];

    /// <summary>Starts a download in a session of its own and waits until it is under way; who owns it.</summary>
    public static async Task<string> BeginAsync(NodeCluster cluster, string session, OriginFile file, long bytes)
    {
        var api = cluster.Running.First().Api;
        await api.OpenAsync(session);
        await api.DownloadAsync(session, "d", file.Url, $"{session}.bin");
        await Eventually.TrueAsync(async () => LastCheckpoint(await cluster.RowsAsync(session)) >= bytes, Within, () => $"the download to be under way\n{cluster.Logs}");
        return await cluster.OwnerOfAsync(session) ?? throw new InvalidOperationException($"Nobody owns {session}.");
    }

    public static long LastCheckpoint(List<ClusterRow> rows) =>
        rows.LastOrDefault(row => row.EventType == "task.checkpointed.v1")?.Payload.GetProperty("part").GetProperty("bytes").GetInt64() ?? 0;

    public static async Task EndsOnceAsync(NodeCluster cluster, string session, OriginFile file)
    {
        var view = await cluster.Running.First().Api.EndedAsync(session, "d", EndWithin);
        Assert.Equal("succeeded", view.GetProperty("outcome").GetString());
        var rows = await cluster.RowsAsync(session);
        Assert.Single(rows, row => row.EventType == "task.completed.v1");
        Assert.Equal(rows.Select(row => row.Epoch).Order(), rows.Select(row => row.Epoch));
        Assert.Equal(file.Sha256, await ClusterLoad.Sha256Async(cluster.FileOf($"{session}.bin")));
    }
}
