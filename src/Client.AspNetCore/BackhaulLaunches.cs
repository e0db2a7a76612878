using System.Buffers;
using Backhaul.Client;
using Backhaul.Client.AspNetCore;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Microsoft.AspNetCore.Builder;

/// <summary>The address at which the cluster launches this service.</summary>
public static class BackhaulLaunches
{
    /// <summary>A launch has a few hundred bytes.</summary>
    private const int BodyBytesMax = 64 * 1024;

    /// <summary>
    /// Takes launches at <paramref name="pattern"/>: checks the signature, answers 202, and then, beside the request, attaches to the session, hands its
    /// events to the delegate that <see cref="BackhaulBuilder.AddSession{TDelegate}"/> registered, and completes the launch. What cannot be checked is answered 401, a session
    /// that is not registered here 404. Nothing happens before the check.
    /// </summary>
    /// <param name="routes">The application.</param>
    /// <param name="pattern">Where the session's configuration says in <c>launch.url</c>.</param>
    /// <param name="secrets">The <c>whsec_…</c> of <c>launch.secret</c>: several while one is changed for the next.</param>
    /// <exception cref="ArgumentException">There is no secret, or one breaks its rule.</exception>
    public static IEndpointConventionBuilder MapBackhaulLaunches(this IEndpointRouteBuilder routes, string pattern, params string[] secrets)
    {
        ArgumentNullException.ThrowIfNull(routes);
        var services = routes.ServiceProvider;
        var verifier = new WebhookVerifier(secrets, services.GetRequiredService<TimeProvider>());
        var (book, queue) = (services.GetRequiredService<SessionBook>(), services.GetRequiredService<LaunchQueue>());
        var logger = services.GetRequiredService<ILogger<LaunchRunner>>();
        RequestDelegate take = context => TakeAsync(context, verifier, book, queue, logger);
        return routes.MapMethods(pattern, ["POST"], take);
    }

    private static async Task TakeAsync(HttpContext context, WebhookVerifier verifier, SessionBook book, LaunchQueue queue, ILogger logger)
    {
        context.Response.StatusCode = await ReadAsync(context.Request) is { } body
            ? Take(context.Request.Headers, body, verifier, book, queue, logger)
            : StatusCodes.Status413PayloadTooLarge;
    }

    private static int Take(
        IHeaderDictionary headers, ReadOnlyMemory<byte> body, WebhookVerifier verifier, SessionBook book, LaunchQueue queue, ILogger logger)
    {
        var verdict = verifier.Verify(One(headers, "webhook-id"), One(headers, "webhook-timestamp"), One(headers, "webhook-signature"), body.Span);
        if (verdict != WebhookVerdict.Valid)
        {
            logger.LaunchRefused(verdict);
            return verdict == WebhookVerdict.Malformed ? StatusCodes.Status400BadRequest : StatusCodes.Status401Unauthorized;
        }
        if (Launch.TryParse(body) is not { } launch)
            return StatusCodes.Status204NoContent;   // signed, and not a launch: an operator's test, or what a later version sends
        if (book.Find(launch.Session) is null)
        {
            logger.LaunchOfStranger(launch.Session);
            return StatusCodes.Status404NotFound;
        }
        queue.Add(launch);
        return StatusCodes.Status202Accepted;
    }

    /// <summary>A header that comes twice is none.</summary>
    private static string? One(IHeaderDictionary headers, string name) => headers[name] is { Count: 1 } value ? value[0] : null;

    /// <summary>The body, or null when it is too large.</summary>
    private static async Task<ReadOnlyMemory<byte>?> ReadAsync(HttpRequest request)
    {
        var body = new ArrayBufferWriter<byte>(1024);
        while (await request.Body.ReadAsync(body.GetMemory(1024), request.HttpContext.RequestAborted) is var read and > 0)
        {
            body.Advance(read);
            if (body.WrittenCount > BodyBytesMax)
                return null;
        }
        return body.WrittenMemory;
    }
}
