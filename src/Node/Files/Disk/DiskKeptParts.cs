using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Files.Disk;

/// <summary>
/// Parts that cancelled downloads left for later starts: a second name for each, <c>kept/{tenant}/{stem}/{part}</c>, so that what is discarded with the task
/// stays. Its task has ended or is about to. A late write of a zombie goes to the bytes of the same origin version, at the same places, as for every part;
/// whoever goes on from one takes a copy, because two tasks must never write to one inode. The stem's folder bears the time of the keeping, by which the
/// sweeper ends it; a copy under way holds the file open and does not mind. All methods block.
/// </summary>
internal static class DiskKeptParts
{
    public const string Root = HiddenNames.Hidden + "/" + HiddenNames.Kept;

    /// <summary>Between two looks at whether the copy is still wanted.</summary>
    public const long StepBytes = 32L << 20;

    private const string AgainSuffix = ".again";

    /// <summary>Idempotent: after a crash in between it is done again, and the age begins anew.</summary>
    public static KeepOutcome Keep(DiskContainer container, TaskFiles files, PartOwner owner, KeptPart kept, FilesOptions options)
    {
        var gone = KeepOutcome.Refused("Its part is not on its disk any more.");
        if (!PartName.TryParse(kept.Part, out var known))
            return gone;
        var errno = container.Calls.OpenFolder(container.Parts, HiddenNames.Stem(files.Session, files.Generation, files.Task), out var parts);
        if (errno == Errno.NotFound)
            return gone;
        container.Check(errno, "keep a part");
        using (parts)
        {
            if (Find(container, parts, known) is not { } present
                || container.Calls.Status(parts, present, out var status) != 0 || status.Kind != EntryKind.File || status.Length < kept.DurableEnd)
                return gone;
            if (IsTooMuch(container, kept, status.Length, options) is { } tooMuch)
                return KeepOutcome.Refused(tooMuch);
            owner.Check();
            var path = PathOf(kept);
            using var folder = container.OpenOrMake(path);
            errno = container.Calls.Link(parts, present, folder, kept.Part);
            if (errno == Errno.Exists)
                errno = Renew(container, parts, present, folder, kept.Part + AgainSuffix);
            if (errno == Errno.NotFound)
                return gone;
            container.Check(errno, "keep a part");
            container.Reach("keep.link");
            container.FlushFolder(path, folder);
            return KeepOutcome.Kept(options.KeptPartAge);
        }
    }

    /// <summary>Null when it is gone or shorter.</summary>
    public static SafeFileHandle? Open(DiskContainer container, KeptPart kept)
    {
        using var folder = container.OpenFolder(PathOf(kept), "open a kept part");
        if (folder is null)
            return null;
        var errno = container.Calls.OpenFile(folder, kept.Part, FileUse.Read, out var file);
        if (errno == Errno.NotFound)
            return null;
        container.Check(errno, "open a kept part");
        if (container.Calls.Status(file, null, out var status) == 0 && status.Kind == EntryKind.File && status.Length >= kept.DurableEnd)
            return file;
        file.Dispose();
        return null;
    }

    /// <summary>A step of a copy; where the next one begins.</summary>
    public static long Copy(DiskContainer container, SafeFileHandle from, SafeFileHandle to, long offset, long end)
    {
        container.Check(container.Calls.Copy(from, to, offset, Math.Min(end - offset, StepBytes), out var copied), "copy a kept part");
        return copied > 0
            ? offset + copied
            : throw new StorageException(StorageFailure.Failed, $"A kept part in container {container.Name} ended at byte {offset} while it was copied.");
    }

    /// <summary>The folders of all tenants' kept parts, as <c>{tenant folder}/{stem}</c>.</summary>
    public static List<string> Names(DiskContainer container, SafeFileHandle root)
    {
        var found = new List<string>();
        foreach (var tenant in List(container, root))
        {
            if (container.Calls.OpenFolder(root, tenant, out var folder) != 0)
                continue;
            using (folder)
                found.AddRange(List(container, folder).Select(stem => $"{tenant}/{stem}"));
        }
        return found;
    }

    private static string PathOf(KeptPart kept) => $"{TenantPath(kept.Tenant)}/{kept.Id}";

    private static string TenantPath(TenantId tenant) => $"{Root}/{HiddenNames.TenantFolder(tenant)}";

    /// <summary>The name is there since an earlier try. It stays, and the folder gets the time of now.</summary>
    private static int Renew(DiskContainer container, SafeFileHandle parts, string present, SafeFileHandle folder, string again)
    {
        var errno = container.Calls.Link(parts, present, folder, again);
        return errno is 0 or Errno.Exists ? container.Calls.Unlink(folder, again) : errno;
    }

    /// <summary>
    /// A sentence when the tenant keeps too much already. Counted before the name is made and without a lock: what several sessions keep in the same moment may
    /// exceed the limit by as many parts.
    /// </summary>
    private static string? IsTooMuch(DiskContainer container, KeptPart kept, long length, FilesOptions options)
    {
        using var tenant = container.OpenFolder(TenantPath(kept.Tenant), "count kept parts");
        var stems = tenant is null ? [] : List(container, tenant);
        if (stems.Contains(kept.Id))
            return null; // an earlier try counted it
        if (stems.Count >= options.KeptPartsPerTenantMax)
        {
            return $"The tenant keeps {stems.Count} parts in container {container.Name}, which is the limit (Backhaul:Files:KeptPartsPerTenantMax). They end by their age.";
        }
        var bytes = length + stems.Sum(stem => BytesOf(container, tenant!, stem));
        return bytes <= options.KeptBytesPerTenantMax
            ? null
            : $"With its part the tenant would keep {bytes} bytes in container {container.Name}; the limit is {options.KeptBytesPerTenantMax} (Backhaul:Files:KeptBytesPerTenantMax).";
    }

    private static long BytesOf(DiskContainer container, SafeFileHandle tenant, string stem)
    {
        if (container.Calls.OpenFolder(tenant, stem, out var folder) != 0)
            return 0; // swept in between
        using (folder)
            return List(container, folder).Sum(name => container.Calls.Status(folder, name, out var status) == 0 ? status.Length : 0);
    }

    private static string? Find(DiskContainer container, SafeFileHandle folder, PartName known) =>
        List(container, folder).Find(name => PartName.TryParse(name, out var present) && present.IsSameBirth(known));

    private static List<string> List(DiskContainer container, SafeFileHandle folder)
    {
        var names = new List<string>();
        container.Check(container.Calls.List(folder, names), "list kept parts");
        return names;
    }
}
