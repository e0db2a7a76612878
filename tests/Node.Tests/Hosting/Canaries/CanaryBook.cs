using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Backhaul.Node.Tests.Hosting.Canaries;

/// <summary>
/// Secrets that are given to a node, each by its place, and the search for them. A canary is letters and digits, so that it is the same raw, percent-encoded and
/// in JSON; letters are compared without case. Base64 and hexadecimal forms are looked for at every alignment.
/// </summary>
internal sealed class CanaryBook
{
    /// <summary>What all begin with: a text without any form of it has none of them.</summary>
    private const string Mark = "Kq7Zx4Vj9WmTb5Rc";

    private static readonly string[] Marks = [.. Forms(Mark)];

    private readonly ConcurrentDictionary<string, string> _given = new(StringComparer.Ordinal);
    private int _count;

    /// <summary>The canary of a place, 32 characters; the first to ask gets it made.</summary>
    public string Of(string place) => _given.GetOrAdd(place, _ => Mark + (Interlocked.Increment(ref _count) * 7919).ToString("D8", CultureInfo.InvariantCulture) + "QwPyLmNd");

    /// <summary>Where a secret came out: its place, and what is around it.</summary>
    public IEnumerable<string> FindIn(string source, string text)
    {
        if (!Marks.Any(mark => text.Contains(mark, StringComparison.OrdinalIgnoreCase)))
            yield break;
        foreach (var (place, value) in _given)
        {
            foreach (var at in Forms(value).Select(form => text.IndexOf(form, StringComparison.OrdinalIgnoreCase)).Where(at => at >= 0))
                yield return $"{source} has the canary of {place}: …{text[Math.Max(0, at - 120)..Math.Min(text.Length, at + 60)]}…";
        }
    }

    public IEnumerable<string> FindIn(string source, byte[] bytes) => FindIn(source, Encoding.Latin1.GetString(bytes));

    private static IEnumerable<string> Forms(string value)
    {
        yield return value;
        yield return Convert.ToHexString(Encoding.UTF8.GetBytes(value));
        for (var lead = 0; lead < 3; lead++)
        {
            // What stands before and behind changes the characters at the edges only.
            var encoded = Convert.ToBase64String(Encoding.UTF8.GetBytes(new string('x', lead) + value + "xx"));
            yield return encoded[4..^8];
        }
    }
}
