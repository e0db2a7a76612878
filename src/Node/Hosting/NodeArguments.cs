namespace Backhaul.Node.Hosting;

/// <summary>The command line has options only. What is none would be passed over without a word, and the node would run otherwise than it was meant to.</summary>
internal static class NodeArguments
{
    public const string Usage = """
        Backhaul's node: takes downloads and uploads, and carries them out.

        Usage: Backhaul.Node [--Section:Name=value …]

          --urls=http://127.0.0.1:5080             where clients call
          --Backhaul:Ops:Url=http://127.0.0.1:9110 where operators call (pbm)
          --Backhaul:DataDirectory=./data          the embedded journal and the container default
          --Backhaul:Egress:Allow:0=127.0.0.1:8000 a private address that tasks may contact
          --help                                   this text

        Every option can be a variable as well, with __ for each colon: Backhaul__DataDirectory=./data.
        docs/operations.md lists them all.
        """;

    public static bool AsksForHelp(IReadOnlyList<string> arguments) => arguments.Any(word => word is "--help" or "-h" or "-?");

    /// <summary>Refuses the first word that is neither an option nor an option's value.</summary>
    public static void Check(IReadOnlyList<string> arguments)
    {
        for (var i = 0; i < arguments.Count; i++)
        {
            var word = arguments[i];
            if (word.Contains('=', StringComparison.Ordinal))
                continue;
            if (!word.StartsWith("--", StringComparison.Ordinal) && !word.StartsWith('/'))
                throw Refused($"'{word}' is no option.");
            if (++i == arguments.Count || arguments[i].StartsWith("--", StringComparison.Ordinal))
                throw Refused($"'{word}' has no value.");
        }
    }

    private static NodeStartException Refused(string fault) => new(
        ExitCodes.Configuration, $"{fault} Options are given as --Backhaul:Section:Name=value, or as variables Backhaul__Section__Name; --help says more, and docs/operations.md lists them.");
}
