using Backhaul.Protocol;

namespace Backhaul.Node.Files.Disk;

/// <summary>From an error number to a failure with a sentence. Sentences name the container and never a path of the machine: clients read them.</summary>
internal static class DiskErrors
{
    /// <param name="act">What could not be done, as in "could not <i>write a part</i>".</param>
    public static StorageException Exception(int errno, ContainerName container, string act) => errno switch
    {
        Errno.NoSpace => new(StorageFailure.Full, $"Container {container} has no room left to {act}. Free space on its disk, or give it a larger one."),
        Errno.Quota => new(StorageFailure.Full, $"The quota of container {container} is used up: could not {act}. Free space, or raise the quota."),
        Errno.FileTooLarge => new(StorageFailure.Full, $"The disk of container {container} cannot hold a file this large: could not {act}."),
        Errno.Access or Errno.NotPermitted =>
            new(StorageFailure.Denied, $"The node may not {act} in container {container}. Give its user the right to write there."),
        Errno.ReadOnly => new(StorageFailure.Denied, $"Container {container} is on a read-only file system: could not {act}. Mount it writable."),
        Errno.TooManyOpen or Errno.TooManyOpenInSystem =>
            new(StorageFailure.Denied, $"Too many open files to {act} in container {container}. Raise the node's limit of open files (ulimit -n)."),
        Errno.CrossDevice =>
            new(StorageFailure.Blocked, $"The two places are on different file systems: could not {act} in container {container}. Copy the file: read it, store it, remove it."),
        Errno.Loop =>
            new(StorageFailure.Blocked, $"A link is in the way: could not {act} in container {container}. Choose another path, or remove the link."),
        Errno.NotFolder =>
            new(StorageFailure.Blocked, $"A part of the path is a file, not a folder: could not {act} in container {container}. Choose another path."),
        Errno.IsFolder or Errno.NotEmpty =>
            new(StorageFailure.Blocked, $"A folder has this name already: could not {act} in container {container}. Choose another path."),
        Errno.NameTooLong => new(StorageFailure.Blocked, $"A name is too long for the disk of container {container}: could not {act}."),
        Errno.NotFound =>
            new(StorageFailure.Failed, $"Something removed files under the node: could not {act} in container {container}."),
        _ => new(StorageFailure.Failed, $"The disk of container {container} failed (error {errno}): could not {act}. Look at the system's log."),
    };
}
