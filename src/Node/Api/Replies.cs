using System.Text.Json;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>From the session's answer to the client's. Bodies are already JSON of the wire and pass unchanged.</summary>
internal static class Replies
{
    public static IResult ToResult(CommandReply reply) => reply switch
    {
        CommandReply.Done done => new JsonBytes(done.Status, done.Json, null),
        CommandReply.Refused refused => Problems.Result(refused.Problem),
        CommandReply.Unavailable unavailable => Problems.Result(ToProblem(unavailable), unavailable.RetryAfter),
        _ => throw new InvalidOperationException($"The reply {reply.GetType().Name} has no form on the wire."),
    };

    /// <summary>As <see cref="ToResult(CommandReply)"/>, with a Location on a 201: where what was created can be read.</summary>
    public static IResult ToCreated(CommandReply reply, Func<ReadOnlyMemory<byte>, string> location) =>
        reply is CommandReply.Done { Status: StatusCodes.Status201Created } created
            ? new JsonBytes(created.Status, created.Json, location(created.Json))
            : ToResult(reply);

    /// <summary>The problem of a command that was not decided; the same command may be sent again.</summary>
    public static Problem ToProblem(CommandReply.Unavailable unavailable) => unavailable.Reason == UnavailableReason.Full
        ? Problems.Create(StatusCodes.Status429TooManyRequests, ProblemCodes.Busy, Sentence(unavailable))
        : Problems.Create(StatusCodes.Status503ServiceUnavailable, ProblemCodes.Unavailable, Sentence(unavailable));

    private static string Sentence(CommandReply.Unavailable unavailable)
    {
        var what = unavailable.Reason switch
        {
            UnavailableReason.Acquiring => "The session is being loaded.",
            UnavailableReason.Moving => "The node is closing this session to hand it over.",
            UnavailableReason.Suspended => "The node does not trust its lease at the moment.",
            UnavailableReason.Full => "The session has more commands waiting than it takes.",
            UnavailableReason.Storage => "The journal cannot be written at the moment, so nothing can be accepted.",
            UnavailableReason.Deadline => "There was no answer before the deadline; the command may still take effect.",
            UnavailableReason.Crashed => "The session failed while it handled this and is being reloaded.",
            UnavailableReason.NotOwned => "This node does not own the session.",
            _ => "The session cannot answer at the moment.",
        };
        return $"{what} {unavailable.Detail} Send the same request again, with the same Idempotency-Key, after the time that Retry-After gives."
            .Replace("  ", " ", StringComparison.Ordinal);
    }

    /// <summary>The top-level <c>id</c> of an answer, for its Location.</summary>
    public static string? IdOf(ReadOnlyMemory<byte> json)
    {
        var reader = new Utf8JsonReader(json.Span);
        while (reader.Read())
        {
            if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("id"u8))
                return reader.Read() ? reader.GetString() : null;
        }
        return null;
    }

    private sealed class JsonBytes(int status, ReadOnlyMemory<byte> json, string? location) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.StatusCode = status;
            response.ContentType = "application/json";
            response.ContentLength = json.Length;
            response.Headers.CacheControl = "no-store";
            if (location is not null)
                response.Headers.Location = location;
            await response.Body.WriteAsync(json, httpContext.RequestAborted);
        }
    }
}
