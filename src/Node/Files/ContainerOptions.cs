namespace Backhaul.Node.Files;

/// <summary>One container, bound from <c>Backhaul:Containers:{name}</c>. <see cref="ContainerTable"/> validates all of them together.</summary>
internal sealed record ContainerOptions
{
    /// <summary>Where its files lie. <c>disk</c>: a directory.</summary>
    public string Kind { get; init; } = "disk";

    /// <summary>The directory, absolute or under the current one. Made when missing. The container <c>default</c> has <c>files</c> in the data directory.</summary>
    public string? Path { get; init; }

    /// <summary>True when every node of the cluster reaches the same files at this path. One node alone needs nothing of it.</summary>
    public bool Shared { get; init; }
}
