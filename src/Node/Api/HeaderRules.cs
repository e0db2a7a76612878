using System.Buffers;
using Backhaul.Node.Egress;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>
/// Which headers a client may have sent on its behalf. Names are tokens and values are visible ASCII, so that no header can smuggle a
/// second one; headers that frame the message, name the connection or belong to the engine (ranges) are refused, not dropped.
/// </summary>
internal static class HeaderRules
{
    public const int CountMax = 64;
    public const int BytesMax = 16 * 1024;

    private static readonly SearchValues<char> Token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly HashSet<string> Forbidden = new(StringComparer.OrdinalIgnoreCase)
    {
        "Host", "Connection", "Content-Length", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Expect", "Keep-Alive", "Range", "If-Range",
    };

    /// <summary>Refused in a session's headers besides: they belong to one server, and a session talks to many.</summary>
    private static readonly HashSet<string> ForbiddenInSession = new(StringComparer.OrdinalIgnoreCase)
    {
        "Authorization", "WWW-Authenticate",
    };

    public static bool IsToken(string? text) => !string.IsNullOrEmpty(text) && !text.AsSpan().ContainsAnyExcept(Token);

    public static Problem? Check(IReadOnlyDictionary<string, string>? headers, string field, bool ofSession = false)
    {
        if (headers is null)
            return null;
        if (headers.Count > CountMax)
            return Problems.Create(400, ProblemCodes.InvalidHeader, $"{field} has {headers.Count} headers; at most {CountMax} are taken.", field);
        var bytes = 0;
        HashSet<string>? seen = headers.Count > 1 ? new(StringComparer.OrdinalIgnoreCase) : null;
        foreach (var (name, value) in headers)
        {
            if (CheckOne(name, value, field, ofSession) is { } problem)
                return problem;
            if (seen is not null && !seen.Add(name))
                return Problems.Create(400, ProblemCodes.InvalidHeader, $"The header {name} is given twice: names do not differ by case.", $"{field}.{name}");
            bytes += name.Length + value.Length;
        }
        return bytes <= BytesMax
            ? null
            : Problems.Create(400, ProblemCodes.InvalidHeader, $"{field} has {bytes} bytes of headers; at most {BytesMax} are taken.", field);
    }

    private static Problem? CheckOne(string name, string? value, string field, bool ofSession)
    {
        if (name.StartsWith(':'))
            return Problems.Create(400, ProblemCodes.ForbiddenHeader, "Pseudo headers such as :path follow from the URL and the method; leave them out.", field);
        if (!IsToken(name))
            return Problems.Create(400, ProblemCodes.InvalidHeader, $"{field} has a name that is not a header name: only letters, digits and !#$%&'*+-.^_`|~ are allowed.", field);
        var at = $"{field}.{name}";
        if (Forbidden.Contains(name) || name.StartsWith("Proxy-", StringComparison.OrdinalIgnoreCase))
            return Problems.Create(400, ProblemCodes.ForbiddenHeader, $"The header {name} is set by the transfer itself; leave it out.", at);
        if (ofSession && ForbiddenInSession.Contains(name))
            return Problems.Create(400, ProblemCodes.ForbiddenHeader, $"The header {name} cannot be set for a whole session; set it on each task.", at);
        if (value is null)
            return Problems.Create(400, ProblemCodes.InvalidHeader, $"The header {name} has no value.", at);
        foreach (var c in value)
        {
            if (c is (< ' ' or > '~') and not '\t')
                return Problems.Create(400, ProblemCodes.InvalidHeader, $"The value of the header {name} has a line break, a control character or a letter beyond ASCII; encode it.", at);
        }
        return RequestHeaders.CanSend(name, value)
            ? null
            : Problems.Create(400, ProblemCodes.InvalidHeader, $"The value of the header {name} does not have the form that HTTP defines for it.", at);
    }
}
