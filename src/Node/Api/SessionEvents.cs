using System.Text.Json;
using Backhaul.Node.Delivery;
using Backhaul.Node.Routing;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>Events read as any other query: through the router, from the session's owner.</summary>
internal sealed class SessionEvents(ICommandRouter router, ApiOptions options) : IEventSource
{
    public async ValueTask<EventReading> ReadAsync(SessionKey session, long after, int limit, CancellationToken stop) =>
        await router.ExecuteAsync(session, new SessionCommand.ReadEvents(after, limit), null, options.Deadline, stop) switch
        {
            CommandReply.Done { Status: StatusCodes.Status200OK } done => new EventReading.Page(PageOf(done.Json), done.Json),
            CommandReply.Refused refused => new EventReading.Refused(refused.Problem),
            CommandReply.Unavailable unavailable => new EventReading.NotNow(Replies.ToProblem(unavailable), unavailable.RetryAfter),
            var other => throw new InvalidOperationException($"A page of events was answered by {other}."),
        };

    private static EventPage PageOf(ReadOnlyMemory<byte> json) =>
        JsonSerializer.Deserialize(json.Span, ProtocolJson.Default.EventPage) ?? throw new InvalidOperationException("A page of events was answered by null.");
}
