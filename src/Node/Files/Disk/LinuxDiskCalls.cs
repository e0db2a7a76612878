using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Files.Disk;

/// <summary>
/// The real disk. Folders below a root are opened by openat2 with "beneath, no links" where the kernel has it, else component by
/// component with O_NOFOLLOW, which is as safe and a little slower.
/// </summary>
internal sealed unsafe class LinuxDiskCalls(bool useOpenAt2 = true) : IDiskCalls
{
    private static readonly int FolderFlags = LinuxLibc.ReadOnly | LinuxLibc.Directory | LinuxLibc.CloseOnExec;

    // The operator's umask takes away what it wants.
    private const uint FileMode = 0x1b6; // 0666
    private const int CopyBytes = 256 * 1024;
    private const uint FolderMode = 0x1ff; // 0777

    private volatile bool _hasOpenAt2 = useOpenAt2;

    public int OpenRoot(string path, out SafeFileHandle folder) => Opened(LinuxLibc.OpenAt(LinuxLibc.CurrentFolder, path, FolderFlags, 0), out folder);

    public int OpenFolder(SafeFileHandle folder, string relativePath, out SafeFileHandle opened)
    {
        if (!_hasOpenAt2)
            return OpenByComponent(folder, relativePath, out opened);
        var how = new LinuxLibc.OpenHow
        {
            Flags = (ulong)(uint)FolderFlags,
            Resolve = LinuxLibc.ResolveBeneath | LinuxLibc.ResolveNoSymlinks | LinuxLibc.ResolveNoMagicLinks,
        };
        int errno;
        do
            errno = Opened((int)LinuxLibc.OpenAt2(folder, relativePath, ref how), out opened);
        while (errno is Errno.Interrupted or Errno.WouldBlock);
        if (errno is not (Errno.NotImplemented or Errno.NotPermitted))
            return errno;
        // Old kernels do not have it, and old container runtimes forbid what they do not know.
        _hasOpenAt2 = false;
        return OpenByComponent(folder, relativePath, out opened);
    }

    public int OpenFile(SafeFileHandle folder, string name, FileUse use, out SafeFileHandle file)
    {
        var flags = LinuxLibc.CloseOnExec | LinuxLibc.NoFollow | LinuxLibc.NonBlocking | use switch
        {
            FileUse.Read => LinuxLibc.ReadOnly,
            FileUse.ReadWrite => LinuxLibc.ReadWrite,
            FileUse.WriteDirect => LinuxLibc.WriteOnly | LinuxLibc.Direct,
            _ => LinuxLibc.ReadWrite | LinuxLibc.Create | LinuxLibc.Exclusive,
        };
        int errno;
        do
            errno = Opened(LinuxLibc.OpenAt(folder, name, flags, FileMode), out file);
        while (errno == Errno.Interrupted);
        return errno;
    }

    public int MakeFolder(SafeFileHandle folder, string name) => Result(LinuxLibc.MakeFolderAt(folder, name, FolderMode));

    public int Rename(SafeFileHandle from, string name, SafeFileHandle to, string newName) => Result(LinuxLibc.RenameAt(from, name, to, newName));

    public int RenameNew(SafeFileHandle from, string name, SafeFileHandle to, string newName)
    {
        var errno = Result(LinuxLibc.RenameAt2(from, name, to, newName, LinuxLibc.RenameNoReplace));
        if (errno is not (Errno.Invalid or Errno.NotImplemented or Errno.NotSupported))
            return errno;
        // Network file systems do not know the flag; a second name is refused there where the name is taken, just as well.
        errno = Result(LinuxLibc.LinkAt(from, name, to, newName, 0));
        return errno == 0 ? Unlink(from, name) : errno;
    }

    public int Link(SafeFileHandle from, string name, SafeFileHandle to, string newName) => Result(LinuxLibc.LinkAt(from, name, to, newName, 0));

    public int Copy(SafeFileHandle from, SafeFileHandle to, long offset, long count, out long copied)
    {
        var (at, into) = (offset, offset);
        do
            copied = LinuxLibc.CopyRange(from, ref at, to, ref into, (nint)count, 0);
        while (copied < 0 && Marshal.GetLastPInvokeError() == Errno.Interrupted);
        if (copied >= 0)
            return 0;
        if (Marshal.GetLastPInvokeError() is var errno and not (Errno.CrossDevice or Errno.Invalid or Errno.NotImplemented or Errno.NotSupported))
            return errno;
        // Two file systems, or one that cannot: through memory.
        var buffer = new byte[(int)Math.Min(count, CopyBytes)];
        errno = Read(from, buffer, offset, out var got);
        copied = errno == 0 ? got : 0;
        return errno == 0 && got > 0 ? Write(to, buffer.AsSpan(0, got), offset) : errno;
    }

    public int Unlink(SafeFileHandle folder, string name) => Result(LinuxLibc.UnlinkAt(folder, name, 0));

    public int RemoveFolder(SafeFileHandle folder, string name) => Result(LinuxLibc.UnlinkAt(folder, name, LinuxLibc.RemoveDirectory));

