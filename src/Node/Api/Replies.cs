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

    /// <summary>The problem of a command that was not decided; who did not decide it says why and what to do.</summary>
    public static Problem ToProblem(CommandReply.Unavailable unavailable) => unavailable.Reason == UnavailableReason.Full
        ? Problems.Create(StatusCodes.Status429TooManyRequests, ProblemCodes.Busy, unavailable.Detail)
        : Problems.Create(StatusCodes.Status503ServiceUnavailable, ProblemCodes.Unavailable, unavailable.Detail);

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
