using Backhaul.Node.Files;
using Microsoft.AspNetCore.Http.Headers;
using Microsoft.Net.Http.Headers;

namespace Backhaul.Node.Api;

/// <summary>If-Match, If-None-Match and If-Unmodified-Since of a request that changes a file (RFC 9110, 13.1 and 13.2.2).</summary>
internal static class Preconditions
{
    /// <summary>Null when the request has none.</summary>
    public static FileCondition? Of(HttpRequest request)
    {
        var headers = request.Headers;
        if (!headers.ContainsKey(HeaderNames.IfMatch) && !headers.ContainsKey(HeaderNames.IfNoneMatch) && !headers.ContainsKey(HeaderNames.IfUnmodifiedSince))
            return null;
        var typed = request.GetTypedHeaders();
        return new FileCondition((etag, modifiedAt) => Hold(typed, etag, modifiedAt), typed.IfNoneMatch.Any(tag => tag.Equals(EntityTagHeaderValue.Any)));
    }

    /// <param name="etag">Of the present file; null when there is none.</param>
    private static bool Hold(RequestHeaders request, string? etag, DateTimeOffset? modifiedAt)
    {
        var present = etag is null ? null : EntityTagHeaderValue.Parse(etag);
        if (request.IfMatch.Count > 0)
        {
            if (!Matches(request.IfMatch, present, useStrongComparison: true))
                return false;
        }
        else if (request.IfUnmodifiedSince is { } since && modifiedAt is { } at && Seconds(at) > Seconds(since))
        {
            return false;
        }
        return request.IfNoneMatch.Count == 0 || !Matches(request.IfNoneMatch, present, useStrongComparison: false);
    }

    private static bool Matches(IList<EntityTagHeaderValue> tags, EntityTagHeaderValue? present, bool useStrongComparison) =>
        present is not null && tags.Any(tag => tag.Equals(EntityTagHeaderValue.Any) || tag.Compare(present, useStrongComparison));

    /// <summary>Dates of HTTP have whole seconds.</summary>
    private static long Seconds(DateTimeOffset time) => time.ToUnixTimeSeconds();
}
