using System.Text.Json.Nodes;
using Backhaul.Node.Sharding;
using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Ops.Palettes;

/// <summary><c>cluster-sharding</c>: which node holds which part of the sessions.</summary>
internal sealed class ClusterShardingPalette(ClusterPicture cluster, IClusterStore? store, GiveShard? give, TimeProvider time) : IPalette
{
    /// <summary>Longer than a hand-off may take.</summary>
    private static readonly TimeSpan MoveWithin = TimeSpan.FromSeconds(20);

    private static readonly PaletteArgument Shard = new("shard", "The shard's number.");

    public string Name => "cluster-sharding";

    public string Help => "Shards, the parts that sessions are divided into: who holds them, and which do harm.";

    public IReadOnlyList<PaletteCommand> Commands =>
    [
        new() { Name = "region-stats", Help = "Counts shards by node, and the sessions in memory of this one.", Run = StatsAsync },
        new()
        {
            Name = "list-shards",
            Help = "Lists the shards with their owners and epochs.",
            Switches = [new("--owner", "Only those of this node; nobody for the free ones.", "node"), Words.Limit],
            Run = ListAsync,
        },
        new()
        {
            Name = "move-shard",
            Help = "Hands a shard of this node over to another, now; its sessions pause for about a second.",
            Arguments = [Shard],
            Switches = [new("--to", "The node that is to have it; the one with the fewest shards when it is left out.", "node")],
            Role = OperatorRole.Admin,
            Writes = true,
            Destructive = true,
            Run = MoveAsync,
        },
        new()
        {
            Name = "release-shard",
            Help = "Lets a poisoned shard be claimed again: its count of take-overs begins anew.",
            Arguments = [Shard],
            Role = OperatorRole.Admin,
            Writes = true,
            Run = ReleaseAsync,
        },
        new() { Name = "poisoned", Help = "Lists shards that too many nodes in a row died with; they are left alone until they are released.", Run = PoisonedAsync },
    ];

