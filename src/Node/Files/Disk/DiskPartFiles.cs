using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Files.Disk;

/// <summary>
/// Parts on disk. Each task has a folder of its own under <c>parts</c>, so that whatever it left is found without a search, however
/// many tasks there are. A part's birth in its name ties it to the bytes of one origin version: a journaled checkpoint finds its part
/// by birth even when a later owner renamed it and died before its own first checkpoint. A part of a newer epoch belongs to a newer
/// owner: whoever meets one has lost the task and is told so.
/// </summary>
internal sealed class DiskPartFiles(DiskContainers containers, IFileWork work, FilesOptions options) : IPartFiles
{
    private const int RoundsMax = 16;

    /// <summary>Of a part that another owner made.</summary>
    private const long RoomUnknown = long.MaxValue;
    private int _births;

    public ValueTask<IPartFile> CreateAsync(TaskFiles files, PartOwner owner, long? length, long? expected, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return work.RunAsync(static s => (IPartFile)s.self.Create(s.files, s.owner, s.room), (self: this, files, owner, room: length ?? expected ?? 0));
    }

    public ValueTask<IPartFile?> AdoptAsync(TaskFiles files, PartOwner owner, PartCheckpoint checkpoint, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return work.RunAsync(static s => (IPartFile?)s.self.Adopt(s.files, s.owner, s.checkpoint), (self: this, files, owner, checkpoint));
    }

    public ValueTask<FileView> PublishWholeAsync(
        TaskFiles files, PartOwner owner, ReadOnlyMemory<byte> content, string? sha256, bool flush, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return work.RunAsync(
            static s =>
            {
                using var staged = s.self.Container(s.files).Stage(length: null);
                staged.Write(s.content.Span, 0);
                staged.Publish(Place.Of(s.files), s.flush, "publish", s.owner);
                return Place.View(s.files, s.content.Length, s.sha256, DiskContainers.ETagOf(staged.Status()));
            },
            (self: this, files, owner, content, sha256, flush));
    }

    public ValueTask<FileView?> FindPublishedAsync(TaskFiles files, long epoch, PartCheckpoint checkpoint, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return work.RunAsync(static s => s.self.FindPublished(s.files, s.epoch, s.checkpoint), (self: this, files, epoch, checkpoint));
    }

    /// <remarks>
    /// A node that lost the shard may come here late, after it journaled the end or the acknowledgement that asks for it. Parts of a later owner have a later
    /// epoch and stay. A temporary result has none, and needs none: its name holds generation and task, and no task that succeeded runs again.
    /// </remarks>
    public async ValueTask DiscardAsync(TaskFiles files, long epoch, bool resultToo, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        await work.RunAsync(
            static s =>
            {
                var container = s.self.Container(s.files);
                DiscardParts(container, s.files, s.epoch);
                if (s.resultToo)
                    container.Remove(Place.OfResult(s.files.Session, s.files.Generation, s.files.Task));
                return true;
            },
            (self: this, files, epoch, resultToo));
    }

    public ValueTask<KeepOutcome> KeepAsync(TaskFiles files, PartOwner owner, KeptPart kept, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return work.RunAsync(static s => DiskKeptParts.Keep(s.container, s.files, s.owner, s.kept, s.options), (container: Container(files), files, owner, kept, options));
    }

    public async ValueTask<KeptCopy> CopyKeptAsync(TaskFiles files, PartOwner owner, KeptPart kept, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        if (!containers.Exists(kept.Container))
            return KeptCopy.Refused($"There is no container {kept.Container} of kind disk any more, where the part of the resume data lay.");
        var source = containers.Get(kept.Container);
        using var from = await work.RunAsync(static s => DiskKeptParts.Open(s.source, s.kept), (source, kept));
        if (from is null)
            return KeptCopy.Refused("The part that the resume data names is not kept any more.");
        var part = await work.RunAsync(static s => s.self.Create(s.files, s.owner, s.kept.Total ?? 0), (self: this, files, owner, kept));
        try
        {
            foreach (var range in kept.Durable)
            {
                for (var at = range.From; at < range.To;)
                {
                    stop.ThrowIfCancellationRequested();
                    at = await work.RunAsync(static s => s.part.CopyFrom(s.source, s.from, s.at, s.To), (part, source, from, at, range.To));
                }
            }
            return new KeptCopy(part, null);
        }
        catch
        {
            await part.DisposeAsync(); // the next start is a new inode again
            throw;
        }
    }

