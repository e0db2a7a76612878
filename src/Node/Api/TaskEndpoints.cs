using System.Text.Json;
using Backhaul.Node.Files;
using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary><c>/v1/sessions/{session}/tasks</c>: add one, many or a stream of them; list, look, change, suspend, resume, cancel.</summary>
internal static class TaskEndpoints
{
    internal static readonly string[] States =
        ["live", "suspended", "waiting", "running", "canceling", "completed", "succeeded", "failed", "cancelled", "expired"];

    public static void Map(IEndpointRouteBuilder routes)
    {
        var tasks = routes.MapGroup("/v1/sessions/{session}/tasks").WithTags("tasks");
        tasks.MapPost("", AddAsync)
            .WithName("addTasks").WithSummary("Adds one task (an object), up to 1,000 (an array), or up to 100,000 (a stream of lines, acknowledged in chunks)")
            .Accepts<TaskRequest>(RequestBodies.Json, RequestBodies.Lines)
            .Produces<TaskView>(201).Produces<IReadOnlyList<TaskResult>>(200).Refuses(404, 409, 410, 413, 415, 422);
        tasks.MapGet("", ListAsync)
            .WithName("listTasks").WithSummary("Lists tasks in order of creation; state is a state, an outcome, or live")
            .Produces<Page<TaskView>>().Refuses(404);
        tasks.MapGet("/{task}", (HttpContext context, string session, string task, SessionCalls calls) =>
                AskAsync(context, session, task, calls, id => new SessionCommand.GetTask(id)))
            .WithName("getTask").WithSummary("A task").Produces<TaskView>().Refuses(404);
        tasks.MapGet("/{task}/why", (HttpContext context, string session, string task, SessionCalls calls) =>
                AskAsync(context, session, task, calls, id => new SessionCommand.ExplainTask(id)))
            .WithName("explainTask").WithSummary("Why a task is in its state, in one sentence with the numbers").Produces<WhyView>().Refuses(404);
        tasks.MapGet("/{task}/attempts", (HttpContext context, string session, string task, SessionCalls calls) =>
                AskAsync(context, session, task, calls, id => new SessionCommand.ListAttempts(id)))
            .WithName("listAttempts").WithSummary("The attempts of a task, oldest first").Produces<Page<AttemptView>>().Refuses(404);
        tasks.MapGet("/{task}/ranges", (HttpContext context, string session, string task, SessionCalls calls) =>
                AskAsync(context, session, task, calls, id => new SessionCommand.GetRanges(id)))
            .WithName("getTaskRanges").WithSummary("Which bytes of a download are durable, and which are wanted").Produces<RangesView>().Refuses(404);
        tasks.MapPost("/{task}/ranges", WantAsync)
            .WithName("wantTaskRanges").WithSummary("Asks for bytes of a download with random access before the others; opens or ends a deferral of its events")
            .Accepts<RangesRequest>(RequestBodies.Json)
            .Produces<RangesView>(202).Refuses(404, 409, 413, 415, 422);
        tasks.MapPost("/{task}/resume-data", KeepAsync)
            .WithName("produceResumeData").WithSummary("Ends a download as cancelled and keeps its part: any task of the tenant may start from the resume data")
            .Produces<ResumeDataView>().Refuses(404, 409, 422);
        tasks.MapPatch("/{task}", ChangeAsync)
            .WithName("changeTask").WithSummary("Changes a suspended or waiting task, and the bandwidth and notifications of any that has not ended")
            .Accepts<TaskChange>(RequestBodies.Json)
            .Produces<TaskView>().Refuses(404, 409, 413, 415, 422);
        MapAct(tasks, "resume", "Lets a task run", id => new SessionCommand.ResumeTask(id));
        MapAct(tasks, "suspend", "Stops a task and keeps what it has", id => new SessionCommand.SuspendTask(id));
        MapAct(tasks, "cancel", "Ends a task as cancelled", id => new SessionCommand.CancelTask(id));
        tasks.MapPost("/{task}/make-current", (HttpContext context, string session, string task, SessionCalls calls) =>
                calls.CommandAsync(context, session, () => TryGetTask(task, out var id) is { } problem ? problem : new SessionCommand.MakeCurrent(id)))
            .WithName("makeTaskCurrent").WithSummary("Lets a task and those after it in its group go before the others of the group").Produces<TaskView>(202).Refuses(404, 409, 422);
    }

    private static void MapAct(RouteGroupBuilder tasks, string verb, string summary, Func<TaskId, SessionCommand> create) =>
        tasks.MapPost($"/{{task}}/{verb}", (HttpContext context, string session, string task, SessionCalls calls) =>
                calls.CommandAsync(context, session, () => TryGetTask(task, out var id) is { } problem ? problem : create(id)))
            .WithName($"{verb}Task").WithSummary(summary).Produces<TaskView>(202).Refuses(404, 409, 422);

    private static Problem? TryGetTask(string text, out TaskId id) =>
        TaskId.TryParse(text, out id) ? null : Problems.Create(400, ProblemCodes.InvalidIdentifier, TaskId.Rule);

    private static async Task<IResult> AskAsync(HttpContext context, string session, string task, SessionCalls calls, Func<TaskId, SessionCommand> create) =>
        TryGetTask(task, out var id) is { } problem ? Problems.Result(problem) : await calls.AskAsync(context, session, create(id));

