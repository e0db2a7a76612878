using System.Text.Json.Nodes;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>
/// <c>session quarantined</c> and <c>session release</c>: sessions that could not be loaded. Quarantine is in the memory of the node that
/// holds the session's shard, so both are asked of that node; another one says which it is.
/// </summary>
internal sealed class QuarantineCommands(ClusterPicture cluster)
{
    public PaletteCommand List => new()
    {
        Name = "quarantined",
        Help = "Lists the sessions of this node that could not be loaded, with the reason.",
        Run = ListAsync,
    };

    public PaletteCommand Release => new()
    {
        Name = "release",
        Help = "Lets a quarantined session be loaded again, when its cause is mended.",
        Arguments = [Words.Session],
        Switches = [Words.Tenant],
        Role = OperatorRole.Operator,
        Writes = true,
        Run = ReleaseAsync,
    };

    private async ValueTask<PaletteExit> ListAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var sessions = cluster.Shards.Residents.Quarantined;
        var table = new TextTable(output, "Tenant", "Session", "Shard", "Since", "Reason");
        foreach (var session in sessions)
        {
            if (invocation.Json)
            {
                await output.JsonAsync(new JsonObject
                {
                    ["tenant"] = session.Session.Tenant.ToString(),
                    ["identifier"] = session.Session.Identifier.ToString(),
                    ["shard"] = session.ShardId,
                    ["since"] = Columns.Time(session.Since),
                    ["reason"] = session.Reason,
                });
                continue;
            }
            await table.RowAsync(
                session.Session.Tenant.ToString(), session.Session.Identifier.ToString(), Columns.Number(session.ShardId), Columns.Time(session.Since), session.Reason);
        }
        if (invocation.Json)
            return PaletteExit.Done;
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(sessions.Count, "session", "sessions") + (cluster.IsCluster ? " on this node; ask each (cluster show)" : ""));
        return PaletteExit.Done;
    }

    private async ValueTask<PaletteExit> ReleaseAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var session = invocation.Session();
        if (await cluster.Shards.ReleaseQuarantineAsync(session, stop))
        {
            await output.LineAsync($"{session} is loaded again with the next request or when it has something to do. session show {session.Identifier} tells whether it could be.");
            return PaletteExit.Done;
        }
        var shard = cluster.ShardOf(session);
        var view = await cluster.ReadAsync(output, stop);
        var owner = view.Shards.FirstOrDefault(row => row.ShardId == shard) is { Owner: { } id } ? view.Find(id) : null;
        await output.ErrorAsync(owner is null || owner.Id == cluster.Me
            ? $"{session} is not quarantined."
            : $"{session} belongs to shard {shard}, which {owner.Name} ({owner.Address}) holds: send this to that node's operator's port.");
        return PaletteExit.Refused;
    }
}
