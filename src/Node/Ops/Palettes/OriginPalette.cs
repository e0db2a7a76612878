using System.Globalization;
using System.Text.Json.Nodes;
using Backhaul.Node.Journal;
using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Ops.Palettes;

/// <summary><c>origin</c>: the servers that transfers go to, and what may be asked of them by the whole cluster.</summary>
internal sealed class OriginPalette(OriginDeals deals, OriginGates gates, TimeProvider time) : IPalette
{
    private static readonly PaletteArgument Origin = new("origin", "Scheme, host and port, as https://example.org or http://10.0.0.7:8080.");

    private static readonly PaletteSwitch[] LimitSwitches =
    [
        new("--connections", "Connections of all nodes together; none lifts the limit.", "number"),
        new("--requests", "Requests per second of all nodes together; none lifts the limit.", "number"),
        new("--bytes", "Bytes per second of all nodes together; none lifts the limit.", "number"),
        new("--node-connections", "Connections of each node; none lifts the limit.", "number"),
        new("--node-requests", "Requests per second of each node; none lifts the limit.", "number"),
        new("--node-bytes", "Bytes per second of each node; none lifts the limit.", "number"),
    ];

    public string Name => "origin";

    public string Help => "Origins and targets: their limits, who is held back by them, and stopping what goes to them.";

    public IReadOnlyList<PaletteCommand> Commands =>
    [
        new() { Name = "list", Help = "Lists origins that are in use here, or that something is known of in the cluster.", Switches = [Words.Limit], Run = ListAsync },
        new()
        {
            Name = "limit",
            Help = "Limits what is asked of an origin, over the configuration; on all nodes, and also after a restart.",
            Arguments = [Origin],
            Switches = [.. LimitSwitches, new("--clear", "Back to the configuration.")],
            Role = OperatorRole.Operator,
            Writes = true,
            Run = LimitAsync,
        },
        new()
        {
            Name = "pause",
            Help = "Lets nothing new go to an origin, from no node, until it is resumed; what runs goes on.",
            Arguments = [Origin],
            Role = OperatorRole.Operator,
            Writes = true,
            Run = (invocation, output, stop) => ChangeAsync(invocation, output, record => record with { Paused = true, Why = invocation.Reason }, "is paused on all nodes", stop),
        },
        new()
        {
            Name = "resume",
            Help = "Lets an origin be used again, and forgets a time before which it asked not to be asked.",
            Arguments = [Origin],
            Role = OperatorRole.Operator,
            Writes = true,
            Run = (invocation, output, stop) => ChangeAsync(
                invocation, output,
                record => record with { Paused = false, Why = null, ClosedUntil = null, ClosedWhy = null, Reopened = record.Reopened + 1 }, "may be used", stop),
        },
    ];

