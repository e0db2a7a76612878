using System.Text.Json.Nodes;
using Backhaul.Node.Actors;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>Describes the running actors; null when there is none at the path.</summary>
internal delegate ActorTree? DescribeActors(string? underPath, int depth);

/// <summary><c>actor</c>: the kernel's view of what runs.</summary>
internal sealed class ActorPalette(DescribeActors describe) : IPalette
{
    /// <summary>More idle siblings of one class than this are one line.</summary>
    private const int IdleShown = 3;

    public string Name => "actor";

    public string Help => "The actors of this node.";

    public IReadOnlyList<PaletteCommand> Commands =>
    [
        new()
        {
            Name = "hierarchy",
            Help = "Shows actors below a path as a tree, with what waits in their inboxes.",
            Switches =
            [
                new("--start", "Path to begin at, for instance /shard-7.", "path") { Short = "-s" },
                new("--all", "Also every actor that is idle and has no children."),
                new("--depth", "Levels to show.", "levels") { Short = "-d", Default = "4" },
            ],
            Run = HierarchyAsync,
        },
        new()
        {
            Name = "system",
            Help = "Sums the actors up by their class.",
            Run = SystemAsync,
        },
    ];

    private async ValueTask<PaletteExit> HierarchyAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var start = invocation.Text("--start");
        if (describe(start, (int)invocation.Number("--depth", 0, 64)) is not { } root)
        {
            await output.ErrorAsync($"There is no actor at {start}. Try actor hierarchy without -s, or with less of the path.");
            return PaletteExit.Refused;
        }
        var table = new TextTable(output, "Actor", "Class", "State", "Inbox", "Handled", "Children");
        var count = 0;
        await WriteAsync(root, 0);
        if (invocation.Json)
            return PaletteExit.Done;
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(count, "actor", "actors"));
        return PaletteExit.Done;

        async ValueTask WriteAsync(ActorTree actor, int level)
        {
            stop.ThrowIfCancellationRequested();
            count++;
            if (invocation.Json)
            {
                await output.JsonAsync(new JsonObject
                {
                    ["path"] = actor.Path,
                    ["class"] = actor.Type,
                    ["state"] = actor.State,
                    ["inbox"] = actor.InboxDepth,
                    ["handled"] = actor.Handled,
                    ["children"] = actor.ChildCount,
                });
            }
            else
            {
                var name = level == 0 ? actor.Path : string.Concat(new string(' ', level * 2), actor.Path.AsSpan(actor.Path.LastIndexOf('/') + 1));
                var hidden = actor.ChildCount > actor.Children.Count ? $"{actor.ChildCount} ({actor.ChildCount - actor.Children.Count} not shown)" : $"{actor.ChildCount}";
                await table.RowAsync(name, actor.Type, actor.State, Columns.Number(actor.InboxDepth), Columns.Number(actor.Handled), hidden);
            }
            var idle = invocation.Flag("--all") || invocation.Json
                ? []
                : actor.Children.Where(IsIdleLeaf).GroupBy(c => c.Type, StringComparer.Ordinal).Where(g => g.Count() > IdleShown).ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal);
            foreach (var child in actor.Children.Where(c => !IsIdleLeaf(c) || !idle.ContainsKey(c.Type)))
                await WriteAsync(child, level + 1);
            foreach (var (type, number) in idle)
            {
                count += number;
                await table.RowAsync($"{new string(' ', (level * 2) + 2)}({number} more, --all shows them)", type, "idle", "0", "", "0");
            }
        }
    }

    private async ValueTask<PaletteExit> SystemAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var all = describe(null, int.MaxValue) is { } root ? Flatten(root).ToList() : [];
        var table = new TextTable(output, "Class", "Actors", "Waiting messages", "Fullest inbox", "Handled");
        foreach (var group in all.GroupBy(a => a.Type, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            if (invocation.Json)
            {
                await output.JsonAsync(new JsonObject
                {
                    ["class"] = group.Key,
                    ["actors"] = group.Count(),
                    ["waiting"] = group.Sum(a => (long)a.InboxDepth),
                    ["fullest"] = group.Max(a => a.InboxDepth),
                    ["handled"] = group.Sum(a => a.Handled),
                });
                continue;
            }
            await table.RowAsync(
                group.Key, Columns.Number(group.Count()), Columns.Number(group.Sum(a => (long)a.InboxDepth)),
                Columns.Number(group.Max(a => a.InboxDepth)), Columns.Number(group.Sum(a => a.Handled)));
        }
        if (invocation.Json)
            return PaletteExit.Done;
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(all.Count, "actor", "actors"));
        return PaletteExit.Done;
    }

    /// <summary>The length of the fullest inbox.</summary>
    public static long DeepestInbox(ActorTree? root) => root is null ? 0 : Flatten(root).Max(static a => (long)a.InboxDepth);

    private static bool IsIdleLeaf(ActorTree actor) => actor is { ChildCount: 0, InboxDepth: 0, State: "running" };

    private static IEnumerable<ActorTree> Flatten(ActorTree root) => root.Children.SelectMany(Flatten).Prepend(root);
}
