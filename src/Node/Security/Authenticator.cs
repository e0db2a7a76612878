using System.Net;
using Backhaul.Protocol;

namespace Backhaul.Node.Security;

/// <summary>
/// Decides who a request comes from, before anything else reads it. With keys: <c>Authorization: Bearer</c>, and the tenant follows from
/// the key. Without keys the node belongs to its own machine: the connection must come from a loopback address, and a web page in the
/// user's browser must not be able to borrow that (a foreign Host is DNS rebinding, a foreign Origin is another site's script).
/// </summary>
internal sealed class Authenticator(KeyRing keys)
{
    private const string Scheme = "Bearer ";

    public bool RunsWithoutKeys => keys.IsEmpty;

    /// <summary>Sets the <see cref="Caller"/> of the request, or says why it has none.</summary>
    public Problem? Admit(HttpContext context)
    {
        if (keys.IsEmpty)
        {
            if (RefuseForeign(context) is { } foreign)
                return foreign;
            Caller.Set(context, Caller.Local);
            return null;
        }
        var header = context.Request.Headers.Authorization;
        if (header.Count != 1 || header[0] is not { Length: <= 1024 } value || !value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return Refuse(401, ProblemCodes.Unauthenticated, "This node asks for a key: send it as Authorization: Bearer <key>.");
        if (keys.Find(value[Scheme.Length..].Trim()) is not { } caller)
            return Refuse(401, ProblemCodes.Unauthenticated, "This key is not known here. Check that it is complete, and that this node is configured with its SHA-256.");
        if (caller.Role is not (CallerRole.Client or CallerRole.Admin))
            return Refuse(403, ProblemCodes.Forbidden, "This key is an operator's and works on the operators' port. Use a key with the role client.");
        Caller.Set(context, caller);
        return null;
    }

    private static Problem? RefuseForeign(HttpContext context)
    {
        var remote = context.Connection.RemoteIpAddress;
        if (remote is not null && !IPAddress.IsLoopback(remote.IsIPv4MappedToIPv6 ? remote.MapToIPv4() : remote))
            return Refuse(403, ProblemCodes.Forbidden, "This node runs without keys and answers its own machine only. Configure Backhaul:Security:Keys to open it.");
        var host = context.Request.Host;
        if (host.HasValue && !IsLoopbackName(host.Host))
            return Refuse(403, ProblemCodes.Forbidden, "This node runs without keys and answers to localhost, 127.0.0.1 or [::1] only. Configure Backhaul:Security:Keys to use another name.");
        foreach (var origin in context.Request.Headers.Origin)
        {
            if (!Uri.TryCreate(origin, UriKind.Absolute, out var page) || !page.Authority.Equals(host.Value, StringComparison.OrdinalIgnoreCase))
                return Refuse(403, ProblemCodes.Forbidden, "This node runs without keys and takes no calls from web pages of other sites.");
        }
        return null;
    }

    private static bool IsLoopbackName(string host)
    {
        var name = host.Trim('[', ']');
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(name, out var address) && IPAddress.IsLoopback(address));
    }

    private static Problem Refuse(int status, string code, string detail) => new() { Status = status, Code = code, Detail = detail };
}
