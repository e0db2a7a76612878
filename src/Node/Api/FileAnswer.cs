using Backhaul.Node.Files;
using Backhaul.Protocol;
using Microsoft.Net.Http.Headers;

namespace Backhaul.Node.Api;

/// <summary>
/// A file as an answer: whole, a range, 304, 412 or 416, by the framework's rules for conditions and ranges (several ranges get the
/// whole file). What it refuses leaves as a problem document.
/// </summary>
internal sealed class FileAnswer(StoredFile file, string? sha256 = null) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        await using (file)
        {
            var response = httpContext.Response;
            response.Headers.XContentTypeOptions = "nosniff";
            response.Headers.CacheControl = "no-cache";
            if (sha256 is not null)
                response.Headers["Repr-Digest"] = $"sha-256=:{Convert.ToBase64String(Convert.FromHexString(sha256))}:";
            // The framework reads a range of any unit as one of bytes.
            if (httpContext.Request.GetTypedHeaders().Range is { } range && !range.Unit.Equals("bytes", StringComparison.OrdinalIgnoreCase))
                httpContext.Request.Headers.Remove(HeaderNames.Range);
            var answer = TypedResults.Stream(
                file.Content, "application/octet-stream", null, file.ModifiedAt, EntityTagHeaderValue.Parse(file.ETag), enableRangeProcessing: true);
            await answer.ExecuteAsync(httpContext);
            if (response.HasStarted)
                return;
            if (response.StatusCode == StatusCodes.Status412PreconditionFailed)
                await Problems.WriteAsync(httpContext, StorageProblems.ConditionFailed());
            else if (response.StatusCode == StatusCodes.Status416RangeNotSatisfiable)
                await Problems.WriteAsync(httpContext, Problems.Create(416, ProblemCodes.RangeNotSatisfiable, $"The file has {file.Length} bytes. Ask for a range that begins before its end."));
        }
    }
}
