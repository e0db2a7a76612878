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

    private static Task<IResult> PutAsync(HttpContext context, string session, string group, SessionCalls calls) => GroupRules.TryRead(group, out var name) is { } badName
        ? Task.FromResult(Problems.Result(badName))
        : calls.PutAsync(context, session, body => SessionCalls.IsBlank(body)
            ? new SessionCommand.OpenCompletionGroup(name)
            : Problems.Create(400, ProblemCodes.InvalidRequest, "This call takes no body; leave it out."), $"completion-groups/{name}");
}
