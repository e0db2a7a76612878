using System.Globalization;
using Backhaul.Node.Delivery;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Microsoft.AspNetCore.Http.Features;

namespace Backhaul.Node.Api;

/// <summary><c>/v1/sessions/{session}/events</c>: as a stream or by pages, whichever Accept asks for, and their acknowledgement.</summary>
internal static class EventEndpoints
{
    public const string Stream = "text/event-stream";
    private const string LastEventId = "Last-Event-ID";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var events = routes.MapGroup("/v1/sessions/{session}/events").WithTags("events");
        events.MapGet("", GetAsync)
            .WithName("readEvents").WithSummary("Events after a number: a page, or with Accept: text/event-stream a stream that goes on")
            .WithDescription("A page waits up to wait seconds for its first event. A stream resumes after Last-Event-ID, sends a comment every 15 s, and progress without id; after a line retry: it ends, and the reader comes back.")
            .Produces<EventPage>(200, RequestBodies.Json, Stream).Refuses(404, 410);
        events.MapPost("/ack", AcknowledgeAsync)
            .WithName("acknowledgeEvents").WithSummary("Acknowledges every event up to a number; idempotent")
            .Accepts<AckRequest>(RequestBodies.Json)
            .Produces<AckView>().Refuses(404, 413, 415, 422);
    }

    private static async Task<IResult> AcknowledgeAsync(HttpContext context, string session, SessionCalls calls) =>
        Replies.ToResult(await calls.CommandAsync(context, session, ProtocolJson.Strict.AckRequest, static ack => ack.Through is >= 0
            ? new SessionCommand.Acknowledge(ack.Through.Value)
            : Problems.Create(400, ProblemCodes.InvalidField, "through must be the number of the last event that was handled, 0 or more.", "through")));

    private static async Task<IResult> GetAsync(HttpContext context, string session, EventDelivery delivery, string? after, string? limit, string? wait)
    {
        if (!SessionCalls.TryGetSession(context, session, out var key, out var problem))
            return Problems.Result(problem);
        var wantsStream = WantsStream(context.Request);
        if (ReadAfter(context.Request, after, wantsStream, out var from) is { } badAfter)
            return Problems.Result(badAfter);
        if (Queries.ReadLimit(limit, out var rows) is { } badLimit)
            return Problems.Result(badLimit);
        if (ReadWait(wait, delivery.Options.PollMax, out var patience) is { } badWait)
            return Problems.Result(badWait);
        if (!wantsStream && patience == TimeSpan.Zero)
            return ToResult(await delivery.Source.ReadAsync(key, from, rows, context.RequestAborted));
        if (delivery.Feed.Subscribe(key) is not { } feed)
            return TooMany(delivery.Options);
        if (wantsStream)
            return await OpenAsync(context, feed, delivery, from);
        using (feed)
        {
            feed.Attach(); // who waits is there
            var poll = new EventPoll(delivery.Source, delivery.Time);
            return ToResult(await poll.ReadAsync(feed, from, rows, patience, delivery.Readiness.StreamsClosing, context.RequestAborted));
        }
    }

    /// <summary>The first page is read before the answer begins: what is wrong is still a problem document.</summary>
    private static async Task<IResult> OpenAsync(HttpContext context, FeedSubscription feed, EventDelivery delivery, long after)
    {
        var opened = false;
        try
        {
            var reading = await delivery.Source.ReadAsync(feed.Session, after, delivery.Options.PageEvents, context.RequestAborted);
            if (reading is not EventReading.Page page)
                return ToResult(reading);
            feed.Attach();
            opened = true;
            return new StreamResult(feed, delivery, page.Events, after);
        }
        finally
        {
            if (!opened)
                feed.Dispose();
        }
    }

    private static IResult ToResult(EventReading reading) => reading switch
    {
        EventReading.Page page => Replies.ToResult(new CommandReply.Done(StatusCodes.Status200OK, page.Json)),
        EventReading.Refused refused => Problems.Result(refused.Problem),
        EventReading.NotNow notNow => Problems.Result(notNow.Problem, notNow.RetryAfter),
        _ => throw new InvalidOperationException($"The reading {reading.GetType().Name} has no form on the wire."),
    };

    private static IResult TooMany(DeliveryOptions options) => Problems.Result(
        Problems.Create(429, ProblemCodes.Busy, $"This node has as many readers of events as it takes: {options.SubscriptionsMax}, of one tenant {options.ReadSubscriptionsPerTenantMax()}. Read by pages without wait, or come back later."),
        options.RetryMax);

    private static bool WantsStream(HttpRequest request)
    {
        foreach (var accepted in request.GetTypedHeaders().Accept)
        {
            if (accepted.MediaType.Equals(Stream, StringComparison.OrdinalIgnoreCase) && accepted.Quality is not 0)
                return true;
        }
        return false;
    }

    /// <summary>A reader that reconnects by itself repeats its first URL and adds the newer Last-Event-ID: the header wins.</summary>
    private static Problem? ReadAfter(HttpRequest request, string? query, bool isStream, out long after)
    {
        after = 0;
        var text = isStream && request.Headers[LastEventId] is [{ Length: > 0 } header] ? header : query;
        return string.IsNullOrEmpty(text) || long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out after)
            ? null
            : Problems.Create(400, ProblemCodes.InvalidField, $"after and {LastEventId} are the number of an event, 0 or more; leave them out to begin with the first.", "after");
    }

    private static Problem? ReadWait(string? text, TimeSpan longest, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        if (string.IsNullOrEmpty(text))
            return null;
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds > longest.TotalSeconds)
            return Problems.Create(400, ProblemCodes.InvalidField, $"wait must be a whole number of seconds, at most {longest.TotalSeconds:0}.", "wait");
        wait = TimeSpan.FromSeconds(seconds);
        return null;
    }

    private sealed class StreamResult(FeedSubscription feed, EventDelivery delivery, EventPage first, long after) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            using (feed)
            {
                var response = httpContext.Response;
                response.ContentType = Stream;
                response.Headers.CacheControl = "no-store, no-transform";
                // Proxies that buffer would hold events back.
                response.Headers["X-Accel-Buffering"] = "no";
                httpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
                // A slow reader is judged by the stream itself.
                if (httpContext.Features.Get<Microsoft.AspNetCore.Server.Kestrel.Core.Features.IHttpMinResponseDataRateFeature>() is { } rate)
                    rate.MinDataRate = null;
                using var stream = new EventStream(delivery.Source, feed, response.BodyWriter, delivery.Time, delivery.Random.NextUnit, delivery.Options);
                var end = await stream.RunAsync(first, after, delivery.Readiness.StreamsClosing, httpContext.RequestAborted);
                if (end == StreamEnd.TooSlow)
                    httpContext.Abort();
            }
        }
    }
}
