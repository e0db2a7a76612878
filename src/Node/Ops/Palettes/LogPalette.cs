using System.Text.Json.Nodes;
using Backhaul.Node.Telemetry;

namespace Backhaul.Node.Ops.Palettes;

/// <summary><c>log</c>: the newest lines of this node's log, and how much it says.</summary>
internal sealed class LogPalette(LogRing ring, LogLevels levels) : IPalette
{
    public string Name => "log";

    public string Help => "This node's log.";

    public IReadOnlyList<PaletteCommand> Commands =>
    [
        new()
        {
            Name = "tail",
            Help = "Shows the newest log lines and goes on with new ones until Ctrl-C.",
            Switches =
            [
                new("--lines", "Begin with so many of the newest lines.", "lines") { Short = "-n", Default = "20" },
                Words.Level, new("--no-follow", "Only what is there already."),
            ],
            Streams = true,
            Run = TailAsync,
        },
        new()
        {
            Name = "level",
            Help = "Shows from which severity on lines are written; with a level, changes it until the node stops.",
            Arguments = [new("level", "The new level.", Required: false) { Values = Words.Levels }],
            Switches = [new("--category", "The part of the node it is about; * is everything.", "prefix") { Default = "Backhaul" }],
            Role = OperatorRole.Operator,
            WritesWith = "level",
            Run = ShowLevelAsync,
        },
    ];

    private async ValueTask<PaletteExit> TailAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var from = Parse(invocation.Text("--level")!);
        var lines = (int)invocation.Number("--lines", 0, LogRing.Capacity);
        if (invocation.Flag("--no-follow"))
        {
            foreach (var entry in ring.Newest(lines, from))
                await WriteAsync(entry);
            return PaletteExit.Done;
        }
        using var follower = ring.Follow(lines, from);
        await foreach (var entry in follower.ReadAllAsync(stop))
        {
            await WriteAsync(entry);
            if (follower.TakeDropped() is > 0 and var dropped)
                await output.ErrorAsync($"{dropped} lines were left out: this terminal is slower than the log.");
        }
        return PaletteExit.Done;

        ValueTask WriteAsync(LogEntry entry) => invocation.Json
            ? output.JsonAsync(new JsonObject
            {
                ["at"] = Columns.Time(entry.At),
                ["level"] = LevelName(entry.Level),
                ["event"] = entry.Event,
                ["category"] = entry.Category,
                ["message"] = entry.Message,
                ["exception"] = entry.Exception,
            })
            : output.LineAsync(
                $"{Columns.Time(entry.At)} | {LevelName(entry.Level),-11} | {entry.Event,4} | {entry.Category} | {entry.Message}"
                + (entry.Exception is null ? "" : $" | {entry.Exception}"));
    }

    private async ValueTask<PaletteExit> ShowLevelAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        if (invocation.Optional("level") is { } wanted)
            levels.Set(invocation.Text("--category")!, Parse(wanted));
        var table = new TextTable(output, "Category", "Level", "Origin");
        var rules = levels.Effective();
        foreach (var rule in rules)
        {
            if (invocation.Json)
                await output.JsonAsync(new JsonObject { ["category"] = rule.Category, ["level"] = LevelName(rule.Level), ["origin"] = rule.Origin });
            else
                await table.RowAsync(rule.Category, LevelName(rule.Level), rule.Origin);
        }
        if (invocation.Json)
            return PaletteExit.Done;
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(rules.Count, "rule", "rules"));
        return PaletteExit.Done;
    }

    private static LogLevel Parse(string level) => Enum.Parse<LogLevel>(level, ignoreCase: true);

    private static string LevelName(LogLevel level) => level.ToString().ToLowerInvariant();
}
