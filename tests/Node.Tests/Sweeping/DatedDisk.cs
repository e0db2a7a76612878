using Backhaul.Node.Files.Disk;
using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Tests.Sweeping;

/// <summary>The real disk, whose files say that they changed at the test's time.</summary>
internal sealed class DatedDisk(IDiskCalls disk, TimeProvider time) : IDiskCalls
{
    private readonly Dictionary<ulong, long> _changed = [];

    public int OpenRoot(string path, out SafeFileHandle folder) => disk.OpenRoot(path, out folder);

    public int OpenFolder(SafeFileHandle folder, string relativePath, out SafeFileHandle opened) => disk.OpenFolder(folder, relativePath, out opened);

    public int OpenFile(SafeFileHandle folder, string name, FileUse use, out SafeFileHandle file)
    {
        var errno = disk.OpenFile(folder, name, use, out file);
        if (errno == 0 && use == FileUse.CreateNew)
            Touch(file);
        return errno;
    }

    public int MakeFolder(SafeFileHandle folder, string name)
    {
        var errno = disk.MakeFolder(folder, name);
        if (errno == 0 && disk.Status(folder, name, out var status) == 0)
            _changed[status.Inode] = Now;
        return errno;
    }

    public int Rename(SafeFileHandle from, string name, SafeFileHandle to, string newName) => disk.Rename(from, name, to, newName);

    public int RenameNew(SafeFileHandle from, string name, SafeFileHandle to, string newName) => disk.RenameNew(from, name, to, newName);

    public int Link(SafeFileHandle from, string name, SafeFileHandle to, string newName) => disk.Link(from, name, to, newName);

    public int Copy(SafeFileHandle from, SafeFileHandle to, long offset, long count, out long copied) => disk.Copy(from, to, offset, count, out copied);

    public int Unlink(SafeFileHandle folder, string name) => disk.Unlink(folder, name);

    public int RemoveFolder(SafeFileHandle folder, string name) => disk.RemoveFolder(folder, name);

    public int Status(SafeFileHandle folder, string? name, out FileStatus status)
    {
        var errno = disk.Status(folder, name, out status);
        if (errno == 0 && _changed.TryGetValue(status.Inode, out var changed))
            status = status with { ModifiedNs = changed };
        return errno;
    }

    public int List(SafeFileHandle folder, List<string> names) => disk.List(folder, names);

    public int Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        Touch(file);
        return disk.Write(file, bytes, offset);
    }

    public int Read(SafeFileHandle file, Span<byte> into, long offset, out int count) => disk.Read(file, into, offset, out count);

    public int Reserve(SafeFileHandle file, long length) => disk.Reserve(file, length);

    public int SetLength(SafeFileHandle file, long length) => disk.SetLength(file, length);

    public int FlushData(SafeFileHandle file) => 0;

    public int Flush(SafeFileHandle fileOrFolder) => 0;

    public void StartWriteBack(SafeFileHandle file, long offset, long count)
    {
    }

    public int TryLock(SafeFileHandle file) => disk.TryLock(file);

    public int Lock(SafeFileHandle file) => disk.Lock(file);

    private long Now => (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;

    private void Touch(SafeFileHandle file)
    {
        if (disk.Status(file, null, out var status) == 0)
            _changed[status.Inode] = Now;
    }
}
