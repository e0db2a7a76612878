using System.Buffers;
using Backhaul.Protocol;
using Microsoft.Net.Http.Headers;

namespace Backhaul.Node.Api;

/// <summary>Reads small bodies whole, never more than a limit, and only of the media type that is expected.</summary>
internal static class RequestBodies
{
    public const string Json = "application/json";
    public const string Lines = "application/x-ndjson";

    /// <summary>Files are bytes, whatever their sender calls them; without it the routing answers 415 before the call is asked.</summary>
    public const string Any = "*/*";

    /// <summary>The media type without parameters; null when there is none, or when it claims another encoding than UTF-8.</summary>
    public static string? MediaType(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type))
            return null;
        return type.Charset.HasValue && !HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase)
            ? null
            : type.MediaType.Value?.ToLowerInvariant();
    }

    public static Problem UnsupportedMediaType(string wanted) =>
        Problems.Create(415, ProblemCodes.UnsupportedMediaType, $"Send the body with Content-Type: {wanted} (in UTF-8).");

    /// <summary>The whole body, or 413. <paramref name="limitOf"/> may choose the limit by the first byte that is not white space.</summary>
    public static async ValueTask<Validated<byte[]>> ReadAsync(HttpContext context, Func<byte, int> limitOf)
    {
        var reader = context.Request.BodyReader;
        var body = new ArrayBufferWriter<byte>((int)Math.Clamp(context.Request.ContentLength ?? 256, 256, 64 * 1024));
        int? limit = null;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            limit ??= FirstByte(read.Buffer) is { } first ? limitOf(first) : null;
            if (Math.Max(body.WrittenCount + read.Buffer.Length, context.Request.ContentLength ?? 0) > (limit ?? 64 * 1024))
            {
                reader.AdvanceTo(read.Buffer.Start);
                return Problems.Create(413, ProblemCodes.BodyTooLarge, $"The body is larger than {limit ?? 64 * 1024} bytes. Send less at once; many tasks go as {Lines}.");
            }
            foreach (var segment in read.Buffer)
                body.Write(segment.Span);
            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                return body.WrittenSpan.ToArray();
        }
    }

    public static ValueTask<Validated<byte[]>> ReadAsync(HttpContext context, int bytesMax) => ReadAsync(context, _ => bytesMax);

    private static byte? FirstByte(ReadOnlySequence<byte> buffer)
    {
        foreach (var segment in buffer)
        {
            foreach (var value in segment.Span)
            {
                if (value is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n'))
                    return value;
            }
        }
        return null;
    }
}
