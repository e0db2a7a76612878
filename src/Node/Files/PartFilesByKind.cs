using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>The files of running transfers in all containers of the node; each call goes to the kind that has the container it names.</summary>
internal sealed class PartFilesByKind(ContainerKinds kinds) : IPartFiles
{
    public ValueTask<IPartFile> CreateAsync(TaskFiles files, PartOwner owner, long? length, long? expected, CancellationToken stop) =>
        Of(files).CreateAsync(files, owner, length, expected, stop);

    public ValueTask<IPartFile?> AdoptAsync(TaskFiles files, PartOwner owner, PartCheckpoint checkpoint, CancellationToken stop) =>
        Of(files).AdoptAsync(files, owner, checkpoint, stop);

    public ValueTask<FileView> PublishWholeAsync(
        TaskFiles files, PartOwner owner, ReadOnlyMemory<byte> content, string? sha256, bool flush, CancellationToken stop) =>
        Of(files).PublishWholeAsync(files, owner, content, sha256, flush, stop);

    public ValueTask<FileView?> FindPublishedAsync(TaskFiles files, long epoch, PartCheckpoint checkpoint, CancellationToken stop) =>
        Of(files).FindPublishedAsync(files, epoch, checkpoint, stop);

    public ValueTask DiscardAsync(TaskFiles files, long epoch, bool resultToo, CancellationToken stop) =>
        Of(files).DiscardAsync(files, epoch, resultToo, stop);

    public ValueTask<KeepOutcome> KeepAsync(TaskFiles files, PartOwner owner, KeptPart kept, CancellationToken stop) =>
        Of(files).KeepAsync(files, owner, kept, stop);

    /// <summary>Only disks keep parts, so a disk finds the part, or that its container is gone, by itself.</summary>
    public ValueTask<KeptCopy> CopyKeptAsync(TaskFiles files, PartOwner owner, KeptPart kept, CancellationToken stop) =>
        Of(files).CopyKeptAsync(files, owner, kept, stop);

    public ValueTask<IUploadSource?> OpenSourceAsync(TenantId tenant, ContainerName container, ContainerPath path, CancellationToken stop) =>
        kinds.Of(container).Parts.OpenSourceAsync(tenant, container, path, stop);

    private IPartFiles Of(TaskFiles files) => kinds.Of(files.Container).Parts;
}
