namespace Backhaul.Node.Ops.Palettes;

/// <summary>
/// From words to an invocation: palette, command, then arguments and switches in any order. <c>--name value</c> and
/// <c>--name=value</c> are the same; after <c>--</c> everything is an argument. <c>--json</c> goes with every command,
/// <c>--reason</c> with every writing one.
/// </summary>
internal static class PaletteParser
{
    public static readonly PaletteSwitch Json = new("--json", "One JSON document on each line.");
    public static readonly PaletteSwitch Reason = new("--reason", "Why, for the audit log.", "text");

    /// <summary>The switches that a command takes, those of all commands included.</summary>
    public static IEnumerable<PaletteSwitch> SwitchesOf(PaletteCommand command) =>
        command.Writes || command.WritesWith is not null ? [.. command.Switches, Reason, Json] : [.. command.Switches, Json];

    /// <summary>Throws <see cref="PaletteUsageException"/> with what is wrong and what would be right.</summary>
    public static PaletteInvocation Parse(IReadOnlyList<IPalette> palettes, IReadOnlyList<string> words)
    {
        if (words.Count == 0)
            throw new PaletteUsageException($"A command starts with a palette: {Names(palettes.Select(p => p.Name))}.");
        var palette = palettes.FirstOrDefault(p => p.Name == words[0])
            ?? throw new PaletteUsageException($"There is no palette '{words[0]}'. There are: {Names(palettes.Select(p => p.Name))}.");
        if (words.Count == 1)
            throw new PaletteUsageException($"{palette.Name} needs a command: {Names(palette.Commands.Select(c => c.Name))}.");
        var command = palette.Commands.FirstOrDefault(c => c.Name == words[1])
            ?? throw new PaletteUsageException($"{palette.Name} has no command '{words[1]}'. It has: {Names(palette.Commands.Select(c => c.Name))}.");

        var arguments = new Dictionary<string, string>(StringComparer.Ordinal);
        var switches = new Dictionary<string, string>(StringComparer.Ordinal);
        var onlyArguments = false;
        for (var i = 2; i < words.Count; i++)
        {
            var word = words[i];
            if (!onlyArguments && word == "--")
                onlyArguments = true;
            else if (!onlyArguments && word.Length > 1 && word[0] == '-')
                i = TakeSwitch(palette, command, words, i, switches);
            else
                TakeArgument(palette, command, word, arguments);
        }
        var missing = command.Arguments.FirstOrDefault(a => a.Required && !arguments.ContainsKey(a.Name));
        if (missing is not null)
            throw new PaletteUsageException($"The {missing.Name} is missing. Usage: {Usage(palette, command)}");
        return new PaletteInvocation(palette, command, arguments, switches, switches.ContainsKey(Json.Name));
    }

    /// <summary>One line, for instance <c>session show SESSION [--tenant TENANT]</c>.</summary>
    public static string Usage(IPalette palette, PaletteCommand command) =>
        string.Join(' ', new[] { palette.Name, command.Name }
            .Concat(command.Arguments.Select(a => a.Required ? a.Name.ToUpperInvariant() : $"[{a.Name.ToUpperInvariant()}]"))
            .Concat(SwitchesOf(command).Select(s => s.Value is null ? $"[{s.Name}]" : $"[{s.Name} {s.Value.ToUpperInvariant()}]")));

    private static int TakeSwitch(IPalette palette, PaletteCommand command, IReadOnlyList<string> words, int at, Dictionary<string, string> into)
    {
        var word = words[at];
        var equals = word.StartsWith("--", StringComparison.Ordinal) ? word.IndexOf('=') : -1;
        var name = equals < 0 ? word : word[..equals];
        var known = SwitchesOf(command).FirstOrDefault(s => s.Name == name || s.Short == name)
            ?? throw new PaletteUsageException($"{palette.Name} {command.Name} has no switch {name}. Usage: {Usage(palette, command)}");
        string value;
        if (known.Value is null)
        {
            if (equals >= 0)
                throw new PaletteUsageException($"{known.Name} takes no value.");
            value = "";
        }
        else if (equals >= 0)
            value = word[(equals + 1)..];
        else if (at + 1 < words.Count)
            value = words[++at];
        else
            throw new PaletteUsageException($"{known.Name} needs a value: {known.Help}");
        if (known.Values is not null && !known.Values.Contains(value, StringComparer.Ordinal))
            throw new PaletteUsageException($"{known.Name} is '{value}'. It is one of: {Names(known.Values)}.");
        if (!into.TryAdd(known.Name, value))
            throw new PaletteUsageException($"{known.Name} is given twice.");
        return at;
    }

    private static void TakeArgument(IPalette palette, PaletteCommand command, string word, Dictionary<string, string> into)
    {
        if (into.Count == command.Arguments.Count)
            throw new PaletteUsageException($"'{word}' is one word too many. Usage: {Usage(palette, command)}");
        var argument = command.Arguments[into.Count];
        if (argument.Values is not null && !argument.Values.Contains(word, StringComparer.Ordinal))
            throw new PaletteUsageException($"{argument.Name} is '{word}'. It is one of: {Names(argument.Values)}.");
        into.Add(argument.Name, word);
    }

    private static string Names(IEnumerable<string> names) => string.Join(", ", names);
}
