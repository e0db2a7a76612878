using Backhaul.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Files.Disk;

/// <summary>
/// The hidden folders of disk containers, for whoever sweeps them. A part is judged by the newest of its files; removing one unlinks only names that were
/// old when they were looked at, so that an adoption or a new attempt in between, which makes another name, loses nothing.
/// </summary>
internal sealed class DiskLeftovers(DiskContainers containers, ContainerTable table, FilesOptions options, IFileWork work, TimeProvider time) : ILeftovers
{
    private const string SweepName = "sweep";

    public IReadOnlyList<ContainerName> Containers => containers.Names;

    public async ValueTask<ISweepTurn?> EnterAsync(ContainerName container, TimeSpan notWithin, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return await work.RunAsync(static s => s.self.Enter(s.target, s.notWithin), (self: this, target: containers.Get(container), notWithin));
    }

    public ValueTask<IReadOnlyList<Leftover>> ListAsync(
        ContainerName container, LeftoverKind kind, string? after, int max, DateTimeOffset before, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return work.RunAsync(
            static s => (IReadOnlyList<Leftover>)s.self.List(s.target, s.kind, s.after, s.max, s.before), (self: this, target: containers.Get(container), kind, after, max, before));
    }

    public ValueTask<bool> RemoveAsync(Leftover leftover, DateTimeOffset before, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return work.RunAsync(static s => s.self.Remove(s.target, s.leftover, s.before), (self: this, target: containers.Get(leftover.Container), leftover, before));
    }

    public async ValueTask<ContainerUsage> MeasureAsync(ContainerName container, CancellationToken stop)
    {
        var target = containers.Get(container);
        var hidden = new Dictionary<LeftoverKind, FileTally>();
        foreach (var kind in Enum.GetValues<LeftoverKind>())
            hidden[kind] = await MeasureAsync(target, PathOf(kind), stop);
        var files = new FileTally();
        foreach (var tenant in await ListAsync(target, ""))
        {
            if (tenant != HiddenNames.Hidden)
                files = await MeasureAsync(target, tenant, stop) is var tally ? files.Plus(tally.Count, tally.Bytes) : files;
        }
        return new ContainerUsage(files, hidden[LeftoverKind.Part], hidden[LeftoverKind.Result], hidden[LeftoverKind.Staging], hidden[LeftoverKind.Upload], hidden[LeftoverKind.Kept]);
    }

    public ValueTask<ContainerFacts> DescribeAsync(ContainerName container, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return work.RunAsync(
            static options => new ContainerFacts(options.Kind, options.Path!, options.Shared, new DriveInfo(options.Path!).AvailableFreeSpace), table.Containers[container]);
    }

    private static string PathOf(LeftoverKind kind) => kind switch
    {
        LeftoverKind.Part => $"{HiddenNames.Hidden}/{HiddenNames.Parts}",
        LeftoverKind.Result => ResultPath.Folder,
        LeftoverKind.Staging => $"{HiddenNames.Hidden}/{HiddenNames.Staging}",
        LeftoverKind.Kept => DiskKeptParts.Root,
        _ => UploadFolder.Root,
    };

    private SweepTurn? Enter(DiskContainer container, TimeSpan notWithin)
    {
        using var hidden = container.OpenOrMake(HiddenNames.Hidden);
        var isNew = container.Calls.OpenFile(hidden, SweepName, FileUse.CreateNew, out var mark) == 0;
        if (!isNew)
            container.Check(container.Calls.OpenFile(hidden, SweepName, FileUse.ReadWrite, out mark), "open the sweeper's lock");
        var errno = container.Calls.TryLock(mark);
        if (errno == 0)
        {
            container.Check(container.Calls.Status(mark, null, out var status), "look at the sweeper's lock");
            if (isNew || time.GetUtcNow() - DiskContainers.TimeOf(status) >= notWithin)
                return new SweepTurn(container, mark);
        }
        mark.Dispose();
        if (errno != Errno.WouldBlock)
            container.Check(errno, "lock the sweeper's lock");
        return null;
    }

