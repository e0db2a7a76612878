using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Backhaul.Bench;

/// <summary>
/// 1,000 downloads of 1 MiB at once, each from a server that gives 1 MB/s, on a node with PostgreSQL, whose lease is renewed meanwhile. In 20 sessions,
/// because one has at most 64 connections to a host.
/// </summary>
internal static class SlowDownloads
{
    private const int Count = 1000;
    private const int SessionsMax = 20;

    public static async Task RunAsync(BenchSettings settings, WorkFolder work, Nginx nginx, PostgresServer postgres, Report report)
    {
        var set = FileSet.Make(work, nginx, "many", Count, 1024 * 1024);
        var (seconds, cpu, peak, running, late, ticks) = (new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>());
        await using (var node = await BenchNode.StartOnPostgresAsync(work.Fresh("many-data"), postgres.ConnectionString("many"),
            ["--Backhaul:Transfers:HostMax=1024", "--Backhaul:Transfers:RunningMax=1024", .. settings.NodeOptions]))
        {
            for (var round = 1; round <= settings.Rounds; round++)
            {
                await Command.SettleAsync();
                using var meter = ProcessMeter.Watch(node.Id);
                var started = Stopwatch.GetTimestamp();
                var watching = new Watching(node);
                await Task.WhenAll(Enumerable.Range(0, SessionsMax).Select(i => RunSessionAsync(node, set, $"many-{round}-{i}", i)));
                var measured = meter.Stop(Stopwatch.GetElapsedTime(started).TotalSeconds);
                await watching.StopAsync();
                seconds.Add(measured.Seconds);
                cpu.Add(measured.CpuSeconds);
                peak.Add(measured.PeakBytes / 1048576.0);
                running.Add(watching.RunningMax);
                var (all, within) = Heartbeats(await node.MetricsAsync());
                late.Add(all - within);
                ticks.Add(all);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"many round {round}: {measured.Seconds:0.00} s, {peak[^1]:0} MiB, {running[^1]:0} at once, {all - within} of {all} heartbeats late by more than 1 s"));
            }
        }
        set.Remove();
        report.AddFigures($"{Count:N0} downloads of 1 MiB at once, 1 MB/s each",
        [
            ("seconds", seconds, "0.00"), ("CPU seconds", cpu, "0.00"), ("peak memory, MiB", peak, "N0"), ("most running at once", running, "N0"),
            ("heartbeats so far", ticks, "N0"), ("of them later than 1 s", late, "N0"),
        ]);
    }

    private static async Task RunSessionAsync(BenchNode node, FileSet set, string session, int number)
    {
        await node.OpenAsync(session, """{"maxConnectionsPerHost":64}""");
        var lines = new StringBuilder();
        for (var i = number; i < Count; i += SessionsMax)
            lines.Append(CultureInfo.InvariantCulture, $$"""{"kind":"download","url":"{{set.UrlOf(i)}}","destination":"default/{{session}}/{{FileSet.NameOf(i)}}"}""").Append('\n');
        await node.AddAsync(session, Encoding.UTF8.GetBytes(lines.ToString()));
        await node.WaitSucceededAsync(session, Count / SessionsMax);
    }

    /// <summary>How many heartbeats there were, and how many began within a second of their time.</summary>
    private static (double All, double WithinOneSecond) Heartbeats(string metrics)
    {
        var within = metrics.Split('\n').Where(line => line.StartsWith("backhaul_lease_tick_delay_seconds_bucket", StringComparison.Ordinal) && line.Contains("le=\"1\"", StringComparison.Ordinal));
        var all = metrics.Split('\n').Where(line => line.StartsWith("backhaul_lease_tick_delay_seconds_count", StringComparison.Ordinal));
        return (all.Sum(Value), within.Sum(Value));
    }

    private static double Value(string line) => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);

    /// <summary>Asks now and then how many transfers run.</summary>
    private sealed class Watching
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _task;

        public Watching(BenchNode node) => _task = WatchAsync(node);

        public double RunningMax { get; private set; }

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _task;
            _stop.Dispose();
        }

        private async Task WatchAsync(BenchNode node)
        {
            while (!_stop.IsCancellationRequested)
            {
                var active = (await node.MetricsAsync()).Split('\n').Where(line => line.StartsWith("backhaul_transfer_active", StringComparison.Ordinal)).Sum(Value);
                RunningMax = Math.Max(RunningMax, active);
                await Task.Delay(TimeSpan.FromMilliseconds(100));
            }
        }
    }
}
