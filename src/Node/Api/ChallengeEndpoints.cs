using System.Text;
using Backhaul.Node.Security;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary><c>POST /v1/sessions/{session}/tasks/{task}/challenge</c> and <c>…/delayed-request</c>: a client's answers.</summary>
internal static class ChallengeEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/sessions/{session}/tasks/{task}/challenge", AnswerAsync).WithTags("tasks")
            .WithName("answerChallenge").WithSummary("Answers the authentication challenge that a task waits with")
            .Accepts<ChallengeAnswer>(RequestBodies.Json)
            .Produces<TaskView>(202).Refuses(404, 409, 413, 415, 422);
        routes.MapPost("/v1/sessions/{session}/tasks/{task}/delayed-request", DecideAsync).WithTags("tasks")
            .WithName("answerDelayedRequest").WithSummary("Says whether, and how, a task may start that asks before its start")
            .Accepts<DelayedRequestAnswer>(RequestBodies.Json)
            .Produces<TaskView>(202).Refuses(404, 409, 413, 415, 422);
    }

    private static async Task<IResult> DecideAsync(HttpContext context, string session, string task, SessionCalls calls) =>
        TaskId.TryParse(task, out var id)
            ? Replies.ToResult(await calls.CommandAsync(context, session, ProtocolJson.Strict.DelayedRequestAnswer, answer => DelayedRequestRules.Validate(id, answer)))
            : Problems.Result(400, ProblemCodes.InvalidIdentifier, TaskId.Rule);

    private static async Task<IResult> AnswerAsync(HttpContext context, string session, string task, SessionCalls calls, SecretTable secrets, SecretBox box)
    {
        if (!TaskId.TryParse(task, out var id))
            return Problems.Result(400, ProblemCodes.InvalidIdentifier, TaskId.Rule);
        if (!SessionCalls.TryGetSession(context, session, out var key, out var problem))
            return Problems.Result(problem);
        if (RequestBodies.MediaType(context.Request) is not RequestBodies.Json)
            return Problems.Result(RequestBodies.UnsupportedMediaType(RequestBodies.Json));
        var body = await RequestBodies.ReadAsync(context, calls.Options.BodyBytesMax);
        if (!body.IsValid)
            return Problems.Result(body.Problem);
        var answer = StrictJson.Read(body.Value, ProtocolJson.Strict.ChallengeAnswer);
        if (!answer.IsValid)
            return Problems.Result(answer.Problem);
        var command = ChallengeRules.Validate(
            id, answer.Value, name => secrets.Find(key.Tenant, name)?.Kind, box.CanSeal ? credential => GivenSecrets.Seal(box, key, credential) : null);
        if (!command.IsValid)
            return Problems.Result(command.Problem);
        // A repetition is told by a hash that is kept. Of the sealed form: one of a password in clear could be guessed at.
        var hashed = Encoding.UTF8.GetBytes(command.Value.ToString());
        return Replies.ToResult(await calls.ExecuteAsync(context, key, command.Value, hashed));
    }
}
