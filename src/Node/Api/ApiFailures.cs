using System.Diagnostics;
using Backhaul.Node.Journal;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>
/// The outermost part of an edge: whatever happens inside leaves as a problem document. An exception is a bug or a request that ended;
/// the client gets a trace id to report and never a stack. Answers without a body (404, 405 of the routing) get one.
/// </summary>
internal sealed partial class ApiFailures(ILogger<ApiFailures> log)
{
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        try
        {
            await next(context);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            return; // nobody is there to answer
        }
        catch (Exception failure) when (!context.Response.HasStarted)
        {
            await WriteAsync(context, ToProblem(context, failure));
            return;
        }
        if (!context.Response.HasStarted && context.Response is { StatusCode: >= 400, ContentType: null } && context.Response.ContentLength is null or 0)
            await WriteAsync(context, OfStatus(context));
    }

    private static Task WriteAsync(HttpContext context, Problem problem)
    {
        var allow = context.Response.Headers.Allow;
        context.Response.Clear();
        context.Response.Headers.XContentTypeOptions = "nosniff";
        if (allow.Count > 0)
            context.Response.Headers.Allow = allow;
        return Problems.WriteAsync(context, problem);
    }

    private Problem ToProblem(HttpContext context, Exception failure)
    {
        switch (failure)
        {
            case BadHttpRequestException { StatusCode: 413 }:
                return Problems.Create(413, ProblemCodes.BodyTooLarge, "The body is larger than this call takes. Send less at once.");
            case BadHttpRequestException { StatusCode: 408 }:
                return Problems.Create(408, ProblemCodes.InvalidRequest, "The body came too slowly. Send it again.");
            case BadHttpRequestException bad:
                return Problems.Create(bad.StatusCode, ProblemCodes.InvalidRequest, "The request is not valid HTTP for this call. See /openapi/v1.json.");
            case JournalStoreException { Failure: StoreFailure.Transient or StoreFailure.Unknown }:
                LogStoreUnavailable(failure);
                return Problems.Create(503, ProblemCodes.Unavailable, "The journal cannot be read at the moment. Send the request again.");
            default:
                var trace = Activity.Current?.TraceId.ToHexString() ?? context.TraceIdentifier;
                LogFailure(failure, context.Request.Method, context.GetEndpoint()?.DisplayName ?? "no endpoint", trace);
                return Problems.Create(500, ProblemCodes.InternalError, $"The node failed on this request, and has logged why. Tell its operator the trace id {trace}.");
        }
    }

    private static Problem OfStatus(HttpContext context)
    {
        var status = context.Response.StatusCode;
        return status switch
        {
            404 => Problems.Create(404, ProblemCodes.NotFound, "There is nothing at this path. The API is described at /openapi/v1.json."),
            405 => Problems.Create(405, ProblemCodes.MethodNotAllowed, $"This path does not take {Shown(context.Request.Method)}; the Allow header says what it takes."),
            413 => Problems.Create(413, ProblemCodes.BodyTooLarge, "The body is larger than this call takes. Send less at once."),
            415 => RequestBodies.UnsupportedMediaType(RequestBodies.Json),
            _ => Problems.Create(status, status >= 500 ? ProblemCodes.InternalError : ProblemCodes.InvalidRequest, "The request was refused. The API is described at /openapi/v1.json."),
        };
    }

    private static string Shown(string method) => HeaderRules.IsToken(method) && method.Length <= 32 ? method : "this method";
}
