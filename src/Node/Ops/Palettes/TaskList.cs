using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>Tasks as rows; read page by page, so that a session of any size can be listed.</summary>
internal static class TaskList
{
    private const int PageRows = 200;

    public static async ValueTask<PaletteExit> RunAsync(SessionAsk ask, PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var session = invocation.Session();
        var left = invocation.Number("--limit", 1, 1_000_000);
        TaskKind? kind = invocation.Text("--kind") switch
        {
            "download" => TaskKind.Download,
            "upload" => TaskKind.Upload,
            _ => null,
        };
        var table = new TextTable(output, "Task", "Kind", "State", "Reason", "Progress", "Attempts", "Url");
        var count = 0L;
        var after = 0L;
        string? next;
        do
        {
            var answer = await ask.SendAsync(session, new SessionCommand.ListTasks(invocation.Text("--state"), kind, after, (int)Math.Min(left, PageRows)), output, stop);
            if (answer.Exit is { } exit)
                return exit;
            var page = answer.Read(ProtocolJson.Default.PageTaskView);
            foreach (var task in page.Items)
            {
                if (invocation.Json)
                    await output.JsonAsync(System.Text.Json.JsonSerializer.SerializeToNode(task, ProtocolJson.Default.TaskView));
                else
                    await RowAsync(table, task);
            }
            count += page.Items.Count;
            left -= page.Items.Count;
            next = page.Next;
        }
        while (left > 0 && TaskCursor.TryParse(next, out after));
        if (invocation.Json)
            return PaletteExit.Done;
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(count, "task", "tasks") + (next is null ? "" : " (there are more: --limit)"));
        return PaletteExit.Done;
    }

    public static string Why(TaskView task) => task.Outcome ?? task.Reason ?? "-";

    public static string Progress(TaskView task) => task.Kind == "upload"
        ? Columns.Progress(task.Progress.BytesSent, task.Progress.TotalToSend)
        : Columns.Progress(task.Progress.BytesReceived, task.Progress.TotalToReceive);

    private static ValueTask RowAsync(TextTable table, TaskView task) => table.RowAsync(
        task.Id, task.Kind, task.State, Why(task), Progress(task), Columns.Number(task.Attempts), UrlRedaction.Apply(task.Url));
}
