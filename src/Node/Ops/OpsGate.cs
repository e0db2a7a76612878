using System.Net;
using Backhaul.Protocol;

namespace Backhaul.Node.Ops;

/// <summary>
/// Who may come in at the operator's edge. Two kinds of edge:
/// on loopback nobody needs a key, so that a web page in the operator's browser must be kept out: it can send requests to
/// 127.0.0.1, directly (it carries Origin or Sec-Fetch-Site) or through a name of its own that resolves to 127.0.0.1 (the Host is
/// then that name). Elsewhere a key decides, and health alone is open, for probes.
/// </summary>
internal static class OpsGate
{
    /// <summary>What a request says about itself.</summary>
    internal readonly record struct Facts(string Method, string Path, string? Host, string? Origin, string? FetchSite, string? ContentType, string? Authorization);

    /// <summary>Somebody, or the problem to answer.</summary>
    internal readonly record struct Verdict(OperatorIdentity? Who, Problem? Problem);

    public static Verdict Judge(Facts request, bool edgeIsLoopback, IOperatorKeys keys)
    {
        if (edgeIsLoopback && !HostIsLoopback(request.Host))
        {
            return Refuse(403, ProblemCodes.Forbidden,
                "This port is for this machine only: address it as 127.0.0.1, [::1] or localhost. Another name in the Host header is refused.");
        }
        if (request.FetchSite is not (null or "same-origin" or "none"))
            return Refuse(403, ProblemCodes.Forbidden, "A web page of another site may not use the operator's port.");
        if (request.Origin is not null && !IsSameOrigin(request.Origin, request.Host))
            return Refuse(403, ProblemCodes.Forbidden, "A web page of another origin may not use the operator's port.");
        if (request.Method == HttpMethods.Post && !IsJson(request.ContentType))
            return Refuse(415, ProblemCodes.UnsupportedMediaType, "Send the body as application/json.");
        if (edgeIsLoopback)
            return new Verdict(OperatorIdentity.Local, null);
        if (request.Path.StartsWith("/health/", StringComparison.Ordinal))
            return new Verdict(new OperatorIdentity("probe", OperatorRole.Viewer), null);
        const string scheme = "Bearer ";
        if (request.Authorization?.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) is not true)
        {
            return Refuse(401, ProblemCodes.Unauthenticated,
                "The operator's port needs a key here: pbm --key KEY, or the variable BACKHAUL_KEY, or Authorization: Bearer KEY.");
        }
        return keys.Find(request.Authorization[scheme.Length..].Trim()) is { } who
            ? new Verdict(who, null)
            : Refuse(401, ProblemCodes.Unauthenticated, "The key is unknown, or has none of the roles viewer, operator and admin.");
    }

    private static Verdict Refuse(int status, string code, string detail) => new(null, new Problem { Status = status, Code = code, Detail = detail });

    private static bool HostIsLoopback(string? host)
    {
        if (string.IsNullOrEmpty(host))
            return false;
        var name = new HostString(host).Host;
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(name.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
    }

    private static bool IsSameOrigin(string origin, string? host) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var uri)
        && uri.Scheme is "http" or "https"
        && string.Equals(uri.Authority, host, StringComparison.OrdinalIgnoreCase);

    private static bool IsJson(string? contentType) =>
        contentType?.Split(';')[0].Trim().Equals("application/json", StringComparison.OrdinalIgnoreCase) is true;
}