    private List<Leftover> List(DiskContainer container, LeftoverKind kind, string? after, int max, DateTimeOffset before)
    {
        using var folder = container.OpenFolder(PathOf(kind), "list leftovers");
        if (folder is null)
            return [];
        before = Moment(container, kind, before);
        var names = kind switch
        {
            LeftoverKind.Upload => UploadNames(container, folder),
            LeftoverKind.Kept => DiskKeptParts.Names(container, folder),
            _ => Names(container, folder),
        };
        names.Sort(StringComparer.Ordinal);
        var found = new List<Leftover>();
        foreach (var name in names.Where(name => after is null || string.CompareOrdinal(name, after) > 0))
        {
            if (Look(container, folder, kind, name, before) is { } leftover)
                found.Add(leftover);
            if (found.Count == max)
                break;
        }
        return found;
    }

    /// <summary>A kept part ends by its age. Where other machines' locks may not be seen, a staging folder's age must say that its process is dead.</summary>
    private DateTimeOffset Moment(DiskContainer container, LeftoverKind kind, DateTimeOffset before)
    {
        if (kind == LeftoverKind.Kept)
            return before - options.KeptPartAge;
        var dayAgo = time.GetUtcNow() - DiskContainers.SharedStagingAge;
        return kind == LeftoverKind.Staging && table.Containers[container.Name].Shared && dayAgo < before ? dayAgo : before;
    }

    private Leftover? Look(DiskContainer container, SafeFileHandle folder, LeftoverKind kind, string name, DateTimeOffset before)
    {
        switch (kind)
        {
            case LeftoverKind.Result:
                return container.Calls.Status(folder, name, out var status) == 0 && status.Kind == EntryKind.File && IsBefore(status, before)
                    ? Of(container, kind, name, status.Length)
                    : null;
            case LeftoverKind.Part:
                return TallyOld(container, folder, name, before) is { } parts ? Of(container, kind, name, parts.Bytes) : null;
            case LeftoverKind.Staging:
                return TallyOld(container, folder, name, before) is { } staged && !IsHeld(container, folder, name) ? Of(container, kind, name, staged.Bytes) : null;
            case LeftoverKind.Kept:
                return LookAtKept(container, folder, name, before);
            default:
                return LookAtUpload(container, folder, name, before);
        }
    }

    private static Leftover Of(DiskContainer container, LeftoverKind kind, string name, long bytes) => new(container.Name, kind, name, bytes)
    {
        Task = kind is LeftoverKind.Part or LeftoverKind.Result && HiddenNames.TryParseStem(name, out var task) ? task : null,
    };

    /// <summary>Of a folder whose files are all old; null when one of them is not.</summary>
    private static FileTally? TallyOld(DiskContainer container, SafeFileHandle parent, string name, DateTimeOffset before)
    {
        if (container.Calls.OpenFolder(parent, name, out var folder) != 0)
            return null;
        using (folder)
        {
            var tally = new FileTally();
            foreach (var file in Names(container, folder))
            {
                if (container.Calls.Status(folder, file, out var status) != 0 || !IsBefore(status, before))
                    return null;
                tally = tally.Plus(1, status.Length);
            }
            // An empty folder says its own age, where it is that of a process that may just have come in.
            return tally.Count > 0 || (container.Calls.Status(parent, name, out var own) == 0 && IsBefore(own, before)) ? tally : null;
        }
    }

    /// <summary>A process that lives holds the lock in its staging folder.</summary>
    private static bool IsHeld(DiskContainer container, SafeFileHandle staging, string process)
    {
        if (container.Calls.OpenFolder(staging, process, out var folder) != 0)
            return true;
        using (folder)
        {
            if (container.Calls.OpenFile(folder, DiskFolders.LockName, FileUse.ReadWrite, out var held) != 0)
                return false;
            using (held)
                return container.Calls.TryLock(held) != 0;
        }
    }

