using Backhaul.Node.Sessions;

namespace Backhaul.Node.Ops.Palettes;

/// <summary><c>session history</c>: a session as it was at one of its events.</summary>
internal sealed class SessionHistoryCommand(SessionAsk ask)
{
    public PaletteCommand Command => new()
    {
        Name = "history",
        Help = "Shows a session as it was right after one of its events: its journal, folded up to there.",
        Arguments = [Words.Session],
        Switches =
        [
            new("--number", "The event's number; the last one when it is left out.", "number") { Short = "-n" },
            new("--limit", "At most so many tasks.", "rows") { Default = "1000" }, Words.Tenant,
        ],
        Run = RunAsync,
    };

    private async ValueTask<PaletteExit> RunAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var number = invocation.Text("--number") is null ? (long?)null : invocation.Number("--number", 1, long.MaxValue);
        var tasksMax = (int)invocation.Number("--limit", 0, 100_000);
        var answer = await ask.SendAsync(invocation.Session(), new SessionCommand.ShowHistory(number, tasksMax), output, stop);
        if (answer.Exit is { } exit)
            return exit;
        if (invocation.Json)
        {
            await output.JsonAsync(answer.Json);
            return PaletteExit.Done;
        }
        var then = answer.Read(HistoryJson.Default.HistoryView);
        var fields = new TextTable(output, "Field", "Value");
        await fields.RowAsync("event", Columns.Number(then.Number));
        await fields.RowAsync("type", then.Event ?? "trimmed; this is the snapshot right after it");
        await fields.RowAsync("at", Columns.Time(then.At));
        await fields.RowAsync("row", then.Sequence is { } row ? $"{row}, written in epoch {then.Epoch}" : "-");
        await fields.RowAsync("state", then.Paused ? $"{then.State}, suspended" : then.State);
        await fields.RowAsync("generation", Columns.Number(then.Generation));
        await fields.RowAsync("acknowledged", Columns.Number(then.Acknowledged));
        await fields.RowAsync("tasks ended by then", Columns.Number(then.EndedBefore));
        await fields.FlushAsync();
        await output.LineAsync("");
        var tasks = new TextTable(output, "Task", "Kind", "State", "Reason", "Progress", "Attempts", "Url");
        foreach (var task in then.Tasks)
        {
            await tasks.RowAsync(
                task.Id, task.Kind, task.State, task.Why, Columns.Progress(task.Done, task.Total), Columns.Number(task.Attempts), UrlRedaction.Apply(task.Url));
        }
        await tasks.FlushAsync();
        await output.LineAsync(Columns.Count(then.TaskCount, "task", "tasks") + (then.TaskCount > then.Tasks.Count ? " (there are more: --limit)" : ""));
        return PaletteExit.Done;
    }
}
