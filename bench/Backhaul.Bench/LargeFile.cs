using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Backhaul.Bench;

/// <summary>One file of 2 GiB. Both contestants end with the file flushed to the disk: the node by its rules, curl by a flush after it.</summary>
internal static class LargeFile
{
    private const long Bytes = 2L * 1024 * 1024 * 1024;

    public static async Task RunAsync(BenchSettings settings, WorkFolder work, Nginx nginx, Report report)
    {
        var origin = Path.Combine(nginx.Files, "large.bin");
        var hash = await MakeOriginAsync(origin);
        await using var node = await BenchNode.StartAsync(work.Fresh("large-data"));
        var (ours, theirs) = (new List<Measurement>(), new List<Measurement>());
        for (var round = 1; round <= settings.Rounds; round++)
        {
            theirs.Add(await CurlAsync(work, nginx));
            ours.Add(await NodeAsync(node, nginx, round, hash));
            Console.WriteLine($"large round {round}: curl + flush {theirs[^1].Seconds:0.00} s, node {ours[^1].Seconds:0.00} s");
        }
        File.Delete(origin);
        report.Add("one download of 2 GiB", "node, journaled, default settings", ours, "curl -o, then sync of the file", theirs);
    }

    private static async Task<byte[]> MakeOriginAsync(string path)
    {
        var block = RandomNumberGenerator.GetBytes(4 * 1024 * 1024);
        await using (var file = File.Create(path))
        {
            for (long written = 0; written < Bytes; written += block.Length)
            {
                BitConverter.TryWriteBytes(block, written); // no two blocks alike
                await file.WriteAsync(block);
            }
        }
        return await HashAsync(path);
    }

    private static async Task<Measurement> NodeAsync(BenchNode node, Nginx nginx, int round, byte[] hash)
    {
        await Command.SettleAsync();
        var session = $"large-{round}";
        await node.OpenAsync(session);
        var task = Encoding.UTF8.GetBytes($$"""{"kind":"download","url":"{{nginx.Url}}/large.bin","destination":"default/{{session}}.bin"}""");
        using var meter = ProcessMeter.Watch(node.Id);
        var started = Stopwatch.GetTimestamp();
        await node.AddAsync(session, task);
        await node.WaitSucceededAsync(session, 1);
        var measured = meter.Stop(Stopwatch.GetElapsedTime(started).TotalSeconds);
        var file = Directory.EnumerateFiles(node.Data, $"{session}.bin", SearchOption.AllDirectories).Single();
        if (round == 1 && !(await HashAsync(file)).AsSpan().SequenceEqual(hash))
            throw new InvalidOperationException("The node's file differs from the origin.");
        File.Delete(file);
        return measured;
    }

    private static async Task<Measurement> CurlAsync(WorkFolder work, Nginx nginx)
    {
        var file = Path.Combine(work.Fresh("curl"), "large.bin");
        await Command.SettleAsync();
        var measured = await Command.MeasureAsync(["sh", "-c", $"curl -sS -o '{file}' '{nginx.Url}/large.bin' && exec sync '{file}'"]);
        if (new FileInfo(file).Length != Bytes)
            throw new InvalidOperationException("curl's file has another length.");
        File.Delete(file);
        return measured;
    }

    private static async Task<byte[]> HashAsync(string path)
    {
        await using var file = File.OpenRead(path);
        return await SHA256.HashDataAsync(file);
    }
}