    private bool Remove(DiskContainer container, Leftover leftover, DateTimeOffset before)
    {
        using var folder = container.OpenFolder(PathOf(leftover.Kind), "remove a leftover");
        if (folder is null)
            return true;
        before = Moment(container, leftover.Kind, before);
        switch (leftover.Kind)
        {
            case LeftoverKind.Result:
                return RemoveOld(container, folder, leftover.Name, before);
            case LeftoverKind.Staging when IsHeld(container, folder, leftover.Name):
                return false;
            case LeftoverKind.Upload:
                return RemoveUpload(container, leftover.Name, before);
            case LeftoverKind.Kept:
                return RemoveKept(container, folder, leftover.Name, before);
            default:
                return RemoveFolder(container, folder, leftover.Name, before);
        }
    }

    /// <summary>The folder's time is that of the keeping; the part's is that of its last write, which may be long before.</summary>
    private static Leftover? LookAtKept(DiskContainer container, SafeFileHandle root, string name, DateTimeOffset before)
    {
        var slash = name.IndexOf('/');
        if (container.Calls.OpenFolder(root, name[..slash], out var tenant) != 0)
            return null;
        using (tenant)
        {
            return container.Calls.Status(tenant, name[(slash + 1)..], out var kept) == 0 && IsBefore(kept, before)
                && TallyOld(container, tenant, name[(slash + 1)..], before) is { } tally
                ? Of(container, LeftoverKind.Kept, name, tally.Bytes)
                : null;
        }
    }

    private static bool RemoveKept(DiskContainer container, SafeFileHandle root, string name, DateTimeOffset before)
    {
        if (LookAtKept(container, root, name, before) is null)
            return false; // kept again in between
        var slash = name.IndexOf('/');
        var errno = container.Calls.OpenFolder(root, name[..slash], out var tenant);
        if (errno == Errno.NotFound)
            return true;
        container.Check(errno, "remove a kept part");
        using (tenant)
            return RemoveFolder(container, tenant, name[(slash + 1)..], before);
    }

    private static bool RemoveFolder(DiskContainer container, SafeFileHandle parent, string name, DateTimeOffset before)
    {
        var errno = container.Calls.OpenFolder(parent, name, out var folder);
        if (errno == Errno.NotFound)
            return true;
        container.Check(errno, "remove a leftover");
        bool isEmpty;
        using (folder)
            isEmpty = Names(container, folder).TrueForAll(file => RemoveOld(container, folder, file, before));
        return isEmpty && container.Calls.RemoveFolder(parent, name) is 0 or Errno.NotFound;
    }

    private static bool RemoveOld(DiskContainer container, SafeFileHandle folder, string name, DateTimeOffset before)
    {
        var errno = container.Calls.Status(folder, name, out var status);
        if (errno == Errno.NotFound)
            return true;
        if (errno != 0 || !IsBefore(status, before))
            return false;
        errno = container.Calls.Unlink(folder, name);
        if (errno != Errno.NotFound)
            container.Check(errno, "remove a leftover");
        return true;
    }

