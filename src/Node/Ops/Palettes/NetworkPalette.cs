using System.Text.Json.Nodes;
using Backhaul.Node.Journal;
using Backhaul.Node.Transfers.Conditions;

namespace Backhaul.Node.Ops.Palettes;

/// <summary><c>network</c>: what operators say of the network, by which tasks wait and go on.</summary>
internal sealed class NetworkPalette(NetworkBook book, NodeConditions conditions) : IPalette
{
    private static readonly PaletteSwitch Cost = new("--cost", "What bytes cost: unrestricted when it is not given.", "cost") { Values = NetworkState.CostWords };
    private static readonly PaletteSwitch Node = new("--node", "Of this node only, in place of the cluster's; the whole cluster when it is not given.", "name");

    private static readonly PaletteSwitch[] Flags =
    [
        new("--constrained", "Bytes should be spared."),
        new("--cellular", "It is a cellular network."),
        new("--offline", "There is none: all tasks wait."),
        new("--clear", "Takes the declaration back."),
    ];

    public string Name => "network";

    public string Help => "The network as operators declare it: its cost, and whether it is constrained, cellular or gone.";

    public IReadOnlyList<PaletteCommand> Commands =>
    [
        new() { Name = "show", Help = "Shows what is declared of the cluster and of nodes, and what holds on this one.", Run = ShowAsync },
        new()
        {
            Name = "set",
            Help = "Declares the network, on all nodes and also after a restart; what is not given is as good as can be. Running tasks that may not use it stop.",
            Switches = [Cost, .. Flags, Node],
            Role = OperatorRole.Operator,
            Writes = true,
            Run = SetAsync,
        },
    ];

    private async ValueTask<PaletteExit> ShowAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var record = await book.ReadAsync(stop);
        List<(string Where, NetworkState State)> rows = [("cluster", record.Cluster ?? NetworkState.Good)];
        if (record.Nodes is { } nodes)
            rows.AddRange(nodes.Select(node => ($"node {node.Key}", node.Value)));
        rows.Add(($"here ({conditions.Node})", conditions.Network));
        var table = new TextTable(output, "Where", "Cost", "Constrained", "Cellular", "Offline", "Since", "Why");
        foreach (var (where, state) in rows)
        {
            if (invocation.Json)
            {
                await output.JsonAsync(new JsonObject
                {
                    ["where"] = where,
                    ["cost"] = state.CostWord,
                    ["constrained"] = state.Constrained,
                    ["cellular"] = state.Cellular,
                    ["offline"] = state.Offline,
                    ["since"] = state.Since,
                    ["why"] = state.Why,
                });
                continue;
            }
            await table.RowAsync(where, state.CostWord, Word(state.Constrained), Word(state.Cellular), Word(state.Offline), Columns.Time(state.Since), state.Why);
        }
        if (invocation.Json)
            return PaletteExit.Done;
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(rows.Count, "line", "lines"));
        return PaletteExit.Done;
    }

    private async ValueTask<PaletteExit> SetAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var clears = invocation.Flag("--clear");
        var says = invocation.Text("--cost") is not null || Flags.Any(flag => flag.Name != "--clear" && invocation.Flag(flag.Name));
        if (clears == says)
            throw new PaletteUsageException("Say what the network is, such as --cost metered, or --clear alone.");
        var cost = invocation.Text("--cost") is { } word
            ? NetworkState.CostOf(word) ?? throw new PaletteUsageException($"--cost is '{word}'. It is one of {string.Join(", ", NetworkState.CostWords)}.")
            : NetworkCost.Unrestricted;
        var node = invocation.Text("--node");
        NetworkState? state = clears
            ? null
            : new NetworkState
            {
                Cost = cost,
                Constrained = invocation.Flag("--constrained"),
                Cellular = invocation.Flag("--cellular"),
                Offline = invocation.Flag("--offline"),
                Why = invocation.Reason,
            };
        try
        {
            await book.DeclareAsync(node, state, stop);
        }
        catch (JournalStoreException away)
        {
            await output.ErrorAsync($"The store did not take it: {away.Message} Try again.");
            return PaletteExit.TryAgain;
        }
        await output.LineAsync($"{(node is null ? "The network of the cluster" : $"The network of node {node}")} {(clears ? "is not declared any more" : "is declared")}; all nodes know within seconds.");
        return PaletteExit.Done;
    }

    private static string Word(bool value) => value ? "yes" : "no";
}
