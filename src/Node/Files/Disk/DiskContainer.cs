using System.Globalization;
using Backhaul.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Files.Disk;

/// <summary>
/// One container: a directory with <c>{tenant}/…</c>, the tree that clients see, and the hidden <c>.backhaul/</c> beside it, on the
/// same file system, so that a rename brings a finished file into place.
/// <code>
/// .backhaul/parts/{stem}/{part}       running and interrupted downloads, a folder for each task
/// .backhaul/results/{stem}            finished downloads that named no destination
/// .backhaul/staging/{process}/{n}     files on their way in; a process that died is known by its free lock (in a shared container: and
///                                     by a day without a change), and swept
/// </code>
/// Invariants: no link is followed anywhere below the root. A name of the visible tree always shows a whole file: files arrive by
/// rename, after their flush. When <see cref="Publish"/> returns, the file and every folder made for it survive a power cut.
/// All methods block and are called on file threads.
/// </summary>
internal sealed class DiskContainer : IDisposable
{
    private const int RoundsMax = 16;
    private const string PartsPath = HiddenNames.Hidden + "/" + HiddenNames.Parts;

    private readonly SafeFileHandle _root;
    private readonly Lock _stagingGate = new();
    private readonly string _stagingPath;
    private SafeFileHandle _staging;
    private SafeFileHandle _stagingLock;
    private readonly DirectoryFlusher _flusher;
    private readonly ICrashPoints _crashPoints;
    private readonly PathLocks _paths;

    private readonly DurableFolders _durable = new();
    private long _staged;

    internal DiskContainer(ContainerName name, DiskFolders folders, string process, IDiskCalls calls, ICrashPoints crashPoints, PathLocks paths)
    {
        Name = name;
        Calls = calls;
        Parts = folders.Parts;
        _root = folders.Root;
        _stagingPath = $"{HiddenNames.Hidden}/{HiddenNames.Staging}/{process}";
        _staging = folders.Staging;
        _stagingLock = folders.StagingLock;
        _crashPoints = crashPoints;
        _paths = paths;
        _flusher = new DirectoryFlusher(calls);
    }

    public ContainerName Name { get; }

    public IDiskCalls Calls { get; }

    /// <summary>The folder of the tasks' part folders.</summary>
    public SafeFileHandle Parts { get; }

    public void Check(int errno, string act)
    {
        if (errno != 0)
            throw DiskErrors.Exception(errno, Name, act);
    }

    /// <summary>A new file on its way in; it disappears unless it is published.</summary>
    public StagedFile Stage(long? length)
    {
        var name = Interlocked.Increment(ref _staged).ToString(CultureInfo.InvariantCulture);
        var staging = Volatile.Read(ref _staging);
        var errno = Calls.OpenFile(staging, name, FileUse.CreateNew, out var file);
        if (errno == Errno.NotFound)
        {
            staging = StagingAfter(staging);
            errno = Calls.OpenFile(staging, name, FileUse.CreateNew, out file);
        }
        Check(errno, "create a file");
        var staged = new StagedFile(this, staging, name, file);
        errno = length is > 0 ? Calls.Reserve(file, length.Value) : 0;
        if (errno != 0)
            staged.Dispose();
        Check(errno, "reserve a file's length");
        return staged;
    }

    /// <summary>
    /// Flush and rename into place, then the folders. The crash points are <c>{scope}.write flush rename directoryFlush</c>. A flush may take as long as a
    /// lease, so the owner is asked after it, with nothing but the rename itself to come.
    /// </summary>
    /// <returns>True when the name was free.</returns>
    public bool Publish(
        SafeFileHandle file, SafeFileHandle from, string name, Place place, bool flush, string scope, PartOwner? owner, FileCondition? condition = null)
    {
        _crashPoints.Reach(scope + ".write");
        if (flush)
        {
            var errno = Calls.Flush(file);
            if (errno != 0)
                throw FlushFailed(errno);
            _crashPoints.Reach(scope + ".flush");
        }
        var (folder, isNew) = Move(from, name, place, owner, condition);
        using (folder)
        {
            _crashPoints.Reach(scope + ".rename");
            FlushFolder(place.Folder, folder);
        }
        _crashPoints.Reach(scope + ".directoryFlush");
        return isNew;
    }

    /// <summary>What was written since the last good flush may be gone, and asking again would not say so.</summary>
    public StorageException FlushFailed(int errno) =>
        new(StorageFailure.Failed, $"The disk of container {Name} failed to flush a file (error {errno}): it is fetched again. Look at the system's log.");

    /// <summary>An open file and what the disk says of it; null when there is none of that name.</summary>
    public (SafeFileHandle File, FileStatus Status)? OpenRead(Place place)
    {
        using var folder = OpenFolder(place.Folder, "read a file");
        if (folder is null)
            return null;
        var errno = Calls.OpenFile(folder, place.Name, FileUse.Read, out var file);
        if (errno is Errno.NotFound or Errno.NoDevice)
            return null;
        Check(errno, "read a file");
        errno = Calls.Status(file, null, out var status);
        if (errno == 0 && status.Kind == EntryKind.File)
            return (file, status);
        file.Dispose();
        Check(errno, "read a file");
        return null;
    }

