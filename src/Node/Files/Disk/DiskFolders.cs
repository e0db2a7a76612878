using Backhaul.Protocol;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Files.Disk;

/// <summary>
/// A container's folders, opened once at start and held. What does not work is said before the node takes its first task:
/// <see cref="OptionsValidationException"/> with a sentence.
/// </summary>
internal sealed record DiskFolders(SafeFileHandle Root, SafeFileHandle Parts, SafeFileHandle Staging, SafeFileHandle StagingLock, int Swept)
{
    public const string LockName = "lock";
    private const string DoorName = "opening";

    /// <param name="process">Names this process's staging folder; never used before.</param>
    /// <param name="sweepBefore">
    /// A container that other machines share: only what was last touched before this moment is swept. A lock that is free here may be held there, when the
    /// file system does not carry locks from one machine to another. Null: the lock alone says who is dead.
    /// </param>
    public static DiskFolders Open(ContainerName name, string path, IDiskCalls calls, string process, DateTimeOffset? sweepBefore)
    {
        var missing = Missing(path);
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw Unusable(name, path, $"cannot be made ({refused.Message.TrimEnd('.')})");
        }
        var opening = new Opening(name, path, calls, sweepBefore);
        opening.FlushParents(missing);
        return opening.Open(process);
    }

    /// <summary>The directory and those above it that are not there yet.</summary>
    private static List<string> Missing(string path)
    {
        var missing = new List<string>();
        for (var at = path; at is not null && !Directory.Exists(at); at = Path.GetDirectoryName(at))
            missing.Add(at);
        return missing;
    }

    private static OptionsValidationException Unusable(ContainerName name, string path, string what) =>
        new($"Backhaul:Containers:{name}", typeof(ContainerOptions),
            [$"The directory {path} of container {name} {what}. Give the node's user the right to write there, "
                + $"or choose another directory by Backhaul:Containers:{name}:Path (the default container lies in Backhaul:DataDirectory)."]);

    private sealed class Opening(ContainerName name, string path, IDiskCalls calls, DateTimeOffset? sweepBefore)
    {
        public DiskFolders Open(string process)
        {
            Check(calls.OpenRoot(path, out var root), "cannot be opened");
            ProbeRoot(root, process);
            var hidden = Make(root, HiddenNames.Hidden);
            var parts = Make(hidden, HiddenNames.Parts);
            Make(hidden, HiddenNames.Results).Dispose();
            using var allStaging = Make(hidden, HiddenNames.Staging);
            using var door = Door(hidden);
            var swept = Sweep(allStaging);
            var staging = Make(allStaging, process);
            Check(calls.OpenFile(staging, LockName, FileUse.CreateNew, out var held), "cannot be written");
            Check(calls.TryLock(held), "is on a file system without locks");
            hidden.Dispose();
            return new DiskFolders(root, parts, staging, held, swept);
        }

        /// <summary>
        /// Nodes that share the container come in one at a time: a folder whose lock is not held yet looks like one of a dead process. The wait is
        /// that of a few calls, and ends with the process that is waited for.
        /// </summary>
        private SafeFileHandle Door(SafeFileHandle hidden)
        {
            if (calls.OpenFile(hidden, DoorName, FileUse.CreateNew, out var door) != 0)
                Check(calls.OpenFile(hidden, DoorName, FileUse.ReadWrite, out door), "cannot be written");
            Check(calls.Lock(door), "is on a file system without locks");
            return door;
        }

        /// <summary>A directory that was just made survives a power cut only with its entry.</summary>
        public void FlushParents(IEnumerable<string> made)
        {
            foreach (var directory in made)
            {
                Check(calls.OpenRoot(Path.GetDirectoryName(directory)!, out var parent), "lies in a directory that cannot be opened");
                using (parent)
                    Check(calls.Flush(parent), "lies in a directory that cannot be flushed");
            }
        }

        private void ProbeRoot(SafeFileHandle root, string process)
        {
            var probe = $"{HiddenNames.Hidden}-probe-{process}";
            Check(calls.MakeFolder(root, probe), "cannot be written");
            Check(calls.RemoveFolder(root, probe), "cannot be written");
        }

        private SafeFileHandle Make(SafeFileHandle parent, string folderName)
        {
            var errno = calls.MakeFolder(parent, folderName);
            if (errno != Errno.Exists)
                Check(errno, "cannot be written");
            Check(calls.OpenFolder(parent, folderName, out var folder), $"has a {HiddenNames.Hidden} folder that cannot be opened");
            return folder;
        }

        /// <summary>Files on their way in of processes that are dead: nobody holds their lock. Parts and results are never touched.</summary>
        private int Sweep(SafeFileHandle allStaging)
        {
            var swept = 0;
            var processes = new List<string>();
            Check(calls.List(allStaging, processes), "cannot be read");
            foreach (var process in processes)
            {
                if (calls.OpenFolder(allStaging, process, out var folder) != 0)
                    continue;
                using (folder)
                {
                    if (!IsOld(folder))
                        continue;
                    // Without a lock file the process died while it came in: the folder is empty.
                    if (calls.OpenFile(folder, LockName, FileUse.ReadWrite, out var held) == 0)
                    {
                        using (held)
                        {
                            if (calls.TryLock(held) != 0)
                                continue;
                            swept += Empty(folder);
                        }
                    }
                }
                _ = calls.RemoveFolder(allStaging, process);
            }
            return swept;
        }

        /// <summary>By the newest of the folder and its files; one that vanishes meanwhile is somebody's at work.</summary>
        private bool IsOld(SafeFileHandle folder)
        {
            if (sweepBefore is not { } moment)
                return true;
            var names = new List<string?> { null };
            Check(calls.List(folder, names!), "cannot be read");
            var before = (moment - DateTimeOffset.UnixEpoch).Ticks * 100;
            return names.TrueForAll(file => calls.Status(folder, file, out var status) == 0 && status.ModifiedNs < before);
        }

        private int Empty(SafeFileHandle folder)
        {
            var names = new List<string>();
            Check(calls.List(folder, names), "cannot be read");
            foreach (var leftover in names)
                Check(calls.Unlink(folder, leftover), "cannot be swept");
            return names.Count - 1;
        }

        private void Check(int errno, string what)
        {
            if (errno == 0)
                return;
            var reason = errno switch
            {
                Errno.Access or Errno.NotPermitted => "permission denied",
                Errno.ReadOnly => "the file system is read-only",
                Errno.NoSpace => "no room is left on its disk",
                Errno.Quota => "the quota is used up",
                Errno.Loop => "a link is in the way",
                Errno.NotFolder => "it is not a directory",
                _ => $"error {errno}",
            };
            throw Unusable(name, path, $"{what}: {reason}");
        }
    }
}