    public int Status(SafeFileHandle folder, string? name, out FileStatus status)
    {
        var flags = LinuxLibc.SymlinkNoFollow | (name is null ? LinuxLibc.EmptyPath : 0);
        var errno = Result(LinuxLibc.StatusAt(folder, name ?? "", flags, LinuxLibc.StatusBasic, out var raw));
        var kind = (raw.Mode & 0xf000) switch
        {
            0x8000 => EntryKind.File,
            0x4000 => EntryKind.Folder,
            0xa000 => EntryKind.Link,
            _ => EntryKind.Other,
        };
        status = errno != 0
            ? default
            : new FileStatus(kind, raw.Inode, (long)raw.Size, (raw.ModifiedSeconds * 1_000_000_000) + raw.ModifiedNanoseconds);
        return errno;
    }

    public int List(SafeFileHandle folder, List<string> names)
    {
        // A handle of its own, so that two listings of one folder do not share a position.
        var errno = OpenFile(folder, ".", FileUse.Read, out var own);
        using (own)
        {
            if (errno != 0)
                return errno;
            var buffer = stackalloc byte[8192];
            while (true)
            {
                var count = (int)LinuxLibc.ListEntries(own, buffer, 8192);
                if (count <= 0)
                    return count == 0 ? 0 : Marshal.GetLastPInvokeError();
                ReadEntries(new ReadOnlySpan<byte>(buffer, count), names);
            }
        }
    }

    public int Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        fixed (byte* start = bytes)
        {
            var done = 0;
            while (done < bytes.Length)
            {
                var count = LinuxLibc.WriteAt(file, start + done, bytes.Length - done, offset + done);
                if (count > 0)
                    done += (int)count;
                else if (count == 0)
                    return Errno.Io;
                else if (Marshal.GetLastPInvokeError() is var errno and not Errno.Interrupted)
                    return errno;
            }
        }
        return 0;
    }

    public int Read(SafeFileHandle file, Span<byte> into, long offset, out int count)
    {
        fixed (byte* start = into)
        {
            nint got;
            do
                got = LinuxLibc.ReadAt(file, start, into.Length, offset);
            while (got < 0 && Marshal.GetLastPInvokeError() == Errno.Interrupted);
            count = (int)Math.Max(got, 0);
            return got < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
    }

    public int Reserve(SafeFileHandle file, long length)
    {
        int errno;
        do
            errno = Result(LinuxLibc.Allocate(file, LinuxLibc.KeepSize, 0, length));
        while (errno == Errno.Interrupted);
        return errno is Errno.NotSupported or Errno.NotImplemented ? 0 : errno;
    }

    public int SetLength(SafeFileHandle file, long length) => Result(LinuxLibc.Truncate(file, length));

    public int FlushData(SafeFileHandle file) => Result(LinuxLibc.SyncData(file));

    public int Flush(SafeFileHandle fileOrFolder) => Result(LinuxLibc.Sync(fileOrFolder));

    public void StartWriteBack(SafeFileHandle file, long offset, long count) =>
        _ = LinuxLibc.SyncRange(file, offset, count, LinuxLibc.WriteBackStart);

    public int TryLock(SafeFileHandle file) => Result(LinuxLibc.Lock(file, LinuxLibc.LockExclusive | LinuxLibc.LockNonBlocking));

    public int Lock(SafeFileHandle file) => Result(LinuxLibc.Lock(file, LinuxLibc.LockExclusive));

    private static int Result(int returned) => returned < 0 ? Marshal.GetLastPInvokeError() : 0;

    private static int Opened(int descriptor, out SafeFileHandle handle)
    {
        var errno = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        handle = new SafeFileHandle(descriptor, ownsHandle: true);
        return errno;
    }

    private static int OpenByComponent(SafeFileHandle folder, string relativePath, out SafeFileHandle opened)
    {
        opened = new SafeFileHandle();
        var parent = folder;
        foreach (var name in relativePath.Split('/'))
        {
            if (name is "" or "..")
                return Errno.Invalid;
            // A link is refused as "not a folder" here; the caller is told the same as by openat2.
            var errno = Opened(LinuxLibc.OpenAt(parent, name, FolderFlags | LinuxLibc.NoFollow, 0), out opened);
            if (errno == Errno.NotFolder && IsLink(parent, name))
                errno = Errno.Loop;
            if (!ReferenceEquals(parent, folder))
                parent.Dispose();
            if (errno != 0)
                return errno;
            parent = opened;
        }
        return 0;
    }

    private static bool IsLink(SafeFileHandle folder, string name) =>
        LinuxLibc.StatusAt(folder, name, LinuxLibc.SymlinkNoFollow, LinuxLibc.StatusBasic, out var raw) == 0 && (raw.Mode & 0xf000) == 0xa000;

    /// <summary>linux_dirent64: inode 8, offset 8, record length 2, type 1, then the name with a zero at its end.</summary>
    private static void ReadEntries(ReadOnlySpan<byte> entries, List<string> names)
    {
        while (!entries.IsEmpty)
        {
            var length = BinaryPrimitives.ReadUInt16LittleEndian(entries[16..]);
            var name = entries[19..length];
            name = name[..name.IndexOf((byte)0)];
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                names.Add(Encoding.UTF8.GetString(name));
            entries = entries[length..];
        }
    }
}
