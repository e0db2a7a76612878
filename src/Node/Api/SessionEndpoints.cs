using System.Globalization;
using System.Text.Json;
using Backhaul.Node.Files;
using Backhaul.Node.Journal;
using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary><c>/v1/sessions</c>: create or attach, list, look, end.</summary>
internal static class SessionEndpoints
{
    private const int ReadsMax = 20;
    internal static readonly string[] States = ["active", "invalidating", "invalidated", "quarantined"];

    public static void Map(IEndpointRouteBuilder routes)
    {
        var sessions = routes.MapGroup("/v1/sessions").WithTags("sessions");
        sessions.MapPut("", () => Problems.Result(400, ProblemCodes.InvalidIdentifier, SessionIdentifier.Rule)).ExcludeFromDescription();
        sessions.MapPut("/{session}", PutAsync)
            .WithName("putSession").WithSummary("Creates a session, or attaches to the one of that identifier")
            .Accepts<SessionConfiguration>(isOptional: true, RequestBodies.Json)
            .Produces<SessionView>(201).Produces<SessionView>(200).Refuses(409, 413, 415);
        sessions.MapGet("", ListAsync)
            .WithName("listSessions").WithSummary("Lists the caller's sessions in order of identifier")
            .Produces<Page<SessionListItem>>().Refuses();
        sessions.MapGet("/{session}", (HttpContext context, string session, SessionCalls calls) =>
                calls.AskAsync(context, session, new SessionCommand.Describe()))
            .WithName("getSession").WithSummary("A session with its counters, last event and acknowledged number")
            .Produces<SessionView>().Refuses(404);
        sessions.MapDelete("/{session}", (HttpContext context, string session, SessionCalls calls, string? mode) =>
                calls.CommandAsync(context, session, () => ToEnd(mode)))
            .WithName("endSession").WithSummary("Ends a session: cancels its tasks, lets them finish, or cancels them and keeps the session (forceQuit)")
            .Produces<SessionView>(202).Refuses(404, 409, 422);
        sessions.MapPost("/{session}/launches/{launch}/complete", (HttpContext context, string session, string launch, SessionCalls calls) =>
                calls.CommandAsync(context, session, () => ToCompletion(launch)))
            .WithName("completeLaunch").WithSummary("Says that the client has handled a launch; idempotent")
            .Produces<LaunchView>().Refuses(404, 422);
    }

    private static Validated<SessionCommand> ToCompletion(string launch) =>
        long.TryParse(launch, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new SessionCommand.CompleteLaunch(number)
            : Problems.Create(400, ProblemCodes.InvalidField, "A launch is named by its number, from its message.", "launch");

    private static async Task<IResult> PutAsync(HttpContext context, string session, SessionCalls calls, IContainers containers, SecretTable secrets, SecretBox box)
    {
        if (!SessionCalls.TryGetSession(context, session, out var key, out var problem) || !calls.TryGetDeadline(context, out var deadline, out problem))
            return Problems.Result(problem);
        var body = await RequestBodies.ReadAsync(context, calls.Options.BodyBytesMax);
        if (!body.IsValid)
            return Problems.Result(body.Problem);
        SessionConfiguration? configuration = null;
        if (body.Value.Length > 0)
        {
            if (RequestBodies.MediaType(context.Request) is not RequestBodies.Json)
                return Problems.Result(RequestBodies.UnsupportedMediaType(RequestBodies.Json));
            var asked = StrictJson.Read(body.Value, ProtocolJson.Strict.SessionConfiguration);
            if ((asked.Problem ?? ConfigurationRules.Check(asked.Value!, containers.Exists, name => secrets.Find(key.Tenant, name)?.Kind, box.CanSeal)) is { } refused)
                return Problems.Result(refused);
            configuration = WebhookRules.Seal(asked.Value!, key, box);
        }
        // Creation carries its own natural id, so the intent needs no key.
        var reply = await calls.ExecutePartAsync(context, key, new SessionCommand.Open(configuration), null, deadline);
        return Replies.ToCreated(reply, _ => $"/v1/sessions/{key.Identifier}");
    }

    private static Validated<SessionCommand> ToEnd(string? mode) => mode switch
    {
        null or "" or "cancel" => new SessionCommand.End(EndMode.Cancel),
        "finish" => new SessionCommand.End(EndMode.Finish),
        "forceQuit" => new SessionCommand.End(EndMode.ForceQuit),
        _ => Problems.Create(400, ProblemCodes.InvalidField, "mode must be cancel, finish or forceQuit.", "mode"),
    };

    private static async Task<IResult> ListAsync(HttpContext context, IJournalStore store, string? state, string? cursor, string? limit)
    {
        var tenant = Caller.Tenant(context);
        if (Queries.ReadLimit(limit, out var rows) is { } badLimit)
            return Problems.Result(badLimit);
        if (Queries.ReadSessionCursor(cursor, tenant, out var after) is { } badCursor)
            return Problems.Result(badCursor);
        if (!string.IsNullOrEmpty(state) && !States.Contains(state, StringComparer.Ordinal))
            return Problems.Result(400, ProblemCodes.InvalidField, $"state must be one of {string.Join(", ", States)}.", "state");
        var items = new List<SessionListItem>();
        var ended = false;
        var from = after?.ToString();
        // A filter may skip many rows: the page may then be short, and its cursor says how far it looked.
        for (var reads = 0; items.Count < rows && !ended && reads < ReadsMax; reads++)
        {
            var read = await store.ListSessionsAsync(tenant, from, rows, context.RequestAborted);
            (ended, from) = (read.Next is null, read.Next);
            foreach (var head in read.Heads)
            {
                after = head.Session;
                if (string.IsNullOrEmpty(state) || head.State == state)
                    items.Add(ToItem(head));
                if (items.Count == rows)
                    break;
            }
        }
        var page = new Page<SessionListItem> { Items = items, Next = ended && items.Count < rows || after is null ? null : Queries.CursorOf(after.Value) };
        var json = JsonSerializer.SerializeToUtf8Bytes(page, ProtocolJson.Default.PageSessionListItem);
        return Replies.ToResult(new CommandReply.Done(200, json));
    }

    private static SessionListItem ToItem(SessionHead head) => new()
    {
        Identifier = head.Session.Identifier.ToString(),
        Generation = head.Generation,
        State = head.State,
        LastEvent = head.LastNumber,
        WakeAt = head.WakeAt,
    };
}
