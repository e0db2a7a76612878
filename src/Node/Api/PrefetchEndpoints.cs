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

    private static Task<IResult> PutAsync(HttpContext context, string session, SessionCalls calls, IContainers containers) =>
        calls.PutAsync(context, session, body => ToSet(context.Request, session, body, containers), "prefetch");

    private static Validated<SessionCommand> ToSet(HttpRequest request, string session, byte[] body, IContainers containers)
    {
        if (RequestBodies.MediaType(request) is not RequestBodies.Json)
            return RequestBodies.UnsupportedMediaType(RequestBodies.Json);
        var asked = StrictJson.Read(body, ProtocolJson.Strict.PrefetchRequest);
        return asked.IsValid ? PrefetchRules.Validate(asked.Value, SessionIdentifier.Parse(session), containers.Exists) : asked.Problem;
    }
}