    private async ValueTask<PaletteExit> StatsAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var view = await cluster.ReadAsync(output, stop);
        var table = new TextTable(output, "Node", "State", "Shards", "Sessions in memory", "Loading", "Quarantined");
        var owners = view.Shards.CountBy(shard => shard.Owner is { } owner && view.Find(owner) is not null ? owner : default).ToDictionary();
        foreach (var member in view.Members.OrderBy(member => member.Name, StringComparer.Ordinal))
        {
            var here = member.Id == cluster.Me ? cluster.Shards.Residents : null;
            if (invocation.Json)
            {
                await output.JsonAsync(new JsonObject
                {
                    ["node"] = member.Name,
                    ["state"] = ClusterPicture.StateOf(member.State),
                    ["shards"] = owners.GetValueOrDefault(member.Id),
                    ["sessions"] = here?.Count,
                    ["loading"] = here?.Starting,
                    ["quarantined"] = here?.Quarantined.Count,
                });
                continue;
            }
            await table.RowAsync(
                ClusterPicture.NameOf(member), ClusterPicture.StateOf(member.State), Columns.Number(owners.GetValueOrDefault(member.Id)),
                Columns.Number(here?.Count), Columns.Number(here?.Starting), Columns.Number(here?.Quarantined.Count));
        }
        if (invocation.Json)
            return PaletteExit.Done;
        if (owners.GetValueOrDefault(default) is var free and > 0)
            await table.RowAsync("nobody", "-", Columns.Number(free), "-", "-", "-");
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(view.Shards.Count, "shard", "shards"));
        return PaletteExit.Done;
    }

    private async ValueTask<PaletteExit> ListAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var view = await cluster.ReadAsync(output, stop);
        IEnumerable<ShardOwner> shards = view.Shards;
        if (invocation.Text("--owner") is { } word)
        {
            var owner = word == "nobody" ? null : ClusterPicture.Find(view, word);
            shards = shards.Where(shard => shard.Owner == owner?.Id);
        }
        return await WriteAsync([.. shards], view, invocation, output);
    }

    private async ValueTask<PaletteExit> PoisonedAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var view = await cluster.ReadAsync(output, stop);
        return await WriteAsync([.. view.Shards.Where(cluster.IsPoisoned)], view, invocation, output);
    }

    private async ValueTask<PaletteExit> WriteAsync(IReadOnlyList<ShardOwner> shards, ClusterView view, PaletteInvocation invocation, PaletteOutput output)
    {
        var limit = invocation.Text("--limit") is null ? int.MaxValue : (int)invocation.Number("--limit", 1, 1_000_000);
        var here = cluster.Shards.Shards.ToDictionary(shard => shard.ShardId);
        var table = new TextTable(output, "Shard", "Owner", "Epoch", "Take-overs", "Here");
        foreach (var shard in shards.Take(limit))
        {
            var phase = here.TryGetValue(shard.ShardId, out var mine) ? mine.Phase.ToString() : "-";
            if (invocation.Json)
            {
                await output.JsonAsync(new JsonObject
                {
                    ["shard"] = shard.ShardId,
                    ["owner"] = shard.Owner is null ? null : ClusterPicture.OwnerOf(view, shard),
                    ["epoch"] = shard.Epoch,
                    ["takeovers"] = shard.Takeovers,
                    ["here"] = phase,
                });
                continue;
            }
            await table.RowAsync(
                Columns.Number(shard.ShardId), ClusterPicture.OwnerOf(view, shard), Columns.Number(shard.Epoch), Columns.Number(shard.Takeovers), phase);
        }
        if (invocation.Json)
            return PaletteExit.Done;
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(shards.Count, "shard", "shards") + (shards.Count > limit ? " (there are more: --limit)" : ""));
        return PaletteExit.Done;
    }

    private async ValueTask<PaletteExit> MoveAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var shard = ShardOf(invocation, cluster.Shards.Count);
        if (give is null)
        {
            await output.ErrorAsync("This is one embedded node: there is nobody to move a shard to.");
            return PaletteExit.Refused;
        }
        var view = await cluster.ReadAsync(output, stop);
        if (Unmovable(view, shard) is { } why)
        {
            await output.ErrorAsync(why);
            return PaletteExit.Refused;
        }
        var held = view.Shards.Where(row => row.Owner is not null).CountBy(row => row.Owner!.Value).ToDictionary();
        var fit = view.Members.Where(member => member.Id != cluster.Me && member.State == MemberState.Active && member.LeaseLeft > TimeSpan.Zero).ToList();
        var target = invocation.Text("--to") is { } word ? ClusterPicture.Find(view, word) : fit.MinBy(member => (held.GetValueOrDefault(member.Id), member.Id.Value));
        if (target is null || !fit.Contains(target))
        {
            await output.ErrorAsync(target is null ? "There is no other active node." : target.Id == cluster.Me ? $"{target.Name} holds it already." : $"{target.Name} is not active, or its lease is over.");
            return PaletteExit.Refused;
        }
        using var limit = new CancellationTokenSource(MoveWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop);
        try
        {
            if (await give(shard, target.Id, either.Token))
            {
                await output.LineAsync($"Shard {shard} is {target.Name}'s now; it opens it when it sees that. When it then holds more than its share, it hands another one over.");
                return PaletteExit.Done;
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            await output.ErrorAsync($"Shard {shard} has not been handed over within {MoveWithin.TotalSeconds:0} s. cluster-sharding list-shards tells what became of it.");
            return PaletteExit.TryAgain;
        }
        await output.ErrorAsync($"Shard {shard} was not handed to {target.Name}: it is just moving, or {target.Name} may not have it at the moment. Look again with cluster-sharding list-shards.");
        return PaletteExit.TryAgain;
    }

    private string? Unmovable(ClusterView view, int shard)
    {
        var row = view.Shards.FirstOrDefault(row => row.ShardId == shard);
        if (row.Owner is not { } owner)
            return $"Nobody holds shard {shard}; the plan gives it to somebody in a moment.";
        if (owner == cluster.Me)
            return null;
        return view.Find(owner) is { } holder
            ? $"Shard {shard} is held by {holder.Name} ({holder.Address}): send this to that node's operator's port."
            : $"Shard {shard} is held by a node that is gone.";
    }

    private async ValueTask<PaletteExit> ReleaseAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var shard = ShardOf(invocation, cluster.Shards.Count);
        if (store is null)
        {
            await output.ErrorAsync("This is one embedded node: it holds every shard, and none is ever poisoned.");
            return PaletteExit.Refused;
        }
        if (!await store.ForgiveAsync(shard, stop))
        {
            await output.ErrorAsync($"Shard {shard} has no take-overs to forget.");
            return PaletteExit.Refused;
        }
        await output.LineAsync($"Shard {shard} may be claimed again. Should the next node die with it as well, it has done so {cluster.TakeoversMax} times before it is left alone.");
        return PaletteExit.Done;
    }

    internal static int ShardOf(PaletteInvocation invocation, int count) =>
        int.TryParse(invocation.Argument("shard"), System.Globalization.CultureInfo.InvariantCulture, out var shard) && shard >= 0 && shard < count
            ? shard
            : throw new PaletteUsageException($"'{invocation.Argument("shard")}' is no shard. They are numbered from 0 to {count - 1}.");
}
