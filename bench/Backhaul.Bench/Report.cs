using System.Globalization;
using System.Text;

namespace Backhaul.Bench;

/// <summary>The table, for the terminal and for bench/results/.</summary>
internal sealed class Report(BenchSettings settings)
{
    private readonly StringBuilder _text = new();

    /// <summary>Two contestants; the ratio of medians is the result.</summary>
    public void Add(string title, string ourName, IReadOnlyList<Measurement> ours, string theirName, IReadOnlyList<Measurement> theirs)
    {
        var ratio = Median(ours.Select(one => one.Seconds)) / Median(theirs.Select(one => one.Seconds));
        _text.Append(CultureInfo.InvariantCulture, $"""

            ## {title}

            | contestant | seconds, median | from … to | CPU seconds | peak memory, MiB |
            |---|---|---|---|---|
            {Row(ourName, ours)}
            {Row(theirName, theirs)}

            Time of the node / time of the other: **{ratio:0.00}**

            """);
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
            + $"{Environment.ProcessorCount} cores, {settings.Rounds} rounds, contestants in turn; only ratios of medians count.\n";
        var text = head + _text;
        Console.Write(text);
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
            folder = folder.Parent;
        var path = Path.Combine(folder!.FullName, "bench/results", $"side-by-side-{now.ToString("yyyyMMdd-HHmm", CultureInfo.InvariantCulture)}.md");
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
