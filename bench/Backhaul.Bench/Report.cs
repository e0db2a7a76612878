using System.Globalization;
using System.Text;

namespace Backhaul.Bench;

/// <summary>The table, for the terminal and for bench/results/.</summary>
internal sealed class Report(BenchSettings settings)
{
    private readonly StringBuilder _text = new();

    /// <summary>Contestants of one contest, the node first; the ratio of medians is the result.</summary>
    public void Add(string title, IReadOnlyList<(string Name, IReadOnlyList<Measurement> Runs)> contestants)
    {
        var node = Median(contestants[0].Runs.Select(one => one.Seconds));
        _text.Append(CultureInfo.InvariantCulture, $"""

            ## {title}

            | contestant | seconds, median | from … to | CPU seconds | peak memory, MiB | the node is so many times as fast |
            |---|---|---|---|---|---|

            """);
        foreach (var (name, runs) in contestants)
            _text.Append(CultureInfo.InvariantCulture, $"{Row(name, runs)} {Median(runs.Select(one => one.Seconds)) / node:0.00} |\n");
    }

    /// <summary>Figures that stand for themselves.</summary>
    public void AddFigures(string title, IReadOnlyList<(string Name, IReadOnlyList<double> Values, string Format)> figures)
    {
        _text.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n| figure | median | from … to |\n|---|---|---|\n");
        foreach (var (name, values, format) in figures)
            _text.Append(CultureInfo.InvariantCulture, $"| {name} | {Text(Median(values), format)} | {Text(values.Min(), format)} … {Text(values.Max(), format)} |\n");
    }

    public void Write()
    {
        var now = DateTime.UtcNow;
        var head = $"# Side by side, {now.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)} UTC\n\n"
            + $"{Environment.ProcessorCount} cores, {settings.Rounds} rounds, contestants in turn; only ratios of medians count."
            + (settings.NodeOptions.Count > 0 ? $" The node's options: {string.Join(' ', settings.NodeOptions)}\n" : "\n");
        var text = head + _text;
        Console.Write(text);
        var path = Path.Combine(Repository.Root, "bench/results", $"side-by-side-{now.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}.md");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        Console.WriteLine($"\nWritten to {path}");
    }

    private static string Row(string name, IReadOnlyList<Measurement> runs) => string.Create(
        CultureInfo.InvariantCulture,
        $"| {name} | {Median(runs.Select(one => one.Seconds)):0.00} | {runs.Min(one => one.Seconds):0.00} … {runs.Max(one => one.Seconds):0.00} | {Median(runs.Select(one => one.CpuSeconds)):0.00} | {Median(runs.Select(one => one.PeakBytes / 1048576.0)):0} |");

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[sorted.Count / 2 - 1] + sorted[sorted.Count / 2]) / 2;
    }
}