    /// <summary>What lies at a place, without opening it; null when nothing does.</summary>
    public FileStatus? Look(Place place)
    {
        using var folder = OpenFolder(place.Folder, "look for a file");
        if (folder is null)
            return null;
        var errno = Calls.Status(folder, place.Name, out var status);
        if (errno == Errno.NotFound)
            return null;
        Check(errno, "look for a file");
        return status;
    }

    /// <summary>Makes a file's name durable that a process renamed which died before its flush.</summary>
    public void FlushPlace(Place place)
    {
        using var folder = OpenFolder(place.Folder, "flush a folder");
        if (folder is not null)
            FlushFolder(place.Folder, folder);
    }

    /// <summary>
    /// Renames a file, within this container or into <paramref name="target"/>, durably: after a power cut it lies at one of the two places, and at the new
    /// one once this has returned. Null when there is none; a move whose answer was lost is recognised by the condition, which then holds of the target.
    /// </summary>
    public (FileStatus Status, bool IsNew)? MoveTo(DiskContainer target, Place place, Place to, FileCondition? condition, bool replaces)
    {
        var moved = _paths.Within((this, place), (target, to), () => Rename(target, place, to, condition, replaces));
        if (moved is null && condition is not null && target.Look(to) is { Kind: EntryKind.File } there && Holds(condition, there))
        {
            target.FlushPlace(to);
            return (there, false);
        }
        if (moved is not null)
        {
            target.FlushPlace(to);
            FlushPlace(place);
            Prune(place.Folder);
        }
        return moved;
    }

    /// <summary>Removes a file, durably, and the folders that it leaves empty. False when there is none.</summary>
    public bool Delete(Place place, FileCondition? condition = null)
    {
        using (var folder = OpenFolder(place.Folder, "delete a file"))
        {
            if (folder is null || !Unlink(folder, place, condition))
                return false;
            Check(_flusher.Flush(place.Folder, folder), "flush a folder");
        }
        Prune(place.Folder);
        return true;
    }

    /// <summary>Removes a file if it is there. Not durable: it is for what is of no use any more.</summary>
    public void Remove(Place place)
    {
        using var folder = OpenFolder(place.Folder, "remove a file");
        var errno = folder is null ? 0 : Calls.Unlink(folder, place.Name);
        if (errno != Errno.NotFound)
            Check(errno, "remove a file");
    }

    /// <summary>Makes the entries of a task's part folder durable, and the folder itself.</summary>
    public void FlushPartFolder(string stem, SafeFileHandle folder)
    {
        Check(_flusher.Flush($"{PartsPath}/{stem}", folder), "flush a folder");
        FlushFolder(PartsPath, Parts);
    }

    /// <summary>Named moments for tests of recovery.</summary>
    public void Reach(string crashPoint) => _crashPoints.Reach(crashPoint);

    public void Dispose()
    {
        // Nothing of ours is on its way any more; what a crash leaves here is swept by the next start.
        _stagingLock.Dispose();
        _staging.Dispose();
        Parts.Dispose();
        _root.Dispose();
    }

    /// <summary>An empty folder goes as soon as nothing is in it, so that its name is free for a file, as on an object store.</summary>
    private void Prune(string path)
    {
        while (path.LastIndexOf('/') is > 0 and var slash && !path.StartsWith(HiddenNames.Hidden, StringComparison.Ordinal))
        {
            using var parent = OpenFolder(path[..slash], "remove an empty folder");
            if (parent is null || Calls.RemoveFolder(parent, path[(slash + 1)..]) != 0)
                return;
            path = path[..slash];
        }
    }

    /// <summary>A node that does not see this one's lock took the folder, idle for long, for that of a dead process: another one, once for all who find out.</summary>
    private SafeFileHandle StagingAfter(SafeFileHandle gone)
    {
        lock (_stagingGate)
        {
            if (!ReferenceEquals(_staging, gone))
                return _staging;
            var folder = OpenOrMake(_stagingPath);
            Check(Calls.OpenFile(folder, DiskFolders.LockName, FileUse.CreateNew, out var held), "create a file");
            Check(Calls.TryLock(held), "lock its staging folder");
            _stagingLock.Dispose();
            _stagingLock = held;
            Volatile.Write(ref _staging, folder);
            return folder;
        }
    }

    private (FileStatus Status, bool IsNew)? Rename(DiskContainer target, Place place, Place to, FileCondition? condition, bool replaces)
    {
        using var from = OpenFolder(place.Folder, "move a file");
        if (from is null)
            return null;
        var errno = Calls.Status(from, place.Name, out var status);
        if (errno == Errno.NotFound || (errno == 0 && status.Kind != EntryKind.File))
            return null;
        Check(errno, "move a file");
        Require(condition, status);
        var (folder, isNew) = target.Move(from, place.Name, to, owner: null, replaces ? null : FileCondition.Free);
        folder.Dispose();
        return (status, isNew);
    }

