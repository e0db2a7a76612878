using System.Buffers;
using System.Text;

namespace Backhaul.Node.Egress;

/// <summary>
/// Reads challenges (RFC 9110 11.6.1). A list of challenges and the parameters of each are both separated by commas, so a word is a new scheme
/// exactly when no <c>=</c> follows it.
/// <code>
/// challenge = scheme [ 1*SP ( token68 / #( token BWS "=" BWS ( token / quoted-string ) ) ) ]
/// </code>
/// What is malformed is skipped up to the next comma; what was read before and comes after counts. Bounded, never throws. Pure.
/// </summary>
internal ref struct ChallengeParser
{
    private const int TextMax = 16 * 1024;
    private const int ChallengesMax = 16;
    private const int ParametersMax = 32;

    private static readonly SearchValues<char> TokenChars =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly SearchValues<char> Token68Chars =
        SearchValues.Create("-._~+/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private ReadOnlySpan<char> _rest;

    private ChallengeParser(ReadOnlySpan<char> text) => _rest = text;

    /// <summary>The challenges of all field lines, in order. Each line is read by itself, so that a broken one spoils no other.</summary>
    public static IReadOnlyList<Challenge> Parse(IEnumerable<string> lines)
    {
        List<Challenge> found = [];
        foreach (var line in lines)
        {
            var text = AsText(line.Length > TextMax ? line[..TextMax] : line);
            new ChallengeParser(text).ReadAll(found);
        }
        return found;
    }

    private void ReadAll(List<Challenge> found)
    {
        Dictionary<string, string>? parameters = null;
        while (SkipToElement() && found.Count <= ChallengesMax)
        {
            var word = ReadToken();
            var afterWord = _rest;
            if (word.IsEmpty)
            {
                SkipElement();
            }
            else if (TrySkipEquals())
            {
                // Of no challenge, or of one that is a token: it means nothing.
                if (ReadValue() is { } value && parameters?.Count < ParametersMax)
                    parameters.TryAdd(word.ToString(), value);
                SkipElement();
            }
            else
            {
                _rest = afterWord;
                if (found.Count == ChallengesMax)
                    return;
                parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
                var token = ReadToken68();
                found.Add(new Challenge { Scheme = word.ToString().ToLowerInvariant(), Token = token, Parameters = parameters });
                if (token is not null)
                    parameters = null;
            }
        }
    }

    /// <summary>Past commas and blanks; false at the end.</summary>
    private bool SkipToElement()
    {
        _rest = _rest.TrimStart(", \t");
        return !_rest.IsEmpty;
    }

    private ReadOnlySpan<char> ReadToken()
    {
        var end = _rest.IndexOfAnyExcept(TokenChars);
        var token = end < 0 ? _rest : _rest[..end];
        _rest = _rest[token.Length..];
        return token;
    }

    private bool TrySkipEquals()
    {
        var after = _rest.TrimStart(" \t");
        if (after is not ['=', ..])
            return false;
        _rest = after[1..].TrimStart(" \t");
        return true;
    }

    /// <summary>The token behind a scheme: it ends the element, which a parameter's name does not.</summary>
    private string? ReadToken68()
    {
        if (_rest is not [' ' or '\t', ..])
            return null;
        var text = _rest.TrimStart(" \t");
        var length = text.IndexOfAnyExcept(Token68Chars);
        if (length < 0)
            length = text.Length;
        if (length == 0)
            return null;
        while (length < text.Length && text[length] == '=')
            length++;
        if (text[length..].TrimStart(" \t") is not ([] or [',', ..]))
            return null;
        _rest = text[length..];
        return text[..length].ToString();
    }

    private string? ReadValue()
    {
        if (_rest is not ['"', ..])
            return ReadToken() is { IsEmpty: false } token ? token.ToString() : null;
        var value = new StringBuilder();
        for (var i = 1; i < _rest.Length; i++)
        {
            if (_rest[i] == '"')
            {
                _rest = _rest[(i + 1)..];
                return value.ToString();
            }
            if (_rest[i] == '\\' && ++i == _rest.Length)
                break;
            value.Append(_rest[i]);
        }
        _rest = default; // the quote is never closed: nothing after it can be told apart
        return null;
    }

    /// <summary>To the next comma that is not inside quotes.</summary>
    private void SkipElement()
    {
        while (_rest.IndexOfAny(',', '"') is >= 0 and var at)
        {
            _rest = _rest[at..];
            if (_rest[0] == ',')
                return;
            ReadValue();
        }
        _rest = default;
    }

    /// <summary>Headers arrive as Latin-1; servers that write more than ASCII into a realm mean UTF-8.</summary>
    private static string AsText(string line)
    {
        if (Ascii.IsValid(line) || line.Any(static c => c > '\u00ff'))
            return line;
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(Encoding.Latin1.GetBytes(line));
        }
        catch (DecoderFallbackException)
        {
            return line;
        }
    }
}
