using System.Text.Json.Nodes;
using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Ops.Palettes;

/// <summary><c>session</c>: whole sessions.</summary>
internal sealed class SessionPalette(SessionAsk ask, EventTail tail, IJournalStore store, ClusterPicture cluster, SessionHistoryCommand history, QuarantineCommands quarantine) : IPalette
{
    private const int PageRows = 500;

    public string Name => "session";

    public string Help => "Sessions: list and look at them, hold them, end all their tasks.";

    public IReadOnlyList<PaletteCommand> Commands =>
    [
        new()
        {
            Name = "list",
            Help = "Lists the sessions of a tenant, in order of their identifiers.",
            Switches =
            [
                Words.Tenant, Words.AllTenants, Words.Limit,
                new("--state", "Only sessions in this state.", "state") { Values = ["active", "invalidating", "invalidated", "quarantined"] },
            ],
            Run = ListAsync,
        },
        new() { Name = "show", Help = "Shows a session with its counters.", Arguments = [Words.Session], Switches = [Words.Tenant], Run = ShowAsync },
        new()
        {
            Name = "tasks",
            Help = "Lists a session's tasks, in order of creation.",
            Arguments = [Words.Session],
            Switches = [Words.TaskState, Words.Kind, Words.Limit, Words.Tenant],
            Run = (invocation, output, stop) => TaskList.RunAsync(ask, invocation, output, stop),
        },
        new()
        {
            Name = "events",
            Help = "Lists a session's events that are not acknowledged yet; with --follow, goes on with new ones.",
            Arguments = [Words.Session],
            Switches = [Words.After, Words.Limit, new("--follow", "Go on until Ctrl-C.") { Short = "-f" }, Words.Tenant],
            Streams = true,
            Run = EventsAsync,
        },
        Change("suspend", "Suspends every task of a session; parts of downloads are kept.", new SessionCommand.SuspendAll(true)),
        Change("resume", "Resumes every suspended task of a session.", new SessionCommand.SuspendAll(false)),
        Change("force-quit", "Cancels every task of a session; the session stays, and no launches are sent until a client attaches.",
            new SessionCommand.End(EndMode.ForceQuit)) with { Destructive = true },
        history.Command,
        quarantine.List,
        quarantine.Release,
    ];

    private PaletteCommand Change(string name, string help, SessionCommand command) => new()
    {
        Name = name,
        Help = help,
        Arguments = [Words.Session],
        Switches = [Words.Tenant],
        Role = OperatorRole.Operator,
        Writes = true,
        Run = async (invocation, output, stop) =>
        {
            var answer = await ask.SendAsync(invocation.Session(), command, output, stop);
            return answer.Exit ?? await WriteAsync(answer, invocation, output);
        },
    };

    private async ValueTask<PaletteExit> ListAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var tenant = invocation.ListedTenant();
        var left = invocation.Number("--limit", 1, 1_000_000);
        var state = invocation.Text("--state");
        var table = new TextTable(output, "Tenant", "Session", "State", "Generation", "Last event", "Shard", "Wakes at");
        var count = 0L;
        string? after = null;
        while (true)
        {
            var page = await store.ListSessionsAsync(tenant, after, PageRows, stop);
            foreach (var head in page.Heads.Where(head => state is null || head.State == state))
            {
                if (left-- == 0)
                {
                    await EndAsync(" (there are more: --limit)");
                    return PaletteExit.Done;
                }
                count++;
                if (invocation.Json)
                    await output.JsonAsync(Json(head));
                else
                    await RowAsync(table, head);
            }
            if (page.Next is null)
                break;
            after = page.Next;
        }
        await EndAsync("");
        return PaletteExit.Done;

