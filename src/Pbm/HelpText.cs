namespace Backhaul.Pbm;

/// <summary>Help, written from what the node says of itself.</summary>
internal static class HelpText
{
    public const string OfTool = """
        pbm: operate a Backhaul node

        Usage: pbm [host:port] [command …] [--json] [--yes] [--key KEY]

          host:port     The node's operator port; default 127.0.0.1:9110.
          command …     One command, for instance: pbm session list. Without one, a shell; with input from a pipe, a script.
          --json        One JSON document on each line.
          --yes         Do not ask before what cannot be taken back.
          --key KEY     The operator's key, where the node needs one; better in the variable BACKHAUL_KEY.
          --help        This text; after a command, the command's.
          --version     The tool's version.

        Exit codes: 0 done, 1 refused, 2 wrong words, 3 not decided (try again), 4 not allowed, 5 no node there, 130 Ctrl-C.
        """;

    /// <summary>Help about nothing in particular, a palette, or a command; null when there is no such thing.</summary>
    public static IEnumerable<string>? About(Catalog catalog, IReadOnlyList<string> words)
    {
        if (words.Count == 0)
            return Palettes(catalog);
        if (catalog.Palette(words[0]) is not { } palette)
            return null;
        if (words.Count == 1)
            return Commands(palette);
        return catalog.Command(words) is { } command ? OfCommand(command) : null;
    }

    private static IEnumerable<string> Palettes(Catalog catalog)
    {
        var width = catalog.Palettes.Select(p => p.Name.Length).DefaultIfEmpty().Max();
        foreach (var palette in catalog.Palettes)
            yield return $"{palette.Name.PadRight(width)} | {palette.Help}";
        yield return "help PALETTE says more; Tab completes; exit leaves.";
    }

    private static IEnumerable<string> Commands(CatalogPalette palette)
    {
        yield return palette.Help;
        var width = palette.Commands.Select(c => c.Name.Length).DefaultIfEmpty().Max();
        foreach (var command in palette.Commands)
            yield return $"{palette.Name} {command.Name.PadRight(width)} | {command.Help}";
        yield return $"help {palette.Name} COMMAND says more.";
    }

    private static IEnumerable<string> OfCommand(CatalogCommand command)
    {
        yield return command.Help;
        yield return $"Usage: {command.Usage}";
        foreach (var argument in command.Arguments)
            yield return $"  {argument.Name.ToUpperInvariant()} | {argument.Help}{Choices(argument.Values)}{(argument.Required ? "" : " Optional.")}";
        foreach (var known in command.Switches)
        {
            var names = known.Short is null ? known.Name : $"{known.Name}, {known.Short}";
            yield return $"  {names}{(known.Value is null ? "" : " " + known.Value.ToUpperInvariant())} | {known.Help}{Choices(known.Values)}"
                + (known.Default is null ? "" : $" Default: {known.Default}.");
        }
        if (command.Writes)
            yield return $"It changes something: needs the role {command.Role}, and goes to the node's audit log.";
        if (command.Destructive)
            yield return "It cannot be taken back: the tool asks first, unless --yes is given.";
        if (command.Streams)
            yield return "Ctrl-C ends it.";
    }

    private static string Choices(IReadOnlyList<string>? values) => values is null ? "" : $" One of: {string.Join(", ", values)}.";
}
