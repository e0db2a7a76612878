using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>Where a container's files lie, by the words of the configuration, and who serves each of them.</summary>
/// <param name="Kinds">Each kind that is in use.</param>
internal sealed record ContainerKinds(IReadOnlyList<(IContainers Containers, IPartFiles Parts)> Kinds)
{
    public const string Disk = "disk";
    public const string S3 = "s3";

    public bool Exists(ContainerName container) => Kinds.Any(kind => kind.Containers.Exists(container));

    /// <summary>The kind that has a container, or a <see cref="StorageException"/> for one that a node of another configuration knew.</summary>
    public (IContainers Containers, IPartFiles Parts) Of(ContainerName container)
    {
        foreach (var kind in Kinds)
        {
            if (kind.Containers.Exists(container))
                return kind;
        }
        throw new StorageException(
            StorageFailure.Denied, $"The container {container} is not configured on this node. Configure it under Backhaul:Containers:{container}, as on the other nodes.");
    }
}
