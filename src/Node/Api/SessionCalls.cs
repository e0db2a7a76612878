using System.Diagnostics;
using System.Text.Json.Serialization.Metadata;
using Backhaul.Node.Routing;
using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>
/// What every call on a session has in common: whose session it is, which intent it repeats, how long it may take, and the way to the
/// session's owner. Endpoints add what they ask for. Whatever is refused here never reached the session.
/// </summary>
internal sealed class SessionCalls(ICommandRouter router, ApiOptions options, RequestSealing sealing)
{
    private const string DeadlineHeader = "X-Deadline-Ms";

    public ApiOptions Options => options;

    /// <summary>The session that a path names; false with the problem to answer.</summary>
    public static bool TryGetSession(HttpContext context, string identifier, out SessionKey session, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out Problem? problem)
    {
        var valid = SessionIdentifier.TryParse(identifier, out var parsed);
        session = valid ? new SessionKey(Caller.Tenant(context), parsed) : default;
        problem = valid ? null : Problems.Create(400, ProblemCodes.InvalidIdentifier, SessionIdentifier.Rule);
        return valid;
    }

    /// <summary>A query: it has no intent to repeat.</summary>
    public async Task<IResult> AskAsync(HttpContext context, string identifier, SessionCommand query)
    {
        if (!TryGetSession(context, identifier, out var session, out var problem) || !TryGetDeadline(context, out var deadline, out problem))
            return Problems.Result(problem);
        return Replies.ToResult(await router.ExecuteAsync(session, query, null, deadline, context.RequestAborted));
    }

    /// <summary>A command without a body.</summary>
    public async Task<IResult> CommandAsync(HttpContext context, string identifier, Func<Validated<SessionCommand>> create) =>
        Replies.ToResult(await DecideAsync(context, identifier, create));

    /// <summary>As <see cref="CommandAsync(HttpContext, string, Func{Validated{SessionCommand}})"/>, for an answer that is not the client's yet.</summary>
    public async Task<CommandReply> DecideAsync(HttpContext context, string identifier, Func<Validated<SessionCommand>> create)
    {
        if (!TryGetSession(context, identifier, out var session, out var problem))
            return new CommandReply.Refused(problem);
        var command = create();
        if (!command.IsValid)
            return new CommandReply.Refused(command.Problem);
        var body = await RequestBodies.ReadAsync(context, options.BodyBytesMax);
        if (!body.IsValid)
            return new CommandReply.Refused(body.Problem);
        if (!IsBlank(body.Value))
            return CommandReply.Refuse(400, ProblemCodes.InvalidRequest, "This call takes no body; leave it out.");
        return await ExecuteAsync(context, session, command.Value, default);
    }

    /// <summary>A command whose body is JSON.</summary>
    public async Task<CommandReply> CommandAsync<TBody>(
        HttpContext context, string identifier, JsonTypeInfo<TBody> type, Func<TBody, Validated<SessionCommand>> create)
        where TBody : class
    {
        if (!TryGetSession(context, identifier, out var session, out var problem))
            return new CommandReply.Refused(problem);
        if (RequestBodies.MediaType(context.Request) is not (RequestBodies.Json or "application/merge-patch+json"))
            return new CommandReply.Refused(RequestBodies.UnsupportedMediaType(RequestBodies.Json));
        var body = await RequestBodies.ReadAsync(context, options.BodyBytesMax);
        if (!body.IsValid)
            return new CommandReply.Refused(body.Problem);
        var request = StrictJson.Read(body.Value, type);
        if (!request.IsValid)
            return new CommandReply.Refused(request.Problem);
        var command = create(request.Value);
        return command.IsValid ? await ExecuteAsync(context, session, command.Value, body.Value) : new CommandReply.Refused(command.Problem);
    }

    /// <summary>A PUT that creates or finds what its path names: that name is the intent's own key, since the same call again leads to the same.</summary>
    /// <param name="context">The call.</param>
    /// <param name="identifier">The session's.</param>
    /// <param name="create">From the body, which may be empty.</param>
    /// <param name="path">Of what it names, in the session.</param>
    public async Task<IResult> PutAsync(HttpContext context, string identifier, Func<byte[], Validated<SessionCommand>> create, string path)
    {
        if (!TryGetSession(context, identifier, out var session, out var problem) || !TryGetDeadline(context, out var deadline, out problem))
            return Problems.Result(problem);
        var body = await RequestBodies.ReadAsync(context, options.BodyBytesMax);
        if (!body.IsValid)
            return Problems.Result(body.Problem);
        var command = create(body.Value);
        return command.IsValid
            ? Replies.ToCreated(await ExecutePartAsync(context, session, command.Value, null, deadline), _ => $"/v1/sessions/{session.Identifier}/{path}")
            : Problems.Result(command.Problem);
    }

    /// <summary>Sends a command with the key of the request.</summary>
    public async ValueTask<CommandReply> ExecuteAsync(HttpContext context, SessionKey session, SessionCommand command, ReadOnlyMemory<byte> body)
    {
        if ((CommandKeys.TryRead(context, out var id)) is { } badKey)
            return new CommandReply.Refused(badKey);
        if (!TryGetDeadline(context, out var deadline, out var problem))
            return new CommandReply.Refused(problem);
        return await ExecutePartAsync(context, session, command, CommandKeys.Create(id, context, body.Span), deadline);
    }

    /// <summary>Sends one of several commands of a request, with a key of its own.</summary>
    public ValueTask<CommandReply> ExecutePartAsync(HttpContext context, SessionKey session, SessionCommand command, CommandKey? key, TimeSpan deadline) =>
        sealing.CanSeal
            ? router.ExecuteAsync(session, Traced(sealing.Seal(command, session.Tenant)), key, deadline, context.RequestAborted)
            : ValueTask.FromResult<CommandReply>(CommandReply.Refuse(503, ProblemCodes.Unavailable, "The node has not seen its cluster's store yet. Send the same request again."));

    public bool TryGetDeadline(HttpContext context, out TimeSpan deadline, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out Problem? problem)
    {
        deadline = options.Deadline;
        problem = null;
        var asked = context.Request.Headers[DeadlineHeader];
        if (asked.Count == 0)
            return true;
        if (asked.Count > 1 || !long.TryParse(asked[0], System.Globalization.NumberStyles.None, null, out var milliseconds) || milliseconds < 1)
        {
            problem = Problems.Create(400, ProblemCodes.InvalidHeader, $"{DeadlineHeader} is a number of milliseconds, such as 5000.", DeadlineHeader);
            return false;
        }
        if (milliseconds < deadline.TotalMilliseconds)
            deadline = TimeSpan.FromMilliseconds(milliseconds);
        return true;
    }

    /// <summary>A trace that nobody records is not worth carrying with a hundred thousand tasks.</summary>
    private static SessionCommand Traced(SessionCommand command) =>
        Activity.Current is { Recorded: true, Id: { } parent } ? command with { TraceParent = parent } : command;

    /// <summary>Nothing, or an empty object, which some libraries cannot help sending.</summary>
    public static bool IsBlank(ReadOnlySpan<byte> body)
    {
        var text = body.Trim(" \t\r\n"u8);
        return text.IsEmpty || text.SequenceEqual("{}"u8);
    }
}
