using System.Buffers;
using System.Text;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Which URLs a task may have. Pure. Only the text is judged here; where it leads is judged when a connection is opened, by address.
/// </summary>
internal static class UrlText
{
    public const int BytesMax = 8 * 1024;

    private static readonly SearchValues<char> Blanks = SearchValues.Create(" \\\u00a0\u2028\u2029");

    /// <summary>What is wrong, as a code and a sentence about <paramref name="name"/>; null when nothing is.</summary>
    public static TaskError? FaultOf(string? url, string name)
    {
        if (string.IsNullOrEmpty(url))
            return Invalid(name, "is missing: give an absolute http or https URL.");
        if (Encoding.UTF8.GetByteCount(url) > BytesMax)
            return Invalid(name, $"is longer than {BytesMax} bytes.");
        if (url.AsSpan().ContainsAny(Blanks) || ContainsControl(url))
            return Invalid(name, "has a space, a backslash or a control character: percent-encode it.");
        var rest = AfterScheme(url, out var scheme);
        if (scheme is null)
            return Invalid(name, "is not absolute: begin with http:// or https://.");
        if (!scheme.Equals("http", StringComparison.OrdinalIgnoreCase) && !scheme.Equals("https", StringComparison.OrdinalIgnoreCase))
            return new TaskError { Code = ProblemCodes.UnsupportedScheme, Message = $"The scheme of {name} must be http or https." };
        if (!rest.StartsWith("//", StringComparison.Ordinal))
            return Invalid(name, "has no host: write http://host/path.");
        var authority = rest[2..];
        var end = authority.IndexOfAny('/', '?', '#');
        if (end >= 0)
            authority = authority[..end];
        if (authority.Contains('@'))
            return Invalid(name, "has a user name or password in it: send credentials in an Authorization header instead.");
        if (authority.IsEmpty || !Uri.TryCreate(url, UriKind.Absolute, out var parsed) || parsed.Host.Length == 0)
            return Invalid(name, "has no valid host: write http://host/path.");
        return parsed.Port is > 0 and <= 65535 ? null : Invalid(name, "has a port that is not 1 to 65535.");
    }

    private static ReadOnlySpan<char> AfterScheme(string url, out string? scheme)
    {
        var colon = url.IndexOf(':', StringComparison.Ordinal);
        scheme = null;
        if (colon < 1 || !char.IsAsciiLetter(url[0]))
            return default;
        foreach (var c in url.AsSpan(0, colon))
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.'))
                return default;
        }
        scheme = url[..colon];
        return url.AsSpan(colon + 1);
    }

    private static bool ContainsControl(string url)
    {
        foreach (var c in url)
        {
            if (char.IsControl(c))
                return true;
        }
        return false;
    }

    private static TaskError Invalid(string name, string what) => new() { Code = ProblemCodes.InvalidUrl, Message = $"The {name} {what}" };
}
