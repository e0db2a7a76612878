namespace Backhaul.Protocol;

/// <summary>The one place that says which characters an identifier may have.</summary>
internal static class IdRules
{
    internal static bool IsIdentifier(ReadOnlySpan<char> text, int lengthMax)
    {
        if (text.IsEmpty || text.Length > lengthMax)
            return false;
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '~' or ':' or '-'))
                return false;
        }
        return text is not ("." or "..");
    }
}
