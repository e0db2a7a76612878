using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Ops.Palettes;

/// <summary><c>task</c>: single tasks.</summary>
internal sealed class TaskPalette(SessionAsk ask, EventTail tail) : IPalette
{
    public string Name => "task";

    public string Help => "Tasks of a session: look at them, learn why they wait, hold and cancel them, watch them.";

    public IReadOnlyList<PaletteCommand> Commands =>
    [
        new()
        {
            Name = "list",
            Help = "Lists a session's tasks, in order of creation.",
            Arguments = [Words.Session],
            Switches = [Words.TaskState, Words.Kind, Words.Limit, Words.Tenant],
            Run = (invocation, output, stop) => TaskList.RunAsync(ask, invocation, output, stop),
        },
        OneTask("show", "Shows a task.", static task => new SessionCommand.GetTask(task), WriteTaskAsync),
        OneTask("why", "Says in a sentence why a task is in its state.", static task => new SessionCommand.ExplainTask(task), WriteWhyAsync),
        OneTask("attempts", "Lists the attempts of a task.", static task => new SessionCommand.ListAttempts(task), WriteAttemptsAsync),
        Writing(OneTask("suspend", "Suspends a task; a download keeps its part.", static task => new SessionCommand.SuspendTask(task), WriteTaskAsync)),
        Writing(OneTask("resume", "Resumes a suspended or paused task.", static task => new SessionCommand.ResumeTask(task), WriteTaskAsync)),
        Writing(OneTask("cancel", "Cancels a task; its part is removed.", static task => new SessionCommand.CancelTask(task), WriteTaskAsync))
            with { Destructive = true },
        new()
        {
            Name = "tail",
            Help = "Shows events and progress as they come: of one task until it ends, or of the whole session, until Ctrl-C.",
            Arguments = [Words.Session, Words.Task with { Required = false }],
            Switches = [Words.After, Words.Tenant],
            Streams = true,
            Run = TailAsync,
        },
    ];

    private PaletteCommand OneTask(
        string name, string help, Func<TaskId, SessionCommand> command, Func<SessionAsk.Answer, PaletteOutput, ValueTask> write) => new()
        {
            Name = name,
            Help = help,
            Arguments = [Words.Session, Words.Task],
            Switches = [Words.Tenant],
            Run = async (invocation, output, stop) =>
            {
                var answer = await ask.SendAsync(invocation.Session(), command(invocation.Task()), output, stop);
                if (answer.Exit is { } exit)
                    return exit;
                if (invocation.Json)
                    await output.JsonAsync(answer.Json);
                else
                    await write(answer, output);
                return PaletteExit.Done;
            },
        };

    private static PaletteCommand Writing(PaletteCommand command) => command with { Role = OperatorRole.Operator, Writes = true };

    private static async ValueTask WriteTaskAsync(SessionAsk.Answer answer, PaletteOutput output)
    {
        var task = answer.Read(ProtocolJson.Default.TaskView);
        var table = new TextTable(output, "Field", "Value");
        var rows = 0;
        async ValueTask RowAsync(string field, string? value)
        {
            if (value is null or "-")
                return;
            rows++;
            await table.RowAsync(field, value);
        }

        await RowAsync("id", task.Id);
        await RowAsync("kind", task.Kind);
        await RowAsync("state", task.State);
        await RowAsync("reason", task.Reason);
        await RowAsync("next evaluation", Columns.Time(task.NextEvaluationAt));
        await RowAsync("outcome", task.Outcome);
        await RowAsync("error", task.Error is { } error ? $"{error.Code}: {error.Message}" : null);
        await RowAsync("method", task.Method);
        await RowAsync("url", UrlRedaction.Apply(task.Url));
        await RowAsync("source", task.Source?.ToString());
        await RowAsync("destination", task.Destination?.ToString());
        await RowAsync("description", task.Description);
        await RowAsync("progress", TaskList.Progress(task));
        await RowAsync("received", Columns.Number(task.Progress.BytesReceived));
        await RowAsync("sent", Columns.Number(task.Progress.BytesSent));
        await RowAsync("speed", task.Progress.BytesPerSecond is { } speed ? $"{Columns.Size(speed)}/s" : null);
        await RowAsync("time left", task.Progress.Eta is { } eta ? Columns.Duration(eta) : null);
        await RowAsync("generation", Columns.Number(task.Progress.Generation));
        await RowAsync("attempts", Columns.Number(task.Attempts));
        await RowAsync("resumable", task.Resumable is { } resumable ? $"{resumable.Verdict}: {resumable.Why}" : null);
        await RowAsync("response", task.Response is { } response ? $"{response.Status} from {UrlRedaction.Apply(response.Url)}" : null);
        await RowAsync("integrity", task.Integrity);
        await RowAsync("digest", task.Digest is { } digest ? $"{digest.Algorithm} {digest.Value}" : null);
        await RowAsync("file", task.File is { } file ? $"{file.Container}/{file.Path} ({file.Length} bytes)" : null);
        await RowAsync("created", Columns.Time(task.CreatedAt));
        await RowAsync("started", Columns.Time(task.StartedAt));
        await RowAsync("ended", Columns.Time(task.EndedAt));
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(rows, "field", "fields"));
    }

    private static async ValueTask WriteWhyAsync(SessionAsk.Answer answer, PaletteOutput output)
    {
        var why = answer.Read(ProtocolJson.Default.WhyView);
        var table = new TextTable(output, "Task", "State", "Reason", "Next evaluation", "Why");
        await table.RowAsync(why.Id, why.State, why.Reason, Columns.Time(why.NextEvaluationAt), why.Sentence);
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(1, "task", "tasks"));
    }

    private static async ValueTask WriteAttemptsAsync(SessionAsk.Answer answer, PaletteOutput output)
    {
        var page = answer.Read(ProtocolJson.Default.PageAttemptView);
        var table = new TextTable(output, "Attempt", "Started", "Ended", "From", "To", "Status", "Decision", "Error");
        foreach (var attempt in page.Items)
        {
            await table.RowAsync(
                Columns.Number(attempt.Number), Columns.Time(attempt.StartedAt), Columns.Time(attempt.EndedAt), Columns.Number(attempt.From),
                Columns.Number(attempt.To), Columns.Number(attempt.Status), attempt.Decision ?? "running",
                attempt.Error is { } error ? $"{error.Code}: {error.Message}" : null);
        }
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(page.Items.Count, "attempt", "attempts"));
    }

    private async ValueTask<PaletteExit> TailAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var session = invocation.Session();
        TaskId? only = invocation.Optional("task") is null ? null : invocation.Task();
        var answer = await ask.SendAsync(session, new SessionCommand.Describe(), output, stop);
        if (answer.Exit is { } exit)
            return exit;
        var after = invocation.Text("--after") is null
            ? answer.Read(ProtocolJson.Default.SessionView).LastEvent
            : invocation.Number("--after", 0, long.MaxValue);
        return await tail.RunAsync(new EventTail.Order(session, only, after, long.MaxValue, Follow: true, invocation.Json), output, stop);
    }
}
