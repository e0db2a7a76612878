using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Backhaul.Protocol;
using Microsoft.AspNetCore.WebUtilities;

namespace Backhaul.Node.Api;

/// <summary>
/// The one form of an error on the wire: an RFC 9457 document with a stable code and a sentence that says what to do. Everything
/// that answers a client with an error comes through here, so that no other form exists.
/// </summary>
internal static class Problems
{
    public const string ContentType = "application/problem+json";

    /// <summary>People read these in a terminal: &lt; and + stay what they are. No browser takes this media type for a page.</summary>
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Problem Create(int status, string code, string detail, string? field = null) =>
        new() { Status = status, Code = code, Detail = detail, Field = field };

    public static IResult Result(Problem problem) => new ProblemResult(problem, null);

    public static IResult Result(int status, string code, string detail, string? field = null) => Result(Create(status, code, detail, field));

    /// <summary>A problem that passes by itself: the client is told when to come back.</summary>
    public static IResult Result(Problem problem, TimeSpan retryAfter) => new ProblemResult(problem, retryAfter);

    /// <summary>For places without a result to return: middleware, and streams that have not begun.</summary>
    public static async Task WriteAsync(HttpContext context, Problem problem)
    {
        var response = context.Response;
        response.StatusCode = problem.Status;
        var body = new ArrayBufferWriter<byte>(512);
        await using (var json = new Utf8JsonWriter(body, Readable))
            JsonSerializer.Serialize(json, Titled(problem), ProtocolJson.Default.Problem);
        response.ContentType = ContentType;
        response.ContentLength = body.WrittenCount;
        response.Headers.CacheControl = "no-store";
        await response.Body.WriteAsync(body.WrittenMemory, context.RequestAborted);
    }

    private static Problem Titled(Problem problem) =>
        problem.Title is null ? problem with { Title = ReasonPhrases.GetReasonPhrase(problem.Status) } : problem;

    private sealed class ProblemResult(Problem problem, TimeSpan? retryAfter) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            if (retryAfter is { } wait)
                httpContext.Response.Headers.RetryAfter = ((long)Math.Max(1, Math.Ceiling(wait.TotalSeconds))).ToString();
            return WriteAsync(httpContext, problem);
        }
    }
}
