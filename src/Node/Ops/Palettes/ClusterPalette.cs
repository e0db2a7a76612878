using System.Text.Json.Nodes;
using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Ops.Palettes;

/// <summary><c>cluster</c>: who belongs to it, and how they come and go.</summary>
internal sealed class ClusterPalette(ClusterPicture cluster, INodeDrain drain, IClusterStore? store, OpsOptions options, TimeProvider time) : IPalette
{
    public string Name => "cluster";

    public string Help => "The nodes of the cluster: look at them, watch them, send one away.";

    public IReadOnlyList<PaletteCommand> Commands =>
    [
        new() { Name = "show", Help = "Lists the nodes with their state, lease and shards.", Run = ShowAsync },
        new() { Name = "status", Help = "Says in a few lines whether the cluster is whole.", Run = StatusAsync },
        new()
        {
            Name = "leave",
            Help = "Stops this node in good order: it hands its shards over, and its process ends with exit code 0.",
            Role = OperatorRole.Admin,
            Writes = true,
            Destructive = true,
            Run = async (_, output, _) =>
            {
                await output.LineAsync($"{cluster.Facts.Name} leaves: it takes no new work, hands its shards over, and ends.");
                drain.Begin();
                return PaletteExit.Done;
            },
        },
        new()
        {
            Name = "down",
            Help = "Declares a node dead whose lease is over, so that others take its shards at once; one that is alive is told to leave instead.",
            Arguments = [new("node", "Its name, or the beginning of its id.")],
            Role = OperatorRole.Admin,
            Writes = true,
            Destructive = true,
            Run = DownAsync,
        },
        new() { Name = "tail", Help = "Shows nodes and shards changing, until Ctrl-C.", Streams = true, Run = TailAsync },
        new() { Name = "version", Help = "Lists what each node runs.", Run = VersionAsync },
    ];

    private async ValueTask<PaletteExit> ShowAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var view = await cluster.ReadAsync(output, stop);
        var shards = view.Shards.Where(shard => shard.Owner is not null).CountBy(shard => shard.Owner!.Value).ToDictionary();
        var table = new TextTable(output, "Node", "Id", "State", "Address", "Build", "Lease left", "Shards", "This one");
        foreach (var member in view.Members.OrderBy(member => member.Name, StringComparer.Ordinal))
        {
            if (invocation.Json)
            {
                await output.JsonAsync(new JsonObject
                {
                    ["name"] = member.Name,
                    ["id"] = member.Id.ToString(),
                    ["state"] = ClusterPicture.StateOf(member.State),
                    ["address"] = member.Address,
                    ["build"] = member.Build,
                    ["leaseLeftMs"] = cluster.IsCluster ? (long)member.LeaseLeft.TotalMilliseconds : null,
                    ["shards"] = shards.GetValueOrDefault(member.Id),
                    ["self"] = member.Id == cluster.Me,
                });
                continue;
            }
            await table.RowAsync(
                ClusterPicture.NameOf(member), member.Id.ToString(), ClusterPicture.StateOf(member.State), member.Address, member.Build, Lease(member),
                Columns.Number(shards.GetValueOrDefault(member.Id)), member.Id == cluster.Me ? "yes" : "");
        }
        if (invocation.Json)
            return PaletteExit.Done;
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(view.Members.Count, "node", "nodes"));
        return PaletteExit.Done;
    }

    private async ValueTask<PaletteExit> StatusAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var view = await cluster.ReadAsync(output, stop);
        var active = view.Members.Count(member => member.State == MemberState.Active);
        var overdue = cluster.IsCluster ? view.Members.Count(member => member.State is MemberState.Active or MemberState.Draining && member.LeaseLeft <= TimeSpan.Zero) : 0;
        var free = view.Shards.Count(shard => shard.Owner is null);
        var orphaned = view.Shards.Count(shard => shard.Owner is { } owner && view.Find(owner)?.State is null or MemberState.Dead or MemberState.Left);
        var poisoned = view.Shards.Count(cluster.IsPoisoned);
        var whole = active > 0 && overdue == 0 && free == 0 && orphaned == 0 && poisoned == 0;
        (string Field, string Value)[] rows =
        [
            ("whole", whole ? "yes" : "no"),
            ("kind", cluster.IsCluster ? "cluster" : "one embedded node"),
            ("this node", cluster.Facts.Name),
            ("view", Columns.Number(view.Version)),
            ("active", Columns.Number(active)),
            ("draining", Columns.Number(view.Members.Count(member => member.State == MemberState.Draining))),
            ("lease overdue", Columns.Number(overdue)),
            ("shards", Columns.Number(view.Shards.Count)),
            ("free", Columns.Number(free)),
            ("of nodes that are gone", Columns.Number(orphaned)),
            ("poisoned", Columns.Number(poisoned)),
        ];
        return await FieldRows.WriteAsync(rows, invocation, output);
    }

    private async ValueTask<PaletteExit> DownAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        if (store is null)
        {
            await output.ErrorAsync("This is one embedded node: there is nobody else. To stop it: cluster leave.");
            return PaletteExit.Refused;
        }
        var member = ClusterPicture.Find(await cluster.ReadAsync(output, stop), invocation.Argument("node"));
        if (await store.DeclareDeadAsync(member.Id, stop))
        {
            await output.LineAsync($"{member.Name} is dead: its shards are free for the others, and its process ends when it looks again.");
            return PaletteExit.Done;
        }
        await output.ErrorAsync(member.State is MemberState.Dead or MemberState.Left
            ? $"{member.Name} is {ClusterPicture.StateOf(member.State)} already."
            : $"{member.Name} holds a lease (for {Lease(member)}), so it is alive. Let it leave: pbm to its operator's port, cluster leave.");
        return PaletteExit.Refused;
    }

    private async ValueTask<PaletteExit> TailAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var seen = cluster.Current;
        await output.LineAsync($"{Columns.Time(time.GetUtcNow())} | view {seen.Version}: {ClusterChanges.Sentence(seen)}");
        while (true)
        {
            await Task.Delay(options.TailInterval, time, stop);
            var now = cluster.Current;
            foreach (var change in ClusterChanges.Between(seen, now))
                await output.LineAsync($"{Columns.Time(time.GetUtcNow())} | {change}");
            seen = now;
        }
    }

    private async ValueTask<PaletteExit> VersionAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var view = await cluster.ReadAsync(output, stop);
        var table = new TextTable(output, "Node", "Build");
        foreach (var member in view.Members.OrderBy(member => member.Name, StringComparer.Ordinal))
        {
            if (invocation.Json)
                await output.JsonAsync(new JsonObject { ["name"] = member.Name, ["build"] = member.Build });
            else
                await table.RowAsync(ClusterPicture.NameOf(member), member.Build);
        }
        if (invocation.Json)
            return PaletteExit.Done;
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(view.Members.Select(member => member.Build).Distinct(StringComparer.Ordinal).Count(), "build", "builds"));
        return PaletteExit.Done;
    }

    private string Lease(Member member) => cluster.IsCluster ? $"{member.LeaseLeft.TotalSeconds.ToString("0.0", System.Globalization.CultureInfo.InvariantCulture)} s" : "-";
}