        async ValueTask EndAsync(string more)
        {
            if (invocation.Json)
                return;
            await table.FlushAsync();
            await output.LineAsync(Columns.Count(count, "session", "sessions") + more);
        }
    }

    private static ValueTask RowAsync(TextTable table, SessionHead head) => table.RowAsync(
        head.Session.Tenant.ToString(), head.Session.Identifier.ToString(), head.State, Columns.Number(head.Generation),
        Columns.Number(head.LastNumber), Columns.Number(head.ShardId), Columns.Time(head.WakeAt));

    private static JsonObject Json(SessionHead head) => new()
    {
        ["tenant"] = head.Session.Tenant.ToString(),
        ["identifier"] = head.Session.Identifier.ToString(),
        ["state"] = head.State,
        ["generation"] = head.Generation,
        ["lastEvent"] = head.LastNumber,
        ["shard"] = head.ShardId,
        ["wakeAt"] = head.WakeAt is { } wake ? Columns.Time(wake) : null,
    };

    private async ValueTask<PaletteExit> ShowAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var answer = await ask.SendAsync(invocation.Session(), new SessionCommand.Describe(), output, stop);
        return answer.Exit ?? await WriteAsync(answer, invocation, output);
    }

    private async ValueTask<PaletteExit> WriteAsync(SessionAsk.Answer answer, PaletteInvocation invocation, PaletteOutput output)
    {
        if (invocation.Json)
        {
            await output.JsonAsync(answer.Json);
            return PaletteExit.Done;
        }
        var view = answer.Read(ProtocolJson.Default.SessionView);
        var counts = view.Counts;
        var table = new TextTable(output, "Field", "Value");
        await table.RowAsync("identifier", view.Identifier);
        await table.RowAsync("state", view.State);
        await table.RowAsync("generation", Columns.Number(view.Generation));
        await table.RowAsync("created", Columns.Time(view.CreatedAt));
        await table.RowAsync("configuration version", Columns.Number(view.ConfigurationVersion));
        await table.RowAsync("attached", view.Attached ? "yes" : "no");
        await table.RowAsync("shard", Columns.Number(cluster.ShardOf(invocation.Session())));
        await table.RowAsync("held by", cluster.HolderOf(invocation.Session()));
        await table.RowAsync("last event", Columns.Number(view.LastEvent));
        await table.RowAsync("acknowledged", Columns.Number(view.Acknowledged));
        await table.RowAsync("suspended", Columns.Number(counts.Suspended));
        await table.RowAsync("waiting", Columns.Number(counts.Waiting));
        await table.RowAsync("running", Columns.Number(counts.Running));
        await table.RowAsync("canceling", Columns.Number(counts.Canceling));
        await table.RowAsync("succeeded", Columns.Number(counts.Succeeded));
        await table.RowAsync("failed", Columns.Number(counts.Failed));
        await table.RowAsync("cancelled", Columns.Number(counts.Cancelled));
        await table.RowAsync("expired", Columns.Number(counts.Expired));
        await WriteNotificationsAsync(table, view.Notifications);
        await table.FlushAsync();
        var total = counts.Suspended + counts.Waiting + counts.Running + counts.Canceling
            + counts.Succeeded + counts.Failed + counts.Cancelled + counts.Expired;
        await output.LineAsync(Columns.Count(total, "task", "tasks"));
        return PaletteExit.Done;
    }

    private static async ValueTask WriteNotificationsAsync(TextTable table, NotificationsView? notifications)
    {
        if (notifications is null)
            return;
        await table.RowAsync("notifications pending", Columns.Number(notifications.Pending));
        await table.RowAsync("notifications given up", Columns.Number(notifications.GivenUp));
        foreach (var past in notifications.LastGivenUp ?? [])
            await table.RowAsync($"given up {Columns.Time(past.At)}", $"task {past.Task} (generation {past.Generation}) to {past.Url}, {past.Attempts} attempts: {past.Why}");
    }

    private async ValueTask<PaletteExit> EventsAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var session = invocation.Session();
        var after = invocation.Text("--after") is null ? (long?)null : invocation.Number("--after", 0, long.MaxValue);
        if (after is null)
        {
            var answer = await ask.SendAsync(session, new SessionCommand.Describe(), output, stop);
            if (answer.Exit is { } exit)
                return exit;
            after = answer.Read(ProtocolJson.Default.SessionView).Acknowledged;
        }
        return await tail.RunAsync(
            new EventTail.Order(session, null, after.Value, invocation.Number("--limit", 1, 1_000_000), invocation.Flag("--follow"), invocation.Json), output, stop);
    }
}
