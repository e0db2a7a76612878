namespace Backhaul.Node.Ops.Palettes;

/// <summary>Carries out a parsed command and says how it went.</summary>
internal delegate ValueTask<PaletteExit> PaletteHandler(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop);

/// <summary>A command of a palette: what the tool shows and completes, and what carries it out.</summary>
internal sealed record PaletteCommand
{
    public required string Name { get; init; }

    /// <summary>One sentence.</summary>
    public required string Help { get; init; }
    public IReadOnlyList<PaletteArgument> Arguments { get; init; } = [];
    public IReadOnlyList<PaletteSwitch> Switches { get; init; } = [];
    public OperatorRole Role { get; init; } = OperatorRole.Viewer;

    /// <summary>Changes something: takes <c>--reason</c> and goes to the audit log.</summary>
    public bool Writes { get; init; }

    /// <summary>An optional argument that makes the command a writing one; without it anybody may run it.</summary>
    public string? WritesWith { get; init; }

    /// <summary>Cannot be taken back: the tool asks first, and the node refuses without a confirmation.</summary>
    public bool Destructive { get; init; }

    /// <summary>Goes on until the caller leaves.</summary>
    public bool Streams { get; init; }
    public required PaletteHandler Run { get; init; }

    /// <summary>Whether these words of it change something.</summary>
    public bool ChangesSomething(PaletteInvocation invocation) => Writes || (WritesWith is { } argument && invocation.Optional(argument) is not null);
}

/// <summary>A positional word.</summary>
internal sealed record PaletteArgument(string Name, string Help, bool Required = true)
{
    /// <summary>The words it may be; null for free text.</summary>
    public IReadOnlyList<string>? Values { get; init; }
}

/// <summary>A word that starts with a dash. <see cref="Value"/> names what follows it; null for a flag.</summary>
internal sealed record PaletteSwitch(string Name, string Help, string? Value = null)
{
    /// <summary>One dash and one letter.</summary>
    public string? Short { get; init; }
    public string? Default { get; init; }

    /// <summary>The words its value may be; null for free text.</summary>
    public IReadOnlyList<string>? Values { get; init; }
}

/// <summary>How a command ended; the number is the exit code of <c>pbm</c>.</summary>
internal enum PaletteExit
{
    Done = 0,

    /// <summary>Understood and refused, or failed.</summary>
    Refused = 1,

    /// <summary>The words make no command.</summary>
    Usage = 2,

    /// <summary>Not decided; the same command may be sent again.</summary>
    TryAgain = 3,

    /// <summary>The caller's role does not suffice.</summary>
    NotAllowed = 4,
}
