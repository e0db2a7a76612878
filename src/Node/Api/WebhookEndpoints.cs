using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary><c>/v1/sessions/{session}/push</c> and <c>…/launch</c>: what the session's webhooks do, and what is to become of them.</summary>
internal static class WebhookEndpoints
{
    private const string ByClient = "Its client disabled it.";

    public static void Map(IEndpointRouteBuilder routes)
    {
        MapTarget(routes, WebhookTarget.Push, "Push");
        MapTarget(routes, WebhookTarget.Launch, "Launch");
        routes.MapPost("/v1/sessions/{session}/push/replay", ReplayAsync).WithTags("webhooks")
            .WithName("replayPush").WithSummary("Pushes events again that were taken already and are still kept")
            .Accepts<ReplayRequest>(RequestBodies.Json)
            .Produces<WebhookView>().Refuses(404, 409, 410, 413, 415, 422);
    }

    private static void MapTarget(IEndpointRouteBuilder routes, WebhookTarget target, string name)
    {
        var word = WebhookControl.WordOf(target);
        var webhook = routes.MapGroup($"/v1/sessions/{{session}}/{word}").WithTags("webhooks");
        webhook.MapGet("", (HttpContext context, string session, SessionCalls calls) => calls.AskAsync(context, session, new SessionCommand.GetWebhook(target)))
            .WithName($"get{name}Webhook").WithSummary($"What the session's {word} does: enabled or not, what waits, what failed")
            .Produces<WebhookView>().Refuses(404);
        Command("enable", $"Lets the session's {word} be sent again, at once", new SessionCommand.EnableWebhook(target)).Produces<WebhookView>();
        Command("disable", $"Holds the session's {word} back until it is enabled", new SessionCommand.DisableWebhook(target, ByClient)).Produces<WebhookView>();
        Command("test", $"Sends one test message to the session's {word} and says what came of it; changes nothing", new SessionCommand.TestWebhook(target), 409).Produces<WebhookTestView>();

        RouteHandlerBuilder Command(string verb, string summary, SessionCommand command, params int[] others) =>
            webhook.MapPost($"/{verb}", (HttpContext context, string session, SessionCalls calls) => calls.CommandAsync(context, session, () => command))
                .WithName($"{verb}{name}Webhook").WithSummary(summary).Refuses([404, .. others, 422]);
    }

    private static async Task<IResult> ReplayAsync(HttpContext context, string session, SessionCalls calls) =>
        Replies.ToResult(await calls.CommandAsync(context, session, ProtocolJson.Strict.ReplayRequest, static replay => replay switch
        {
            { From: null or < 1 } => Problems.Create(400, ProblemCodes.InvalidField, "from must be the number of the first event to send again, 1 or more.", "from"),
            { Through: < 1 } => Problems.Create(400, ProblemCodes.InvalidField, "through must be the number of the last event to send again; leave it out for all that follow.", "through"),
            _ => new SessionCommand.ReplayPush(replay.From.Value, replay.Through),
        }));
}
