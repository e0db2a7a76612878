using System.Net;
using System.Net.Http.Headers;
using Backhaul.Protocol;

namespace Backhaul.Client.Calls;

/// <summary>
/// What may be sent again, and when. Sent again are requests that were not decided: 429 and 503 (the node says so), 502 and 504
/// (a proxy lost the node), broken connections and time-outs, which the idempotency key makes safe. Decisions are final.
/// </summary>
internal static class RetryRules
{
    internal static readonly TimeSpan First = TimeSpan.FromMilliseconds(200);
    internal static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);
    internal static readonly TimeSpan LongestInOutage = TimeSpan.FromSeconds(30);

    /// <summary>A full session is a decision although its status is 429: it takes more only when tasks have ended.</summary>
    internal static bool IsUndecided(HttpStatusCode status, string? code) => code != ProblemCodes.SessionLimit
        && status is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable or HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout;

    /// <summary>True when another endpoint may do better: this node starts, drains or is cut off, or a proxy lost it. 429 is the session's own.</summary>
    internal static bool IsOfThisNode(int status) => status is 502 or 503 or 504;

    /// <summary>True for what a network does; everything else is a bug and goes to the caller.</summary>
    internal static bool IsBroken(Exception exception) => exception is HttpRequestException or IOException;

    /// <summary>Exponential with full jitter.</summary>
    internal static TimeSpan BackOff(int attempt, double jitter, TimeSpan first, TimeSpan longest)
    {
        var ceiling = Math.Min(longest.TotalMilliseconds, first.TotalMilliseconds * Math.Pow(2, Math.Min(attempt - 1, 30)));
        return TimeSpan.FromMilliseconds(ceiling * jitter);
    }

    /// <summary>What the answer asks for; null when it asks for nothing that makes sense.</summary>
    internal static TimeSpan? RetryAfter(RetryConditionHeaderValue? header, DateTimeOffset now)
    {
        var wait = header?.Delta ?? header?.Date - now;
        return wait is { } asked ? asked < TimeSpan.Zero ? TimeSpan.Zero : asked : null;
    }
}
