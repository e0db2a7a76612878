using System.Globalization;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>How attempts ended, and what was asked for; see <see cref="FaultRow"/>.</summary>
internal sealed record Trace(IReadOnlyList<string> Ends, IReadOnlyList<char> Requests)
{
    public const string Done = "done";

    public bool Succeeds => Ends[^1] == Done;

    public static Trace Parse(string text)
    {
        var slash = text.IndexOf('/');
        var requests = new List<char>();
        foreach (var word in text[(slash + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (word[0] == 'x')
                requests.AddRange(Enumerable.Repeat(requests[^1], int.Parse(word.AsSpan(1), CultureInfo.InvariantCulture)));
            else
                requests.Add(word[0]);
        }
        return new Trace(text[..slash].Split(' ', StringSplitOptions.RemoveEmptyEntries), requests);
    }
}
