using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Backhaul.Bench;

/// <summary>
/// One session with 100,000 tasks that wait. How fast they are acknowledged (each chunk is durable when its line comes), what each costs in
/// resident memory after a collection, and how long the session takes to answer after kill -9 and a new start.
/// </summary>
internal static class QueuedTasks
{
    private const int Count = 100_000;

    public static async Task RunAsync(BenchSettings settings, WorkFolder work, Nginx nginx, Report report)
    {
        var body = MakeBody(nginx);
        var (rates, bytesEach, reopen, total) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var round = 1; round <= settings.Rounds; round++)
        {
            var data = work.Fresh("queue-data");
            await using (var node = await BenchNode.StartAsync(data, settings.NodeOptions))
            {
                await WarmUpAsync(node, nginx);
                var before = await ResidentAsync(node);
                await node.OpenAsync("queue");
                var started = Stopwatch.GetTimestamp();
                var accepted = await node.AddAsync("queue", body);
                rates.Add(Count / Stopwatch.GetElapsedTime(started).TotalSeconds);
                if (accepted != Count)
                    throw new InvalidOperationException($"Only {accepted} tasks were accepted.");
                bytesEach.Add((await ResidentAsync(node) - before) / (double)Count);
                await node.KillAsync();
            }
            var restarted = Stopwatch.GetTimestamp();
            await using (var node = await BenchNode.StartAsync(data, settings.NodeOptions))
            {
                var ready = Stopwatch.GetTimestamp();
                await node.OpenAsync("queue");
                reopen.Add(Stopwatch.GetElapsedTime(ready).TotalSeconds);
                total.Add(Stopwatch.GetElapsedTime(restarted).TotalSeconds);
                var waiting = (await node.DescribeAsync("queue")).GetProperty("counts").GetProperty("waiting").GetInt64();
                if (waiting != Count)
                    throw new InvalidOperationException($"{waiting} tasks wait after the restart.");
            }
            Console.WriteLine($"queue round {round}: {rates[^1]:N0} tasks/s, {bytesEach[^1]:N0} bytes each, opened again in {reopen[^1]:0.00} s");
        }
        report.AddFigures($"one session with {Count:N0} queued tasks",
        [
            ("accepted durably, tasks/s", rates, "N0"), ("resident memory for each task, bytes", bytesEach, "N0"),
            ("opened again after kill -9, s", reopen, "0.00"), ("the same, with the start of the process, s", total, "0.00"),
        ]);
    }

    private static byte[] MakeBody(Nginx nginx)
    {
        var lines = new StringBuilder();
        for (var i = 0; i < Count; i++)
            lines.Append(CultureInfo.InvariantCulture, $$"""{"kind":"download","url":"{{nginx.Url}}/queue/{{i:D6}}.bin","destination":"default/queue/{{i:D6}}.bin","earliestBeginAt":"2099-01-01T00:00:00Z"}""").Append('\n');
        return Encoding.UTF8.GetBytes(lines.ToString());
    }

    /// <summary>A small session first, so that compiled code and buffers do not count as the memory of tasks.</summary>
    private static async Task WarmUpAsync(BenchNode node, Nginx nginx)
    {
        await node.OpenAsync("warm");
        for (var i = 0; i < 20; i++)
            await node.AddAsync("warm", Encoding.UTF8.GetBytes($$"""{"id":"w{{i}}","kind":"download","url":"{{nginx.Url}}/w","earliestBeginAt":"2099-01-01T00:00:00Z"}"""));
    }

    private static async Task<long> ResidentAsync(BenchNode node)
    {
        await node.OperateAsync("""{"words":["system","gc"],"confirmed":true}""");
        return ProcessMeter.ResidentBytes(node.Id);
    }
}
