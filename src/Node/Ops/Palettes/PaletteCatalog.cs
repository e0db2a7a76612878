using System.Text.Json.Serialization;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>What <c>GET /pbm/palettes</c> answers: everything the tool knows.</summary>
internal sealed record PaletteCatalog(NodeCard Node, IReadOnlyList<PaletteView> Palettes)
{
    public static PaletteCatalog Of(NodeCard node, IReadOnlyList<IPalette> palettes) =>
        new(node, [.. palettes.Select(p => new PaletteView(p.Name, p.Help, [.. p.Commands.Select(c => CommandView.Of(p, c))]))]);
}

internal sealed record NodeCard(string Name, string Version);

internal sealed record PaletteView(string Name, string Help, IReadOnlyList<CommandView> Commands);

internal sealed record CommandView(
    string Name, string Help, string Usage, string Role, bool Writes, bool Destructive, bool Streams,
    IReadOnlyList<ArgumentView> Arguments, IReadOnlyList<SwitchView> Switches)
{
    public static CommandView Of(IPalette palette, PaletteCommand command) => new(
        command.Name, command.Help, PaletteParser.Usage(palette, command), command.Role.ToString().ToLowerInvariant(),
        command.Writes || command.WritesWith is not null, command.Destructive, command.Streams,
        [.. command.Arguments.Select(a => new ArgumentView(a.Name, a.Help, a.Required, a.Values))],
        [.. PaletteParser.SwitchesOf(command).Select(s => new SwitchView(s.Name, s.Short, s.Help, s.Value, s.Default, s.Values))]);
}

internal sealed record ArgumentView(string Name, string Help, bool Required, IReadOnlyList<string>? Values);

internal sealed record SwitchView(string Name, string? Short, string Help, string? Value, string? Default, IReadOnlyList<string>? Values);

/// <summary>What <c>POST /pbm/execute</c> takes. <see cref="Confirmed"/> says that a person, or <c>--yes</c>, agreed to a destructive command.</summary>
internal sealed record ExecuteRequest
{
    public IReadOnlyList<string>? Words { get; init; }
    public bool Confirmed { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PaletteCatalog))]
[JsonSerializable(typeof(ExecuteRequest))]
[JsonSerializable(typeof(HealthView))]
internal sealed partial class OpsJson : JsonSerializerContext;

/// <summary>What the health paths answer.</summary>
internal sealed record HealthView(string Status, string Sentence);
