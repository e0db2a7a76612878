using System.Text.Json.Serialization;

namespace Backhaul.Pbm;

/// <summary>What a node says of its commands. Fields that this tool does not know are ignored, so that it works with newer nodes.</summary>
internal sealed record Catalog
{
    public CatalogNode? Node { get; init; }
    public IReadOnlyList<CatalogPalette> Palettes { get; init; } = [];

    public CatalogPalette? Palette(string name) => Palettes.FirstOrDefault(p => p.Name == name);

    /// <summary>The command that these words begin with.</summary>
    public CatalogCommand? Command(IReadOnlyList<string> words) =>
        words.Count < 2 ? null : Palette(words[0])?.Commands.FirstOrDefault(c => c.Name == words[1]);
}

internal sealed record CatalogNode
{
    public string Name { get; init; } = "";
    public string Version { get; init; } = "";
}

internal sealed record CatalogPalette
{
    public string Name { get; init; } = "";
    public string Help { get; init; } = "";
    public IReadOnlyList<CatalogCommand> Commands { get; init; } = [];
}

internal sealed record CatalogCommand
{
    public string Name { get; init; } = "";
    public string Help { get; init; } = "";
    public string Usage { get; init; } = "";
    public string Role { get; init; } = "";
    public bool Writes { get; init; }
    public bool Destructive { get; init; }
    public bool Streams { get; init; }
    public IReadOnlyList<CatalogArgument> Arguments { get; init; } = [];
    public IReadOnlyList<CatalogSwitch> Switches { get; init; } = [];
}

internal sealed record CatalogArgument
{
    public string Name { get; init; } = "";
    public string Help { get; init; } = "";
    public bool Required { get; init; }
    public IReadOnlyList<string>? Values { get; init; }
}

internal sealed record CatalogSwitch
{
    public string Name { get; init; } = "";
    public string? Short { get; init; }
    public string Help { get; init; } = "";

    /// <summary>What follows the switch; null for a flag.</summary>
    public string? Value { get; init; }
    public string? Default { get; init; }
    public IReadOnlyList<string>? Values { get; init; }
}

/// <summary>What is sent to run a command.</summary>
internal sealed record ExecuteRequest(IReadOnlyList<string> Words, bool Confirmed);

/// <summary>One record of the answer: exactly one field is set.</summary>
internal sealed record OutputRecord
{
    public string? Line { get; init; }
    public string? Error { get; init; }
    public int? Exit { get; init; }
}

/// <summary>What a node answers instead, when it does not run the command.</summary>
internal sealed record NodeProblem
{
    public string? Code { get; init; }
    public string? Detail { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, PropertyNameCaseInsensitive = false)]
[JsonSerializable(typeof(Catalog))]
[JsonSerializable(typeof(ExecuteRequest))]
[JsonSerializable(typeof(OutputRecord))]
[JsonSerializable(typeof(NodeProblem))]
internal sealed partial class ToolJson : JsonSerializerContext;
