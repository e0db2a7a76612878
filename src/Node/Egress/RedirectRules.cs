using System.Text;

namespace Backhaul.Node.Egress;

/// <summary>
/// How redirects are followed. HttpClient would carry <c>Cookie</c> and <c>X-Api-Key</c> to another host and let a bad
/// <c>Location</c> escape as an exception, so they are followed by hand, by these rules. Pure.
/// <code>
/// status   method                     body
/// 301 302  POST → GET, others stay    kept unless the method changed
/// 303      GET (HEAD stays)           dropped
/// 307 308  stays                      kept
/// </code>
/// The address policy sees each hop by itself, because each hop connects.
/// </summary>
internal static class RedirectRules
{
    public static bool IsRedirect(int status) => status is 301 or 302 or 303 or 307 or 308;

    /// <param name="from">Where the answer came from.</param>
    /// <param name="method">The method it answered.</param>
    /// <param name="status">Its status, one of <see cref="IsRedirect"/>.</param>
    /// <param name="location">Its <c>Location</c> as received, null when there was none.</param>
    /// <param name="followed">Redirects followed before this one.</param>
    /// <param name="options">Limits.</param>
    public static RedirectStep Decide(Uri from, string method, int status, string? location, int followed, EgressOptions options)
    {
        if (followed >= options.RedirectsMax)
            return new RedirectStep.Refused(RedirectFault.TooMany, $"The server redirected more than {options.RedirectsMax} times.");
        if (string.IsNullOrWhiteSpace(location))
            return Bad(from, "without a Location");
        if (!Uri.TryCreate(from, Decode(location.Trim()), out var to))
            return Bad(from, "to a Location that is not a URL");
        if (to.Scheme != Uri.UriSchemeHttp && to.Scheme != Uri.UriSchemeHttps)
            return Bad(from, $"to the scheme {to.Scheme}, which is neither http nor https");
        if (to.Host.Length == 0)
            return Bad(from, "to a Location without a host");
        if (to.UserInfo.Length > 0)
            return Bad(from, "to a Location with a user name in it");
        if (from.Scheme == Uri.UriSchemeHttps && to.Scheme == Uri.UriSchemeHttp && !options.AllowInsecureRedirect)
        {
            return new RedirectStep.Refused(
                RedirectFault.Insecure, $"{Origin(from)} redirected from https to http at {to.IdnHost}:{to.Port}, which would be readable on the way.");
        }
        var next = NextMethod(method, status);
        return new RedirectStep.Follow(WithoutFragment(to), next, KeepsBody: next == method && status != 303, SameOrigin: IsSameOrigin(from, to));
    }

    public static bool IsSameOrigin(Uri a, Uri b) =>
        a.Scheme == b.Scheme && a.Port == b.Port && string.Equals(a.IdnHost, b.IdnHost, StringComparison.OrdinalIgnoreCase);

    /// <summary>Host and port, for sentences.</summary>
    public static string Origin(Uri uri) => $"{uri.IdnHost}:{uri.Port}";

    private static string NextMethod(string method, int status) => status switch
    {
        303 => method == "HEAD" ? "HEAD" : "GET",
        301 or 302 when method == "POST" => "GET",
        _ => method,
    };

    private static RedirectStep.Refused Bad(Uri from, string what) =>
        new(RedirectFault.Bad, $"{Origin(from)} redirected {what}.");

    private static Uri WithoutFragment(Uri to) =>
        to.Fragment.Length == 0 ? to : new UriBuilder(to) { Fragment = "" }.Uri;

    /// <summary>Headers arrive as Latin-1; servers that write UTF-8 into <c>Location</c> mean UTF-8.</summary>
    private static string Decode(string location)
    {
        if (Ascii.IsValid(location))
            return location;
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(Encoding.Latin1.GetBytes(location));
        }
        catch (DecoderFallbackException)
        {
            return location;
        }
    }
}

/// <summary>What to do with a redirect.</summary>
internal abstract record RedirectStep
{
    private RedirectStep()
    {
    }

    /// <summary>Ask there. Headers that may not travel are left behind for good once <paramref name="SameOrigin"/> was false.</summary>
    internal sealed record Follow(Uri To, string Method, bool KeepsBody, bool SameOrigin) : RedirectStep;

    internal sealed record Refused(RedirectFault Fault, string Why) : RedirectStep;
}

/// <summary>Why a redirect is not followed.</summary>
internal enum RedirectFault
{
    TooMany = 1,
    Bad = 2,
    Insecure = 3,
}
