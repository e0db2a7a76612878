using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Backhaul.Bench;

/// <summary>The node as a contestant: one session for each round, one bulk request, then its view until every task has succeeded.</summary>
internal sealed class NodeDownloads(string name, BenchNode node, FileSet set)
{
    private int _run;

    public Contestant Contestant => new(name, RunAsync);

    /// <summary>Compiled code and warm connections, as a node has them that runs for a while.</summary>
    public async Task WarmUpAsync()
    {
        var seconds = (await RunAsync(0)).Seconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: warm-up {seconds:0.00} s, not counted"));
    }

    private async Task<Measurement> RunAsync(int round)
    {
        var session = $"{set.Name}-{++_run}";
        await node.OpenAsync(session, """{"maxConnectionsPerHost":64}""");
        var lines = new StringBuilder();
        for (var i = 0; i < set.Count; i++)
            lines.Append(CultureInfo.InvariantCulture, $$"""{"kind":"download","url":"{{set.UrlOf(i)}}","destination":"default/{{session}}/{{FileSet.NameOf(i)}}"}""").Append('\n');
        var body = Encoding.UTF8.GetBytes(lines.ToString());

        using var meter = ProcessMeter.Watch(node.Id);
        var started = Stopwatch.GetTimestamp();
        var accepted = await node.AddAsync(session, body);
        if (accepted != set.Count)
            throw new InvalidOperationException($"Only {accepted} tasks were accepted.");
        await node.WaitSucceededAsync(session, set.Count);
        var measured = meter.Stop(Stopwatch.GetElapsedTime(started).TotalSeconds);

        var folder = Directory.EnumerateDirectories(node.Data, session, SearchOption.AllDirectories).Single();
        set.Check(folder, "the node", content: round <= 1 && set.Bytes < 1024 * 1024 * 1024 || _run == 1);
        set.Clear(folder);
        return measured;
    }
}
