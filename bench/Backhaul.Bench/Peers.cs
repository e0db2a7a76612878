using System.Globalization;

namespace Backhaul.Bench;

/// <summary>The other tools, each as its manual advises for many files: connections are kept, nothing is asked twice, nothing is printed.</summary>
internal sealed class Peers(BenchSettings settings, WorkFolder work, FileSet set)
{
    /// <summary>All that were asked for, each at its best number of connections.</summary>
    public async Task<List<Contestant>> ManyFilesAsync(PostgresServer? postgres)
    {
        List<Contestant> peers = [];
        if (settings.Has("curl-parallel"))
            peers.Add(await BestAsync("curl --parallel", CurlParallelAsync));
        if (settings.Has("aria2c"))
            peers.Add(await BestAsync("aria2c", AriaAsync));
        if (settings.Has("rclone"))
            peers.Add(await BestAsync("rclone", RcloneAsync));
        if (settings.Has("wget"))
            peers.Add(new Contestant("wget, one connection", WgetAsync));
        if (settings.Has("loop"))
            peers.Add(await BestAsync("HttpClient loop", (connections, _) => LoopAsync(connections, flush: false)));
        if (settings.Has("loop-flush"))
            peers.Add(await BestAsync("HttpClient loop with flushes", (connections, _) => LoopAsync(connections, flush: true)));
        if (settings.Has("quartz") && postgres is not null)
            peers.Add(await BestAsync("Quartz.NET jobs on PostgreSQL", (connections, _) => QuartzAsync(postgres, connections)));
        return peers;
    }

    /// <summary>One file.</summary>
    public Contestant Curl(bool flush) => new(flush ? "curl, then sync of the file" : "curl", async _ =>
    {
        var folder = work.New("curl");
        var file = Path.Combine(folder, FileSet.NameOf(0));
        var curl = $"curl -sS -o '{file}' '{set.UrlOf(0)}'";
        return Checked("curl", folder, await Command.MeasureAsync(["sh", "-c", flush ? $"{curl} && exec sync '{file}'" : $"exec {curl}"]));
    });

    /// <summary>One file in ranges over several connections, which is what aria2c is for.</summary>
    public Task<Contestant> AriaInRangesAsync() => Contest.BestAsync(
        "aria2c", [1, 4, 16], connections => $"aria2c -x {connections} -s {connections}",
        (connections, _) => AriaAsync(["-j1", $"-x{connections}", $"-s{connections}", "--min-split-size=1M"]));

    public async Task<Measurement> WgetAsync(int round)
    {
        var folder = work.New("wget");
        return Checked("wget", folder, await Command.MeasureAsync(["wget", "--no-config", "--quiet", "--no-proxy", "-i", set.UrlList, "-P", folder]));
    }

    public async Task<Measurement> RcloneAsync(int connections, int round)
    {
        var folder = work.New("rclone");
        // From the listing alone, without a HEAD for each file, where there are many.
        string[] asking = set.Count > 1 ? ["--http-no-head"] : [];
        return Checked("rclone", folder, await Command.MeasureAsync(
        [
            "rclone", "copy", ":http:", folder, "--http-url", set.FolderUrl, "--config", "/dev/null", "--quiet", "--retries", "1",
            "--transfers", Text(connections), "--checkers", Text(connections), .. asking,
        ]));
    }

    private Task<Contestant> BestAsync(string name, Func<int, int, Task<Measurement>> run) =>
        Contest.BestAsync(name, settings.Connections, connections => $"{name}, {connections} connections", run);

    private async Task<Measurement> CurlParallelAsync(int connections, int round)
    {
        var folder = work.New("curl");
        var config = Path.Combine(work.Root, "curl.config");
        await File.WriteAllLinesAsync(config, Enumerable.Range(0, set.Count)
            .Select(i => $"url = \"{set.UrlOf(i)}\"\noutput = \"{folder}/{FileSet.NameOf(i)}\""));
        return Checked("curl --parallel", folder, await Command.MeasureAsync(
            ["curl", "-q", "-sS", "--no-progress-meter", "--parallel", "--parallel-max", Text(connections), "--config", config]));
    }

    private Task<Measurement> AriaAsync(int connections, int round) => AriaAsync([$"-j{connections}", "-x1", "-s1"]);

    private async Task<Measurement> AriaAsync(string[] connections)
    {
        var folder = work.New("aria");
        return Checked("aria2c", folder, await Command.MeasureAsync(
        [
            "aria2c", "--no-conf", "--quiet", .. connections, "--file-allocation=none", "--summary-interval=0", "--download-result=hide",
            "--allow-overwrite=true", "--auto-file-renaming=false", "--disable-ipv6=true", "-i", set.UrlList, "-d", folder,
        ]));
    }

    private async Task<Measurement> LoopAsync(int connections, bool flush)
    {
        var folder = work.New("loop");
        string[] words = ["dotnet", typeof(Peers).Assembly.Location, HttpClientLoop.Verb, set.UrlList, folder, Text(connections), flush ? "flush" : "no-flush"];
        return Checked("the HttpClient loop", folder, await Command.MeasureReportedAsync(words));
    }

    private async Task<Measurement> QuartzAsync(PostgresServer postgres, int connections)
    {
        var folder = work.New("quartz");
        var program = Path.Combine(Repository.Root, "bench/QuartzJob/bin/Release/net10.0/Backhaul.QuartzJob.dll");
        return Checked("Quartz.NET", folder, await Command.MeasureReportedAsync(
            ["dotnet", program, postgres.ConnectionString("quartz"), set.UrlList, folder, Text(connections), "500"]));
    }

    private Measurement Checked(string who, string folder, Measurement measured)
    {
        set.Check(folder, who, content: false);
        set.Clear(folder);
        return measured;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
