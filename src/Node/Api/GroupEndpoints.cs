using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary><c>/v1/sessions/{session}/groups</c>: create or change, look, list; suspend, resume and cancel all tasks of one.</summary>
internal static class GroupEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var groups = routes.MapGroup("/v1/sessions/{session}/groups").WithTags("groups");
        groups.MapPut("/{group}", PutAsync)
            .WithName("putGroup").WithSummary("Creates a group of tasks, or changes how its tasks run")
            .Accepts<GroupRequest>(isOptional: true, RequestBodies.Json)
            .Produces<GroupView>(201).Produces<GroupView>(200).Refuses(404, 409, 413, 415);
        groups.MapGet("", ListAsync)
            .WithName("listGroups").WithSummary("Lists the groups of a session in order of name").Produces<Page<GroupView>>().Refuses(404);
        groups.MapGet("/{group}", (HttpContext context, string session, string group, SessionCalls calls) =>
                GroupRules.TryRead(group, out var name) is { } problem ? Task.FromResult(Problems.Result(problem)) : calls.AskAsync(context, session, new SessionCommand.GetGroup(name)))
            .WithName("getGroup").WithSummary("A group with its tasks by state").Produces<GroupView>().Refuses(404);
        MapAct(groups, "suspend", "Stops all tasks of a group and keeps what they have", GroupAct.Suspend);
        MapAct(groups, "resume", "Lets all tasks of a group run", GroupAct.Resume);
        MapAct(groups, "cancel", "Ends all tasks of a group as cancelled", GroupAct.Cancel);
    }

    private static void MapAct(RouteGroupBuilder groups, string verb, string summary, GroupAct act) =>
        groups.MapPost($"/{{group}}/{verb}", (HttpContext context, string session, string group, SessionCalls calls) =>
                calls.CommandAsync(context, session, () => GroupRules.TryRead(group, out var name) is { } problem ? problem : new SessionCommand.ActOnGroup(name, act)))
            .WithName($"{verb}Group").WithSummary(summary).Produces<GroupView>(202).Refuses(404, 409, 422);

    private static Task<IResult> PutAsync(HttpContext context, string session, string group, SessionCalls calls) => GroupRules.TryRead(group, out var name) is { } badName
        ? Task.FromResult(Problems.Result(badName))
        : calls.PutAsync(context, session, body => ToPut(context.Request, name, body), $"groups/{name}");

    private static Validated<SessionCommand> ToPut(HttpRequest request, GroupName name, byte[] body)
    {
        if (body.Length == 0)
            return GroupRules.Validate(name, new GroupRequest());
        if (RequestBodies.MediaType(request) is not RequestBodies.Json)
            return RequestBodies.UnsupportedMediaType(RequestBodies.Json);
        var asked = StrictJson.Read(body, ProtocolJson.Strict.GroupRequest);
        return asked.IsValid ? GroupRules.Validate(name, asked.Value) : asked.Problem;
    }

    private static async Task<IResult> ListAsync(HttpContext context, string session, SessionCalls calls, string? cursor, string? limit)
    {
        if (Queries.ReadLimit(limit, out var rows) is { } problem)
            return Problems.Result(problem);
        GroupName? after = null;
        if (!string.IsNullOrEmpty(cursor))
        {
            if (!GroupCursor.TryParse(cursor, out var name))
                return Problems.Result(Queries.InvalidCursor());
            after = name;
        }
        return await calls.AskAsync(context, session, new SessionCommand.ListGroups(after, rows));
    }
}
