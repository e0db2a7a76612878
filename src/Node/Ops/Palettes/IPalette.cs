namespace Backhaul.Node.Ops.Palettes;

/// <summary>
/// A group of operator's commands. The tool downloads what palettes say of themselves and sends words back, so a new palette or
/// command needs no new tool. A palette holds no state of its own and is called from many requests at once.
/// </summary>
internal interface IPalette
{
    string Name { get; }

    /// <summary>One sentence.</summary>
    string Help { get; }

    IReadOnlyList<PaletteCommand> Commands { get; }
}
