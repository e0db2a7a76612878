using Backhaul.Node.Files;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary><c>/v1/sessions/{session}/prefetch</c>: what the session fetches again and again by itself.</summary>
internal static class PrefetchEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var prefetch = routes.MapGroup("/v1/sessions/{session}/prefetch").WithTags("sessions");
        prefetch.MapPut("", PutAsync)
            .WithName("putPrefetch").WithSummary("Says what the session prefetches; a round begins at once unless it is what it was")
            .Accepts<PrefetchRequest>(RequestBodies.Json)
            .Produces<PrefetchView>(201).Produces<PrefetchView>(200).Refuses(404, 409, 413, 415);
        prefetch.MapGet("", (HttpContext context, string session, SessionCalls calls) => calls.AskAsync(context, session, new SessionCommand.GetPrefetch()))
            .WithName("getPrefetch").WithSummary("What the session prefetches, its newest round and when the next begins").Produces<PrefetchView>().Refuses(404);
        prefetch.MapDelete("", (HttpContext context, string session, SessionCalls calls) =>
                calls.CommandAsync(context, session, () => new SessionCommand.RemovePrefetch()))
            .WithName("deletePrefetch").WithSummary("Stops prefetching; files stay").Produces<PrefetchView>().Refuses(404, 422);
    }

    private static async Task<IResult> PutAsync(HttpContext context, string session, SessionCalls calls, IContainers containers)
    {
        if (!SessionCalls.TryGetSession(context, session, out var key, out var problem) || !calls.TryGetDeadline(context, out var deadline, out problem))
            return Problems.Result(problem);
        if (RequestBodies.MediaType(context.Request) is not RequestBodies.Json)
            return Problems.Result(RequestBodies.UnsupportedMediaType(RequestBodies.Json));
        var body = await RequestBodies.ReadAsync(context, calls.Options.BodyBytesMax);
        if (!body.IsValid)
            return Problems.Result(body.Problem);
        var asked = StrictJson.Read(body.Value, ProtocolJson.Strict.PrefetchRequest);
        if (!asked.IsValid)
            return Problems.Result(asked.Problem);
        var command = PrefetchRules.Validate(asked.Value, key.Identifier, containers.Exists);
        if (!command.IsValid)
            return Problems.Result(command.Problem);
        // The session is the intent's own key: the same call again changes nothing.
        var reply = await calls.ExecutePartAsync(context, key, command.Value, null, deadline);
        return Replies.ToCreated(reply, _ => $"/v1/sessions/{key.Identifier}/prefetch");
    }
}