    private bool Unlink(SafeFileHandle folder, Place place, FileCondition? condition)
    {
        using var alone = _paths.Enter(this, place);
        var errno = Calls.Status(folder, place.Name, out var status);
        if (errno == Errno.NotFound || (errno == 0 && status.Kind != EntryKind.File))
            return false;
        Check(errno, "delete a file");
        Require(condition, status);
        errno = Calls.Unlink(folder, place.Name);
        if (errno == Errno.NotFound)
            return false;
        Check(errno, "delete a file");
        return true;
    }

    private static void Require(FileCondition? condition, FileStatus? present)
    {
        if (condition is not null && !Holds(condition, present))
            throw new FileConditionException();
    }

    private static bool Holds(FileCondition condition, FileStatus? present) => present is { } status
        ? condition.Holds(DiskContainers.ETagOf(status), DiskContainers.TimeOf(status))
        : condition.Holds(null, null);

    private (SafeFileHandle Folder, bool IsNew) Move(SafeFileHandle from, string name, Place place, PartOwner? owner, FileCondition? condition)
    {
        for (var round = 1; ; round++)
        {
            var folder = OpenOrMake(place.Folder);
            try
            {
                using var alone = _paths.Enter(this, place);
                var errno = Calls.Status(folder, place.Name, out var present);
                if (errno == 0 && present.Kind != EntryKind.File)
                    errno = present.Kind == EntryKind.Folder ? Errno.IsFolder : Errno.Loop;
                var isNew = errno == Errno.NotFound;
                if (isNew || errno == 0)
                {
                    Require(condition, isNew ? null : present);
                    owner?.Check();
                    errno = condition is { MustBeFree: true }
                        ? Calls.RenameNew(from, name, folder, place.Name)
                        : Calls.Rename(from, name, folder, place.Name);
                    if (errno == Errno.Exists)
                        throw new FileConditionException(); // another node was faster
                }
                if (errno == 0)
                {
                    var moved = folder;
                    folder = null;
                    return (moved, isNew);
                }
                // The folder was removed as empty between opening and renaming; unless it is the file that is gone.
                if (errno != Errno.NotFound || round == RoundsMax || Calls.Status(from, name, out _) != 0)
                    throw DiskErrors.Exception(errno, Name, "move a file into place");
            }
            finally
            {
                folder?.Dispose();
            }
        }
    }

    /// <summary>The container's root, to be listed.</summary>
    internal SafeFileHandle OpenRoot()
    {
        Check(Calls.OpenFolder(_root, ".", out var folder), "list a container");
        return folder;
    }

    /// <summary>Null when there is none.</summary>
    internal SafeFileHandle? OpenFolder(string path, string act)
    {
        var errno = Calls.OpenFolder(_root, path, out var folder);
        if (errno is Errno.NotFound or Errno.NotFolder)
            return null;
        Check(errno, act);
        return folder;
    }

    internal SafeFileHandle OpenOrMake(string path)
    {
        var errno = Calls.OpenFolder(_root, path, out var folder);
        for (var round = 1; errno == Errno.NotFound && round <= RoundsMax; round++)
        {
            errno = MakeAll(path);
            if (errno == 0)
                errno = Calls.OpenFolder(_root, path, out folder);
        }
        Check(errno, "make a file's folder");
        return folder;
    }

    private int MakeAll(string path)
    {
        var parent = _root;
        var start = 0;
        while (true)
        {
            var slash = path.IndexOf('/', start);
            var name = slash < 0 ? path[start..] : path[start..slash];
            var errno = Calls.OpenFolder(parent, name, out var next);
            if (errno == Errno.NotFound)
            {
                _durable.Forget(slash < 0 ? path : path[..slash]);
                errno = Calls.MakeFolder(parent, name);
                if (errno is 0 or Errno.Exists)
                    errno = Calls.OpenFolder(parent, name, out next);
            }
            if (!ReferenceEquals(parent, _root))
                parent.Dispose();
            if (errno != 0 || slash < 0)
            {
                next.Dispose();
                return errno;
            }
            parent = next;
            start = slash + 1;
        }
    }

    /// <summary>The entries of a folder; and once in this process, for whoever made it, the folder's own entry and those above it.</summary>
    internal void FlushFolder(string path, SafeFileHandle folder)
    {
        Check(_flusher.Flush(path, folder), "flush a folder");
        if (_durable.Contains(path))
            return;
        var claims = new List<DurableFolders.Claim>();
        for (var above = path; above.Length > 0 && !_durable.Contains(above);)
        {
            claims.Add(_durable.Begin(above));
            above = above.LastIndexOf('/') is > 0 and var slash ? above[..slash] : "";
            using var parent = above.Length == 0 ? null : OpenFolder(above, "flush a folder");
            Check(_flusher.Flush(above, parent ?? _root), "flush a folder");
        }
        _durable.Add(claims);
    }
}