    private static async Task<IResult> ChangeAsync(HttpContext context, string session, string task, SessionCalls calls, SecretTable secrets)
    {
        if (!SessionCalls.TryGetSession(context, session, out var key, out var problem) || (problem = TryGetTask(task, out var id)) is not null)
            return Problems.Result(problem);
        return Replies.ToResult(await calls.CommandAsync(context, session, ProtocolJson.Strict.TaskChange,
            change => TaskRules.Check(change, name => secrets.Find(key.Tenant, name)?.Kind) is { } wrong ? wrong : new SessionCommand.ChangeTask(id, change)));
    }

    private static async Task<IResult> WantAsync(HttpContext context, string session, string task, SessionCalls calls) =>
        TryGetTask(task, out var id) is { } problem
            ? Problems.Result(problem)
            : Replies.ToResult(await calls.CommandAsync(context, session, ProtocolJson.Strict.RangesRequest, request => RangeRules.Validate(id, request)));

    private static async Task<IResult> KeepAsync(HttpContext context, string session, string task, SessionCalls calls, ResumeDocuments documents)
    {
        var reply = await calls.DecideAsync(context, session, () => TryGetTask(task, out var id) is { } problem ? problem : new SessionCommand.KeepTask(id));
        return reply is CommandReply.Done done && JsonSerializer.Deserialize(done.Json.Span, SessionJson.Default.KeptAnswer) is { } answer
            ? Replies.ToResult(SessionViews.Json(done.Status, documents.View(answer), ProtocolJson.Default.ResumeDataView))
            : Replies.ToResult(reply);
    }

    private static async Task<IResult> ListAsync(
        HttpContext context, string session, SessionCalls calls, string? state, string? kind, string? group, string? completionGroup, string? cursor, string? limit)
    {
        if (Queries.ReadLimit(limit, out var rows) is { } problem)
            return Problems.Result(problem);
        if (!string.IsNullOrEmpty(state) && !States.Contains(state, StringComparer.Ordinal))
            return Problems.Result(400, ProblemCodes.InvalidField, $"state must be one of {string.Join(", ", States)}.", "state");
        TaskKind? ofKind = kind switch { "download" => TaskKind.Download, "upload" => TaskKind.Upload, _ => null };
        if (ofKind is null && !string.IsNullOrEmpty(kind))
            return Problems.Result(400, ProblemCodes.InvalidField, "kind must be download or upload.", "kind");
        if (GroupRules.Check(string.IsNullOrEmpty(group) ? null : group, "group") is { } badGroup)
            return Problems.Result(badGroup);
        if (GroupRules.Check(string.IsNullOrEmpty(completionGroup) ? null : completionGroup, "completionGroup") is { } badSet)
            return Problems.Result(badSet);
        var after = 0L;
        if (!string.IsNullOrEmpty(cursor) && !TaskCursor.TryParse(cursor, out after))
            return Problems.Result(Queries.InvalidCursor());
        return await calls.AskAsync(context, session, new SessionCommand.ListTasks(
            string.IsNullOrEmpty(state) ? null : state, ofKind, after, rows, GroupRules.ToName(group), GroupRules.ToName(completionGroup)));
    }

    private static async Task<IResult> AddAsync(HttpContext context, string session, SessionCalls calls, IContainers containers, ResumeDocuments documents, SecretTable secrets)
    {
        if (!SessionCalls.TryGetSession(context, session, out var key, out var problem))
            return Problems.Result(problem);
        Validated<KeptPart> open(string document) => documents.Open(key.Tenant, document);
        SecretKind? find(string name) => secrets.Find(key.Tenant, name)?.Kind;
        switch (RequestBodies.MediaType(context.Request))
        {
            case RequestBodies.Json:
                break;
            case RequestBodies.Lines or "application/ndjson" or "application/jsonl":
                return await BulkTasks.RunAsync(context, key, calls, (index, text) => TaskArray.ReadEntry(index, text, containers.Exists, open, find));
            default:
                return Problems.Result(RequestBodies.UnsupportedMediaType($"{RequestBodies.Json} or {RequestBodies.Lines}"));
        }
        var options = calls.Options;
        var body = await RequestBodies.ReadAsync(context, first => first == (byte)'[' ? options.ArrayBytesMax : options.BodyBytesMax);
        if (!body.IsValid)
            return Problems.Result(body.Problem);
        if (body.Value.AsSpan().TrimStart(" \t\r\n"u8).StartsWith("["u8))
        {
            var entries = TaskArray.Read(body.Value, options.ArrayTasksMax, containers.Exists, open, find);
            return entries.IsValid
                ? Replies.ToResult(await calls.ExecuteAsync(context, key, new SessionCommand.AddTasks(entries.Value), body.Value))
                : Problems.Result(entries.Problem);
        }
        var spec = TaskArray.ReadOne(body.Value, containers.Exists, open, find);
        if (!spec.IsValid)
            return Problems.Result(spec.Problem);
        var reply = await calls.ExecuteAsync(context, key, new SessionCommand.AddTask(spec.Value), body.Value);
        return Replies.ToCreated(reply, json => $"/v1/sessions/{key.Identifier}/tasks/{Replies.IdOf(json)}");
    }
}
