using System.Globalization;
using Backhaul.Node.Egress;

namespace Backhaul.Node.Transfers;

/// <summary>
/// What a response said about itself, read from the raw headers: HttpClient's typed properties accept two different lengths silently
/// and turn malformed values into null, and the difference matters here. Pure data; <see cref="Read"/> copies it once.
/// </summary>
internal sealed record ResponseHead
{
    private const int HeadersMax = 64;
    private const int HeaderCharsMax = 16 * 1024;

    /// <summary>Headers that are URLs: shown without their queries.</summary>
    private static readonly string[] Urls = ["Location", "Content-Location", "Link", "Refresh", "SourceMap"];

    public required int Status { get; init; }

    /// <summary>Promised length of this body; null when it ends with its connection, its last chunk or its stream.</summary>
    public long? Length { get; init; }

    /// <summary>A sentence when the framing cannot be trusted.</summary>
    public string? FramingFault { get; init; }
    public string? ETag { get; init; }
    public string? LastModified { get; init; }
    public string? Date { get; init; }
    public string? ContentRange { get; init; }
    public string? ContentEncoding { get; init; }
    public string? ContentType { get; init; }
    public string? AcceptRanges { get; init; }
    public string? Location { get; init; }
    public string? RetryAfter { get; init; }

    public required IReadOnlyDictionary<string, string> Shown { get; init; }

    /// <summary>The origin says that it serves ranges of this.</summary>
    public bool SaysRanges => AcceptRanges is { } ranges && ranges.Trim().Equals("bytes", StringComparison.OrdinalIgnoreCase);

    public bool IsCoded => ContentEncoding is { Length: > 0 } coding && !coding.Equals("identity", StringComparison.OrdinalIgnoreCase);

    /// <summary>Of the body that comes, when it is known: a HEAD, a 204 and a 304 promise lengths of bodies that do not.</summary>
    public long? BodyLength(string method) => method == "HEAD" || Status is 204 or 205 or 304 ? 0 : Length;

    public static ResponseHead Read(HttpResponseMessage response)
    {
        var headers = response.Headers.NonValidated;
        var content = response.Content.Headers.NonValidated;
        var (length, fault) = ReadLength(response, content.TryGetValues("Content-Length", out var lengths) ? lengths.ToString() : null);
        return new ResponseHead
        {
            Status = (int)response.StatusCode,
            Length = length,
            FramingFault = fault,
            ETag = Get(headers, "ETag"),
            LastModified = Get(content, "Last-Modified"),
            Date = Get(headers, "Date"),
            ContentRange = Get(content, "Content-Range"),
            ContentEncoding = Get(content, "Content-Encoding"),
            ContentType = Get(content, "Content-Type"),
            AcceptRanges = Get(headers, "Accept-Ranges"),
            Location = Get(headers, "Location"),
            RetryAfter = Get(headers, "Retry-After"),
            Shown = Show(headers, content),
        };
    }

    /// <summary>A header of the response or of its content, as received; null when it is not there.</summary>
    public static string? Find(HttpResponseMessage response, string name) =>
        Get(response.Headers.NonValidated, name) ?? Get(response.Content.Headers.NonValidated, name);

    private static string? Get(System.Net.Http.Headers.HttpHeadersNonValidated headers, string name) =>
        headers.TryGetValues(name, out var values) ? values.ToString() : null;

    private static (long? Length, string? Fault) ReadLength(HttpResponseMessage response, string? lengths)
    {
        if (lengths is null)
            return (null, null);
        if (response.Headers.TransferEncodingChunked == true)
            return (null, "The response has both a Content-Length and chunked framing.");
        long? agreed = null;
        foreach (var part in lengths.Split(','))
        {
            if (!long.TryParse(part.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var length))
                return (null, "The response has a Content-Length that is not a number.");
            if (agreed is not null && agreed != length)
                return (null, "The response has two different Content-Lengths.");
            agreed = length;
        }
        return (agreed, null);
    }

    private static bool NamesUrl(string name) => Array.Exists(Urls, known => known.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static Dictionary<string, string> Show(
        System.Net.Http.Headers.HttpHeadersNonValidated headers, System.Net.Http.Headers.HttpHeadersNonValidated content)
    {
        var shown = new Dictionary<string, string>(headers.Count + content.Count, StringComparer.OrdinalIgnoreCase);
        var chars = 0;
        Copy(headers);
        Copy(content);
        return shown;

        void Copy(System.Net.Http.Headers.HttpHeadersNonValidated from)
        {
            foreach (var (name, values) in from)
            {
                var text = RequestHeaders.IsSecret(name) ? "***" : NamesUrl(name) ? ShownUrl.Of(values.ToString()) : values.ToString();
                if (shown.Count >= HeadersMax || chars + name.Length + text.Length > HeaderCharsMax)
                    continue;
                chars += name.Length + text.Length;
                shown[name] = text;
            }
        }
    }
}
