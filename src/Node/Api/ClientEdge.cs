using Backhaul.Node.Api.Uploads;
using Backhaul.Node.Security;
using Microsoft.Net.Http.Headers;

namespace Backhaul.Node.Api;

/// <summary>
/// The HTTP edge for clients: parse, authenticate, route, reply. It knows the wire and nothing of what is behind
/// <see cref="Routing.ICommandRouter"/>: inputs become values of the domain here or are refused with a problem document, and no raw
/// text goes further in. Outside in, a request passes
/// <list type="number">
/// <item><see cref="ApiFailures"/>: whatever goes wrong leaves as a problem;</item>
/// <item><see cref="Authenticator"/>: who is it; without a caller nothing else is looked at;</item>
/// <item>an endpoint: identifiers, media type, size, strict JSON, rules; then one command to the session's owner.</item>
/// </list>
/// Invariants: nothing that was refused reached a session; nothing was answered with success before it was durable; every error has a code.
/// Hosting calls <see cref="Use"/> and <see cref="Map"/> once.
/// </summary>
internal static class ClientEdge
{
    public static void Use(IApplicationBuilder app)
    {
        app.Use(next =>
        {
            var failures = app.ApplicationServices.GetRequiredService<ApiFailures>();
            return context => failures.InvokeAsync(context, next);
        });
        app.Use(next =>
        {
            var authenticator = app.ApplicationServices.GetRequiredService<Authenticator>();
            return context => AdmitAsync(context, authenticator, next);
        });
    }

    public static void Map(IEndpointRouteBuilder routes)
    {
        SessionEndpoints.Map(routes);
        TaskEndpoints.Map(routes);
        ChallengeEndpoints.Map(routes);
        GroupEndpoints.Map(routes);
        CompletionGroupEndpoints.Map(routes);
        PrefetchEndpoints.Map(routes);
        EventEndpoints.Map(routes);
        WebhookEndpoints.Map(routes);
        FileEndpoints.Map(routes);
        UploadEndpoints.Map(routes);
        HealthEndpoints.Map(routes);
        ApiDescription.Map(routes);
    }

    private static Task AdmitAsync(HttpContext context, Authenticator authenticator, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<OpenToAll>() is not null || authenticator.Admit(context) is not { } problem)
            return next(context);
        if (problem.Status == StatusCodes.Status401Unauthorized)
            context.Response.Headers[HeaderNames.WWWAuthenticate] = "Bearer realm=\"backhaul\"";
        return Problems.WriteAsync(context, problem);
    }
}
