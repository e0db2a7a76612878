using System.Globalization;

namespace Backhaul.Bench;

/// <summary>What to run, how often, and where.</summary>
internal sealed record BenchSettings(IReadOnlySet<string> Names, int Rounds, string Folder)
{
    private static readonly HashSet<string> Known = ["small", "large", "queue"];

    public bool Runs(string name) => Names.Count == 0 || Names.Contains(name);

    /// <summary>Null when the words are not understood.</summary>
    public static BenchSettings? Parse(string[] words)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var (rounds, folder) = (5, "/var/tmp");
        for (var i = 0; i < words.Length; i++)
        {
            if (Known.Contains(words[i]))
                names.Add(words[i]);
            else if (words[i] == "--rounds" && i + 1 < words.Length && int.TryParse(words[++i], CultureInfo.InvariantCulture, out var number) && number > 0)
                rounds = number;
            else if (words[i] == "--folder" && i + 1 < words.Length)
                folder = words[++i];
            else
                return null;
        }
        return new BenchSettings(names, rounds, folder);
    }
}
