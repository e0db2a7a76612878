using System.Buffers;
using System.Globalization;
using Backhaul.Node.Files;

namespace Backhaul.Node.Api;

/// <summary>Durable bytes of a download under way, as a 206. What is there is proven to be of one version of the source; it does not change any more.</summary>
internal sealed class PartAnswer(StoredFile part, long from, long to, long? total) : IResult
{
    private const int ChunkBytes = 128 * 1024;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        await using (part)
        {
            var response = httpContext.Response;
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.ContentType = "application/octet-stream";
            response.ContentLength = to - from;
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {from}-{to - 1}/{total?.ToString(CultureInfo.InvariantCulture) ?? "*"}");
            response.Headers.ETag = part.ETag;
            response.Headers.XContentTypeOptions = "nosniff";
            response.Headers.CacheControl = "no-store";
            if (HttpMethods.IsHead(httpContext.Request.Method))
                return;
            var buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
            try
            {
                part.Content.Position = from;
                for (var left = to - from; left > 0;)
                {
                    var count = await part.Content.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), httpContext.RequestAborted);
                    if (count == 0)
                    {
                        httpContext.Abort(); // something shortened the part: a short answer must not look whole
                        return;
                    }
                    await response.Body.WriteAsync(buffer.AsMemory(0, count), httpContext.RequestAborted);
                    left -= count;
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }
}