    private async ValueTask<PaletteExit> ListAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var (now, records) = await deals.ReadAsync(stop);
        var names = gates.All.Select(state => state.Name).Concat(records.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        var limit = (int)invocation.Number("--limit", 1, 1_000_000);
        var table = new TextTable(output, "Origin", "State", "Connections here", "Connections", "Requests/s", "Bytes/s", "Nodes", "Until", "Why");
        foreach (var name in names.Take(limit))
            await WriteAsync(Row(name, records.GetValueOrDefault(name, OriginRecord.Empty), now), invocation, output, table);
        if (invocation.Json)
            return PaletteExit.Done;
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(names.Count, "origin", "origins"));
        return PaletteExit.Done;
    }

    private static async ValueTask WriteAsync(OriginLine line, PaletteInvocation invocation, PaletteOutput output, TextTable table)
    {
        if (!invocation.Json)
        {
            await table.RowAsync(
                line.Name, line.State, Columns.Number(line.Taken), Number(line.Limits.ConnectionsMax), Number(line.Limits.RequestsPerSecondMax),
                Number(line.Limits.BytesPerSecondMax), Columns.Number(line.Nodes), Columns.Time(line.Until), line.Why);
            return;
        }
        await output.JsonAsync(new JsonObject
        {
            ["origin"] = line.Name,
            ["state"] = line.State,
            ["connectionsHere"] = line.Taken,
            ["connections"] = line.Limits.ConnectionsMax,
            ["requestsPerSecond"] = line.Limits.RequestsPerSecondMax,
            ["bytesPerSecond"] = line.Limits.BytesPerSecondMax,
            ["nodeConnections"] = line.Limits.NodeConnectionsMax,
            ["nodeRequestsPerSecond"] = line.Limits.NodeRequestsPerSecondMax,
            ["nodeBytesPerSecond"] = line.Limits.NodeBytesPerSecondMax,
            ["nodes"] = line.Nodes,
            ["until"] = line.Until,
            ["why"] = line.Why,
        });
    }

    private OriginLine Row(string name, OriginRecord record, DateTimeOffset storeNow)
    {
        var view = gates.Describe(name);
        var hold = gates.HoldOf(name);
        var state = record.Paused ? "paused" : record.ClosedUntil > storeNow ? "closed" : view.IsDead ? "dead" : hold is not null && view.Taken > 0 ? "held" : "open";
        DateTimeOffset? until = record.ClosedUntil > storeNow ? time.GetUtcNow() + (record.ClosedUntil.Value - storeNow) : hold?.Until;
        return new OriginLine(
            name, state, view.Taken, record.Limits?.Over(view.Limits) ?? view.Limits, record.Holders.Count(holder => holder.Until > storeNow), until,
            record.Why ?? record.ClosedWhy ?? hold?.Why);
    }

    private async ValueTask<PaletteExit> LimitAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var clears = invocation.Flag("--clear");
        var given = LimitSwitches.Count(known => invocation.Text(known.Name) is not null);
        if (clears == given > 0)
            throw new PaletteUsageException("Give at least one limit, such as --connections 20, or --clear alone.");
        return await ChangeAsync(invocation, output, Change, clears ? "has the limits of the configuration" : "is limited on all nodes", stop);

        OriginRecord Change(OriginRecord record)
        {
            if (clears)
                return record with { Limits = null };
            var old = record.Limits ?? OriginLimits.None;
            var limits = new OriginLimits
            {
                ConnectionsMax = (int?)Read("--connections", old.ConnectionsMax),
                RequestsPerSecondMax = Read("--requests", old.RequestsPerSecondMax),
                BytesPerSecondMax = (long?)Read("--bytes", old.BytesPerSecondMax),
                NodeConnectionsMax = (int?)Read("--node-connections", old.NodeConnectionsMax),
                NodeRequestsPerSecondMax = Read("--node-requests", old.NodeRequestsPerSecondMax),
                NodeBytesPerSecondMax = (long?)Read("--node-bytes", old.NodeBytesPerSecondMax),
            };
            return limits.Problems().FirstOrDefault() is { } problem ? throw new PaletteUsageException(problem) : record with { Limits = limits };
        }

        double? Read(string name, double? old) => invocation.Text(name) switch
        {
            null => old,
            "none" => null,
            var text when double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number <= 1e9 => number,
            var text => throw new PaletteUsageException($"{name} is '{text}'. It is a number up to 1000000000, or none."),
        };
    }

    private async ValueTask<PaletteExit> ChangeAsync(
        PaletteInvocation invocation, PaletteOutput output, Func<OriginRecord, OriginRecord> change, string done, CancellationToken stop)
    {
        var text = invocation.Argument("origin");
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0)
            throw new PaletteUsageException($"'{text}' names no origin. Write scheme, host and port, as https://example.org or http://10.0.0.7:8080.");
        var origin = OriginName.Of(url);
        try
        {
            await deals.ChangeAsync(origin, change, stop);
        }
        catch (JournalStoreException away)
        {
            await output.ErrorAsync($"The store did not take it: {away.Message} Try again.");
            return PaletteExit.TryAgain;
        }
        await output.LineAsync($"{origin} {done}.");
        return PaletteExit.Done;
    }

    private static string Number(double? value) => value is null ? "-" : value.Value.ToString("0.###", CultureInfo.InvariantCulture);

    private sealed record OriginLine(string Name, string State, int Taken, OriginLimits Limits, int Nodes, DateTimeOffset? Until, string? Why);
}
