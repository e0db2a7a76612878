namespace Backhaul.Bench;

/// <summary>What is fetched, and who takes part.</summary>
internal static class Scenarios
{
    private const long MiB = 1024 * 1024;

    public static async Task LargeAsync(BenchSettings settings, WorkFolder work, Nginx nginx, Report report)
    {
        var set = FileSet.Make(work, nginx, "large", 1, 2048 * MiB);
        var peers = new Peers(settings, work, set);
        await using (var node = await BenchNode.StartAsync(work.Fresh("large-data"), settings.NodeOptions))
        {
            var ours = new NodeDownloads("the node, default settings", node, set);
            await ours.WarmUpAsync();
            await Contest.RunAsync(settings, report, "One file of 2 GiB, flushed", [ours.Contestant, .. settings.Has("curl") ? [peers.Curl(flush: true)] : Array.Empty<Contestant>()]);
        }
        await using (var node = await BenchNode.StartAsync(work.Fresh("large-data"), [.. settings.NodeOptions, "--Backhaul:Transfers:FlushOnComplete=false"]))
        {
            var ours = new NodeDownloads("the node, FlushOnComplete=false", node, set);
            await ours.WarmUpAsync();
            List<Contestant> contestants = [ours.Contestant];
            if (settings.Has("curl"))
                contestants.Add(peers.Curl(flush: false));
            if (settings.Has("aria2c"))
                contestants.Add(await peers.AriaInRangesAsync());
            if (settings.Has("rclone"))
                contestants.Add(new Contestant("rclone", round => peers.RcloneAsync(4, round)));
            if (settings.Has("wget"))
                contestants.Add(new Contestant("wget", peers.WgetAsync));
            await Contest.RunAsync(settings, report, "One file of 2 GiB, not flushed", contestants);
        }
        set.Remove();
    }

    public static async Task MediumAsync(BenchSettings settings, WorkFolder work, Nginx nginx, Report report)
    {
        var set = FileSet.Make(work, nginx, "medium", 200, 8 * MiB);
        await using (var node = await BenchNode.StartAsync(work.Fresh("medium-data"), settings.NodeOptions))
        {
            var ours = new NodeDownloads("the node, embedded store, flushed", node, set);
            await ours.WarmUpAsync();
            await Contest.RunAsync(settings, report, "200 files of 8 MiB", [ours.Contestant, .. await new Peers(settings, work, set).ManyFilesAsync(postgres: null)]);
        }
        set.Remove();
    }

    public static async Task SmallAsync(BenchSettings settings, WorkFolder work, Nginx nginx, PostgresServer postgres, Report report)
    {
        var set = FileSet.Make(work, nginx, "small", 10_000, 16 * 1024);
        List<Contestant> contestants = [];
        await using var embedded = settings.Stores.Contains("embedded") ? await BenchNode.StartAsync(work.Fresh("small-data"), settings.NodeOptions) : null;
        await using var onPostgres = settings.Stores.Contains("postgres")
            ? await BenchNode.StartOnPostgresAsync(work.Fresh("small-postgres-data"), postgres.ConnectionString("node"), settings.NodeOptions)
            : null;
        foreach (var (name, node) in ((string, BenchNode?)[])[("the node, embedded store", embedded), ("the node, PostgreSQL", onPostgres)])
        {
            if (node is null)
                continue;
            var ours = new NodeDownloads(name, node, set);
            await ours.WarmUpAsync();
            await ours.WarmUpAsync();
            contestants.Add(ours.Contestant);
        }
        contestants.AddRange(await new Peers(settings, work, set).ManyFilesAsync(postgres));
        await Contest.RunAsync(settings, report, "10,000 files of 16 KiB", contestants);
        set.Remove();
    }
}