    public ValueTask<IUploadSource?> OpenSourceAsync(TenantId tenant, ContainerName container, ContainerPath path, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return work.RunAsync(
            static s => s.target.OpenRead(s.place) is { } opened
                ? (IUploadSource)new DiskUploadSource(opened.File, opened.Status, s.place, s.target, s.work)
                : null,
            (target: containers.Get(container), place: Place.Of(tenant, path), work));
    }

    /// <summary>
    /// Unlinks the parts in a task's folder and the folder; missing is fine. Parts of owners after <paramref name="epoch"/> stay, also when one is adopted
    /// in between: an adoption changes the name, and the old name is all that is unlinked here.
    /// </summary>
    internal static void DiscardParts(DiskContainer container, TaskFiles files, long epoch)
    {
        var stem = HiddenNames.Stem(files.Session, files.Generation, files.Task);
        var errno = container.Calls.OpenFolder(container.Parts, stem, out var folder);
        if (errno == Errno.NotFound)
            return;
        container.Check(errno, "remove a part");
        using (folder)
        {
            foreach (var name in List(container, folder))
            {
                if (!IsNewer(name, epoch, out _))
                    Unlink(container, folder, name);
            }
        }
        _ = container.Calls.RemoveFolder(container.Parts, stem);
    }

    /// <summary>The part of the same birth, by whatever name its present owner gave it; null when it is gone.</summary>
    internal static (SafeFileHandle File, FileStatus Status)? OpenToRead(DiskContainer container, string stem, string part)
    {
        if (!PartName.TryParse(part, out var known))
            return null;
        var errno = container.Calls.OpenFolder(container.Parts, stem, out var folder);
        if (errno == Errno.NotFound)
            return null;
        container.Check(errno, "read a part");
        using (folder)
        {
            var name = List(container, folder).Find(name => PartName.TryParse(name, out var present) && present.IsSameBirth(known));
            if (name is null)
                return null;
            errno = container.Calls.OpenFile(folder, name, FileUse.Read, out var file);
            if (errno == Errno.NotFound)
                return null;
            container.Check(errno, "read a part");
            if (container.Calls.Status(file, null, out var status) == 0 && status.Kind == EntryKind.File)
                return (file, status);
            file.Dispose();
            return null;
        }
    }

    private DiskContainer Container(TaskFiles files) => containers.Get(files.Container);

    private DiskPart Create(TaskFiles files, PartOwner owner, long room)
    {
        var container = Container(files);
        owner.Check();
        var folder = OpenTaskFolder(container, files, out var isNew);
        try
        {
            if (!isNew)
                UnlinkOlder(container, folder, owner);
            var name = new PartName(owner.Epoch, Interlocked.Increment(ref _births), owner.Epoch, owner.Attempt);
            container.Check(container.Calls.OpenFile(folder, name.ToString(), FileUse.CreateNew, out var file), "create a part");
            var errno = room > 0 ? container.Calls.Reserve(file, room) : 0;
            if (errno != 0)
            {
                file.Dispose();
                Unlink(container, folder, name.ToString());
                container.Check(errno, "reserve a download's length");
            }
            var part = new DiskPart(container, folder, name.ToString(), file, files, owner, work, options.DirectWrites, room);
            folder = null;
            return part;
        }
        finally
        {
            folder?.Dispose();
        }
    }