    /// <summary>Names of uploads, as <c>{tenant folder}/{id}</c>, whatever files of them are there; and of drafts of states, with their ending.</summary>
    private static List<string> UploadNames(DiskContainer container, SafeFileHandle root)
    {
        var uploads = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tenant in Names(container, root))
        {
            if (container.Calls.OpenFolder(root, tenant, out var folder) != 0)
                continue;
            using (folder)
            {
                foreach (var file in Names(container, folder))
                {
                    var name = file.EndsWith(UploadFolder.DraftSuffix, StringComparison.Ordinal) ? file : file[..Math.Max(file.IndexOf('.'), 0)];
                    if (name.Length > 0)
                        uploads.Add($"{tenant}/{name}");
                }
            }
        }
        return [.. uploads];
    }

    private Leftover? LookAtUpload(DiskContainer container, SafeFileHandle root, string name, DateTimeOffset before)
    {
        var slash = name.IndexOf('/');
        if (container.Calls.OpenFolder(root, name[..slash], out var folder) != 0)
            return null;
        using (folder)
        {
            if (name.EndsWith(UploadFolder.DraftSuffix, StringComparison.Ordinal))
            {
                return container.Calls.Status(folder, name[(slash + 1)..], out var draft) == 0 && IsBefore(draft, before)
                    ? Of(container, LeftoverKind.Upload, name, draft.Length)
                    : null;
            }
            long bytes = 0;
            var isOld = true;
            foreach (var suffix in (string[])[UploadFolder.BytesSuffix, UploadFolder.StateSuffix])
            {
                if (container.Calls.Status(folder, name[(slash + 1)..] + suffix, out var status) == 0)
                    (bytes, isOld) = (bytes + status.Length, isOld && IsBefore(status, before));
            }
            return isOld && IsUseless(container, folder, name[(slash + 1)..]) ? Of(container, LeftoverKind.Upload, name, bytes) : null;
        }
    }

    /// <summary>Expired, or never begun for good: bytes without a state are those of a creation that nobody was told of.</summary>
    private bool IsUseless(DiskContainer container, SafeFileHandle folder, string id) =>
        UploadFolder.TryReadState(container, folder, id) is not { } state || state.ExpiresAt < time.GetUtcNow();

    private bool RemoveUpload(DiskContainer container, string name, DateTimeOffset before)
    {
        var slash = name.IndexOf('/');
        using var folder = container.OpenFolder($"{UploadFolder.Root}/{name[..slash]}", "remove an upload");
        if (folder is null)
            return true;
        if (name.EndsWith(UploadFolder.DraftSuffix, StringComparison.Ordinal))
            return RemoveOld(container, folder, name[(slash + 1)..], before);
        var id = name[(slash + 1)..];
        var errno = container.Calls.OpenFile(folder, id + UploadFolder.BytesSuffix, FileUse.ReadWrite, out var bytes);
        using (bytes)
        {
            // Under the lock of the bytes nobody appends, so that what is judged now stays so.
            if ((errno == 0 && container.Calls.TryLock(bytes) != 0) || !IsUseless(container, folder, id))
                return false;
            return RemoveOld(container, folder, id + UploadFolder.BytesSuffix, before) && RemoveOld(container, folder, id + UploadFolder.StateSuffix, before);
        }
    }

    private static bool IsBefore(FileStatus status, DateTimeOffset before) => DiskContainers.TimeOf(status) < before;

    private static List<string> Names(DiskContainer container, SafeFileHandle folder)
    {
        var names = new List<string>();
        container.Check(container.Calls.List(folder, names), "list leftovers");
        return names;
    }

    private ValueTask<List<string>> ListAsync(DiskContainer container, string path) => work.RunAsync(
        static s =>
        {
            using var folder = s.path.Length == 0 ? s.container.OpenRoot() : s.container.OpenFolder(s.path, "count files");
            return folder is null ? [] : Names(s.container, folder);
        },
        (container, path));

    /// <summary>A folder at a time, so that one large tree does not hold a file thread for as long as it takes.</summary>
    private async ValueTask<FileTally> MeasureAsync(DiskContainer container, string root, CancellationToken stop)
    {
        var tally = new FileTally();
        var open = new Stack<string>([root]);
        while (open.TryPop(out var path))
        {
            stop.ThrowIfCancellationRequested();
            var (here, below) = await work.RunAsync(static s => Measure(s.container, s.path), (container, path));
            tally = tally.Plus(here.Count, here.Bytes);
            foreach (var name in below)
                open.Push($"{path}/{name}");
        }
        return tally;
    }

    private static (FileTally Here, List<string> Below) Measure(DiskContainer container, string path)
    {
        var (tally, below) = (new FileTally(), new List<string>());
        using var folder = container.OpenFolder(path, "count files");
        foreach (var name in folder is null ? [] : Names(container, folder))
        {
            if (container.Calls.Status(folder!, name, out var status) != 0)
                continue;
            if (status.Kind == EntryKind.Folder)
                below.Add(name);
            else if (name != DiskFolders.LockName)
                tally = tally.Plus(1, status.Length);
        }
        return (tally, below);
    }

    private sealed class SweepTurn(DiskContainer container, SafeFileHandle mark) : ISweepTurn
    {
        /// <summary>The time of the file is the time of the sweep.</summary>
        public void Done() => container.Check(container.Calls.Write(mark, "swept\n"u8, 0), "note the sweep");

        public void Dispose() => mark.Dispose();
    }
}
