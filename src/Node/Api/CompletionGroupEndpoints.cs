using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary><c>/v1/sessions/{session}/completion-groups</c>: create, look, enable.</summary>
internal static class CompletionGroupEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var groups = routes.MapGroup("/v1/sessions/{session}/completion-groups").WithTags("groups");
        groups.MapPut("/{group}", PutAsync)
            .WithName("putCompletionGroup").WithSummary("Creates a completion group, or finds it")
            .Produces<CompletionGroupView>(201).Produces<CompletionGroupView>(200).Refuses(404, 409);
        groups.MapGet("/{group}", (HttpContext context, string session, string group, SessionCalls calls) =>
                GroupRules.TryRead(group, out var name) is { } problem
                    ? Task.FromResult(Problems.Result(problem))
                    : calls.AskAsync(context, session, new SessionCommand.GetCompletionGroup(name)))
            .WithName("getCompletionGroup").WithSummary("A completion group with its tasks counted").Produces<CompletionGroupView>().Refuses(404);
        groups.MapPost("/{group}/enable", (HttpContext context, string session, string group, SessionCalls calls) =>
                calls.CommandAsync(context, session, () => GroupRules.TryRead(group, out var name) is { } problem ? problem : new SessionCommand.EnableCompletionGroup(name)))
            .WithName("enableCompletionGroup").WithSummary("Closes a completion group: it fires when its last task has ended").Produces<CompletionGroupView>().Refuses(404, 422);
    }

    private static async Task<IResult> PutAsync(HttpContext context, string session, string group, SessionCalls calls)
    {
        if (GroupRules.TryRead(group, out var name) is { } badName)
            return Problems.Result(badName);
        if (!SessionCalls.TryGetSession(context, session, out var key, out var problem) || !calls.TryGetDeadline(context, out var deadline, out problem))
            return Problems.Result(problem);
        var body = await RequestBodies.ReadAsync(context, calls.Options.BodyBytesMax);
        if (!body.IsValid)
            return Problems.Result(body.Problem);
        if (body.Value.AsSpan().Trim(" \t\r\n"u8) is { IsEmpty: false } sent && !sent.SequenceEqual("{}"u8))
            return Problems.Result(400, ProblemCodes.InvalidRequest, "This call takes no body; leave it out.");
        // Its name is the intent's own key: the same call again leads to the same group.
        var reply = await calls.ExecutePartAsync(context, key, new SessionCommand.OpenCompletionGroup(name), null, deadline);
        return Replies.ToCreated(reply, _ => $"/v1/sessions/{key.Identifier}/completion-groups/{name}");
    }
}
