namespace Backhaul.Pbm;

/// <summary>What Tab may put at the cursor: words that go on from <see cref="Partial"/>.</summary>
internal sealed record Completion(string Partial, IReadOnlyList<string> Candidates)
{
    /// <summary>The longest text that all candidates begin with.</summary>
    public string CommonPrefix()
    {
        if (Candidates.Count == 0)
            return Partial;
        var first = Candidates[0];
        var length = first.Length;
        foreach (var other in Candidates)
        {
            var same = 0;
            while (same < length && same < other.Length && other[same] == first[same])
                same++;
            length = same;
        }
        return first[..length];
    }
}

/// <summary>Completes a line from the node's palettes. Pure: a line in, words out.</summary>
internal static class Completer
{
    /// <summary>The shell's own words.</summary>
    public static readonly IReadOnlyList<string> OwnWords = ["help", "exit", "clear"];

    public static Completion Complete(Catalog catalog, string beforeCursor)
    {
        var split = WordSplitter.Split(beforeCursor);
        var words = split.Words.ToList();
        var partial = "";
        if (split.LastIsOpen)
        {
            partial = words[^1];
            words.RemoveAt(words.Count - 1);
        }
        var candidates = split.QuoteIsOpen ? [] : Candidates(catalog, words, partial);
        return new Completion(partial, [.. candidates.Where(c => c.StartsWith(partial, StringComparison.Ordinal)).Order(StringComparer.Ordinal)]);
    }

    private static IEnumerable<string> Candidates(Catalog catalog, List<string> words, string partial)
    {
        var palettes = catalog.Palettes.Select(p => p.Name);
        if (words.Count == 0)
            return palettes.Concat(OwnWords);
        if (words[0] == "help")
        {
            return words.Count switch
            {
                1 => palettes,
                2 => catalog.Palette(words[1])?.Commands.Select(c => c.Name) ?? [],
                _ => [],
            };
        }
        if (words.Count == 1)
            return catalog.Palette(words[0])?.Commands.Select(c => c.Name) ?? [];
        return catalog.Command(words) is { } command ? OfCommand(command, words, partial) : [];
    }

    private static IEnumerable<string> OfCommand(CatalogCommand command, List<string> words, string partial)
    {
        var switches = command.Switches;
        CatalogSwitch? Find(string word) => switches.FirstOrDefault(s => s.Name == word || s.Short == word);

        if (words.Count > 2 && Find(words[^1]) is { Value: not null } waiting)
            return waiting.Values ?? [];
        var positional = 0;
        var used = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 2; i < words.Count; i++)
        {
            if (Find(words[i]) is not { } known)
            {
                positional++;
                continue;
            }
            used.Add(known.Name);
            if (known.Value is not null)
                i++;
        }
        var free = switches.Select(s => s.Name).Where(name => !used.Contains(name)).Append("--yes").Where(name => name != "--yes" || command.Destructive);
        if (partial.StartsWith('-'))
            return free;
        var argument = positional < command.Arguments.Count ? command.Arguments[positional] : null;
        // A required word that nobody can guess: offering switches there would only be in the way.
        return argument switch
        {
            { Values: { } values } => argument.Required ? values : values.Concat(free),
            { Required: true } => [],
            _ => free,
        };
    }
}
