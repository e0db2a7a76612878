using System.Text.Json.Nodes;
using Backhaul.Node.Files;
using Backhaul.Node.Sweeping;
using Backhaul.Protocol;

namespace Backhaul.Node.Ops.Palettes;

/// <summary><c>container</c>: where files lie, what they take, and removing what nothing refers to.</summary>
internal sealed class ContainerPalette(ILeftovers leftovers, Sweeper sweeper) : IPalette
{
    private static readonly PaletteArgument Which = new("container", "Its name; all of them when left out.", Required: false);

    public string Name => "container";

    public string Help => "Containers: where files lie, what they hold, and leftovers.";

    public IReadOnlyList<PaletteCommand> Commands =>
    [
        new() { Name = "list", Help = "Lists the containers of this node with their free room.", Run = ListAsync },
        new()
        {
            Name = "usage",
            Help = "Counts files and bytes, one by one: of clients, of running downloads (parts), temporary results, files on their way in (staging, uploads).",
            Arguments = [Which],
            Run = UsageAsync,
        },
        new()
        {
            Name = "sweep",
            Help = "Removes leftovers that no session refers to; what changed lately stays (Backhaul:Sweeper:Grace).",
            Arguments = [Which],
            Switches = [new("--dry-run", "Counts what would be removed, and removes nothing.")],
            Role = OperatorRole.Operator,
            Writes = true,
            Run = SweepAsync,
        },
    ];

    private async ValueTask<PaletteExit> ListAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var table = new TextTable(output, "Container", "Kind", "Shared", "Free", "Place");
        foreach (var container in leftovers.Containers)
        {
            var facts = await leftovers.DescribeAsync(container, stop);
            if (invocation.Json)
            {
                await output.JsonAsync(new JsonObject
                {
                    ["container"] = container.ToString(),
                    ["kind"] = facts.Kind,
                    ["shared"] = facts.IsShared,
                    ["bytesFree"] = facts.BytesFree,
                    ["place"] = facts.Place,
                });
                continue;
            }
            await table.RowAsync(container.ToString(), facts.Kind, facts.IsShared ? "yes" : "no", facts.BytesFree is { } free ? Columns.Size(free) : "-", facts.Place);
        }
        return await EndAsync(invocation, output, table);
    }

    private async ValueTask<PaletteExit> UsageAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var table = new TextTable(output, "Container", "Of", "Files", "Size");
        foreach (var container in Chosen(invocation))
        {
            var usage = await leftovers.MeasureAsync(container, stop);
            foreach (var (of, tally) in ((string, FileTally)[])
                [("clients", usage.Files), ("parts", usage.Parts), ("results", usage.Results), ("staging", usage.Staging), ("uploads", usage.Uploads), ("kept", usage.Kept)])
            {
                if (invocation.Json)
                    await output.JsonAsync(new JsonObject { ["container"] = container.ToString(), ["of"] = of, ["files"] = tally.Count, ["bytes"] = tally.Bytes });
                else
                    await table.RowAsync(container.ToString(), of, Columns.Number(tally.Count), Columns.Size(tally.Bytes));
            }
        }
        return await EndAsync(invocation, output, table);
    }

    private async ValueTask<PaletteExit> SweepAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var dryRun = invocation.Flag("--dry-run");
        var table = new TextTable(output, "Container", "Kind", dryRun ? "Would remove" : "Removed", "Size");
        var exit = PaletteExit.Done;
        foreach (var container in Chosen(invocation))
        {
            if (await sweeper.SweepAsync(container, dryRun, TimeSpan.Zero, stop) is not { } report)
            {
                await output.ErrorAsync($"Container {container} is being swept already, by this node or another. Try again in a while.");
                exit = PaletteExit.TryAgain;
                continue;
            }
            foreach (var kind in Enum.GetValues<LeftoverKind>())
            {
                var tally = report.Swept.GetValueOrDefault(kind);
                if (invocation.Json)
                {
                    await output.JsonAsync(new JsonObject
                    {
                        ["container"] = container.ToString(),
                        ["kind"] = NameOf(kind),
                        ["files"] = tally.Count,
                        ["bytes"] = tally.Bytes,
                        ["dryRun"] = dryRun,
                    });
                    continue;
                }
                await table.RowAsync(container.ToString(), NameOf(kind), Columns.Number(tally.Count), Columns.Size(tally.Bytes));
            }
            if (!invocation.Json)
            {
                await table.FlushAsync();
                await output.LineAsync($"Container {container}: {Columns.Number(report.Kept)} kept that sessions refer to, {Columns.Number(report.Unknown)} whose sessions could not be asked.");
            }
            if (report.Failure is { } failure)
            {
                await output.ErrorAsync(failure);
                exit = PaletteExit.Refused;
            }
        }
        return exit == PaletteExit.Done ? await EndAsync(invocation, output, table) : exit;
    }

    private static string NameOf(LeftoverKind kind) => kind.ToString().ToLowerInvariant();

    private IReadOnlyList<ContainerName> Chosen(PaletteInvocation invocation)
    {
        if (invocation.Optional("container") is not { } text)
            return leftovers.Containers;
        return ContainerName.TryParse(text, out var container) && leftovers.Containers.Contains(container)
            ? [container]
            : throw new PaletteUsageException($"'{text}' is no container of this node. container list shows them.");
    }

    private async ValueTask<PaletteExit> EndAsync(PaletteInvocation invocation, PaletteOutput output, TextTable table)
    {
        if (invocation.Json)
            return PaletteExit.Done;
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(Chosen(invocation).Count, "container", "containers"));
        return PaletteExit.Done;
    }
}
