using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Backhaul.Bench;

/// <summary>
/// 10,000 downloads of 16 KiB. The node's time runs from the first byte of the bulk request to the moment its view counts every task as
/// succeeded: accepted, journaled, downloaded, flushed, published, journaled again. aria2c downloads the same list.
/// </summary>
internal static class SmallFiles
{
    private const int Count = 10_000;
    private const int Bytes = 16 * 1024;
    private static readonly int[] Parallel = [4, 8, 16, 32, 64];

    public static async Task RunAsync(BenchSettings settings, WorkFolder work, Nginx nginx, Report report)
    {
        var hash = MakeOrigin(nginx);
        var list = Path.Combine(work.Root, "list.txt");
        await File.WriteAllLinesAsync(list, Enumerable.Range(0, Count).Select(i => $"{nginx.Url}/small/{NameOf(i)}"));

        await using var node = await BenchNode.StartAsync(work.Fresh("small-data"));
        var warmUp = await NodeAsync(node, nginx, 0, hash);
        Console.WriteLine($"the node's warm-up, not counted: {warmUp.Seconds:0.00} s");
        var best = await FindBestAsync(work, list);
        Console.WriteLine($"aria2c is fastest with -j {best} here");

        var (ours, theirs) = (new List<Measurement>(), new List<Measurement>());
        for (var round = 1; round <= settings.Rounds; round++)
        {
            theirs.Add(await AriaAsync(work, list, best));
            ours.Add(await NodeAsync(node, nginx, round, hash));
            Console.WriteLine($"small round {round}: aria2c {theirs[^1].Seconds:0.00} s, node {ours[^1].Seconds:0.00} s");
        }
        report.Add($"{Count:N0} downloads of 16 KiB", "node, journaled, default settings", ours, $"aria2c -j {best} -x 1", theirs);
    }

    private static byte[] MakeOrigin(Nginx nginx)
    {
        var folder = Directory.CreateDirectory(Path.Combine(nginx.Files, "small")).FullName;
        var content = RandomNumberGenerator.GetBytes(Bytes);
        for (var i = 0; i < Count; i++)
            File.WriteAllBytes(Path.Combine(folder, NameOf(i)), content);
        return SHA256.HashData(content);
    }

    private static async Task<Measurement> NodeAsync(BenchNode node, Nginx nginx, int round, byte[] hash)
    {
        await Command.SettleAsync();
        var session = $"small-{round}";
        await node.OpenAsync(session);
        var lines = new StringBuilder();
        for (var i = 0; i < Count; i++)
            lines.Append(CultureInfo.InvariantCulture, $$"""{"kind":"download","url":"{{nginx.Url}}/small/{{NameOf(i)}}","destination":"default/{{session}}/{{NameOf(i)}}"}""").Append('\n');
        var body = Encoding.UTF8.GetBytes(lines.ToString());

        using var meter = ProcessMeter.Watch(node.Id);
        var started = Stopwatch.GetTimestamp();
        var accepted = await node.AddAsync(session, body);
        if (accepted != Count)
            throw new InvalidOperationException($"Only {accepted} tasks were accepted.");
        await node.WaitSucceededAsync(session, Count);
        var measured = meter.Stop(Stopwatch.GetElapsedTime(started).TotalSeconds);

        var folder = Directory.EnumerateDirectories(node.Data, session, SearchOption.AllDirectories).Single();
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            if (!SHA256.HashData(await File.ReadAllBytesAsync(file)).AsSpan().SequenceEqual(hash))
                throw new InvalidOperationException($"{file} differs from the origin.");
        }
        if (Directory.EnumerateFiles(folder).Count() != Count)
            throw new InvalidOperationException($"{folder} does not hold {Count} files.");
        Directory.Delete(folder, recursive: true);
        return measured;
    }

    private static async Task<int> FindBestAsync(WorkFolder work, string list)
    {
        var (best, fastest) = (0, double.MaxValue);
        foreach (var parallel in Parallel)
        {
            var seconds = (await AriaAsync(work, list, parallel)).Seconds;
            Console.WriteLine($"aria2c -j {parallel}: {seconds:0.00} s");
            if (seconds < fastest)
                (best, fastest) = (parallel, seconds);
        }
        return best;
    }

    private static async Task<Measurement> AriaAsync(WorkFolder work, string list, int parallel)
    {
        var folder = work.Fresh("aria");
        await Command.SettleAsync();
        var measured = await Command.MeasureAsync(
            ["aria2c", "--no-conf", "--quiet", $"-j{parallel}", "-x1", "-s1", "--file-allocation=none", "--summary-interval=0", "--download-result=hide",
                "--allow-overwrite=true", "--auto-file-renaming=false", "--disable-ipv6=true", "-i", list, "-d", folder]);
        var count = Directory.EnumerateFiles(folder).Count();
        return count == Count ? measured : throw new InvalidOperationException($"aria2c stored {count} files.");
    }

    private static string NameOf(int i) => i.ToString("D5", CultureInfo.InvariantCulture) + ".bin";
}
