using System.Text;

namespace Backhaul.Pbm;

/// <summary>
/// A line of the shell into words, with the quoting everybody knows: <c>'…'</c> as it is, <c>"…"</c> with <c>\"</c> and <c>\\</c>,
/// and a backslash before any character outside of quotes.
/// </summary>
internal static class WordSplitter
{
    /// <summary>The words; <paramref name="LastIsOpen"/> says that the line ends inside the last of them, and not in the space after it.</summary>
    internal sealed record Result(IReadOnlyList<string> Words, bool LastIsOpen, bool QuoteIsOpen);

    public static Result Split(string line)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var inWord = false;
        var quote = '\0';
        for (var i = 0; i < line.Length; i++)
        {
            var c = line[i];
            if (quote != '\0')
            {
                if (c == quote)
                    quote = '\0';
                else if (quote == '"' && c == '\\' && i + 1 < line.Length && (line[i + 1] is '"' or '\\'))
                    word.Append(line[++i]);
                else
                    word.Append(c);
            }
            else if (c is '\'' or '"')
            {
                quote = c;
                inWord = true;
            }
            else if (c == '\\' && i + 1 < line.Length)
            {
                word.Append(line[++i]);
                inWord = true;
            }
            else if (!char.IsWhiteSpace(c))
            {
                word.Append(c);
                inWord = true;
            }
            else if (inWord)
            {
                words.Add(word.ToString());
                word.Clear();
                inWord = false;
            }
        }
        if (inWord)
            words.Add(word.ToString());
        return new Result(words, inWord, quote != '\0');
    }
}