    private DiskPart? Adopt(TaskFiles files, PartOwner owner, PartCheckpoint checkpoint)
    {
        var container = Container(files);
        var stem = HiddenNames.Stem(files.Session, files.Generation, files.Task);
        if (!PartName.TryParse(checkpoint.Part, out var known))
            return null;
        var errno = container.Calls.OpenFolder(container.Parts, stem, out var folder);
        if (errno == Errno.NotFound)
            return null;
        container.Check(errno, "take a part over");
        try
        {
            if (FindByBirth(container, folder, known, owner.Epoch) is not { } present)
                return null;
            var own = present with { Epoch = owner.Epoch, Attempt = owner.Attempt };
            owner.Check();
            errno = own == present ? 0 : container.Calls.Rename(folder, present.ToString(), folder, own.ToString());
            if (errno == Errno.NotFound)
                return null;
            container.Check(errno, "take a part over");
            container.Reach("adopt.rename");
            container.Check(container.Calls.OpenFile(folder, own.ToString(), FileUse.ReadWrite, out var file), "open a part");
            errno = container.Calls.Status(file, null, out var status);
            if (errno == 0 && status.Kind == EntryKind.File && status.Length >= checkpoint.DurableEnd)
            {
                var part = new DiskPart(container, folder, own.ToString(), file, files, owner, work, options.DirectWrites, RoomUnknown);
                folder = null;
                return part;
            }
            file.Dispose();
            container.Check(errno, "look at a part");
            Unlink(container, folder, own.ToString());
            return null;
        }
        finally
        {
            folder?.Dispose();
        }
    }

    private FileView? FindPublished(TaskFiles files, long epoch, PartCheckpoint checkpoint)
    {
        if (checkpoint is not { Complete: true, Identity: { } identity })
            return null;
        var container = Container(files);
        var place = Place.Of(files);
        if (container.Look(place) is not { Kind: EntryKind.File } present
            || new FileIdentity(present.Inode, present.Length, present.ModifiedNs) != identity)
            return null;
        container.FlushPlace(place);
        DiscardParts(container, files, epoch);
        return Place.View(files, present.Length, checkpoint.Sha256, DiskContainers.ETagOf(present));
    }

    private static SafeFileHandle OpenTaskFolder(DiskContainer container, TaskFiles files, out bool isNew)
    {
        var stem = HiddenNames.Stem(files.Session, files.Generation, files.Task);
        for (var round = 1; ; round++)
        {
            var errno = container.Calls.MakeFolder(container.Parts, stem);
            isNew = errno == 0;
            if (errno is 0 or Errno.Exists)
            {
                errno = container.Calls.OpenFolder(container.Parts, stem, out var folder);
                if (errno == 0)
                    return folder;
            }
            // A late clean-up of the task's last attempt removed the empty folder in between.
            if (errno != Errno.NotFound || round == RoundsMax)
                container.Check(errno, "make a task's folder");
        }
    }

    /// <summary>All names are looked at before the first goes: an owner that was overtaken removes nothing.</summary>
    private static void UnlinkOlder(DiskContainer container, SafeFileHandle folder, PartOwner owner)
    {
        var names = List(container, folder);
        foreach (var name in names)
            RefuseNewer(container, name, owner.Epoch);
        foreach (var name in names)
        {
            owner.Check();
            Unlink(container, folder, name);
        }
    }

    private static PartName? FindByBirth(DiskContainer container, SafeFileHandle folder, PartName known, long epoch)
    {
        PartName? found = null;
        foreach (var name in List(container, folder))
        {
            RefuseNewer(container, name, epoch);
            if (PartName.TryParse(name, out var present) && present.IsSameBirth(known))
                found = present;
        }
        return found;
    }

    private static void RefuseNewer(DiskContainer container, string name, long epoch)
    {
        if (IsNewer(name, epoch, out var present))
        {
            throw new StorageException(
                StorageFailure.Denied, $"A newer owner (epoch {present}) has taken over this task's part in container {container.Name}; this one has epoch {epoch}.");
        }
    }

    private static bool IsNewer(string name, long epoch, out long present)
    {
        present = PartName.TryParse(name, out var part) ? part.Epoch : 0;
        return present > epoch;
    }

    private static List<string> List(DiskContainer container, SafeFileHandle folder)
    {
        var names = new List<string>();
        container.Check(container.Calls.List(folder, names), "list a task's parts");
        return names;
    }

    private static void Unlink(DiskContainer container, SafeFileHandle folder, string name)
    {
        var errno = container.Calls.Unlink(folder, name);
        if (errno != Errno.NotFound)
            container.Check(errno, "remove a part");
    }
}
