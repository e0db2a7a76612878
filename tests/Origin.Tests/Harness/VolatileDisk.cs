using Backhaul.Node.Files;
using Backhaul.Node.Files.Disk;
using Microsoft.Win32.SafeHandles;

namespace Backhaul.Origin.Tests;

/// <summary>A disk that loses power: what was written to a file and not flushed since reads as zeros afterwards. Names are not its matter.</summary>
internal sealed class VolatileDisk(IDiskCalls disk) : IDiskCalls
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, RangeSet> _unflushed = [];

    /// <summary>A mutant: an engine that flushes nothing and goes on as if it had.</summary>
    public bool FlushesNothing { get; init; }

    /// <summary>How many bytes were lost in the files below a folder.</summary>
    public long CutPower(string root)
    {
        long lost = 0;
        foreach (var path in Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories))
        {
            if (disk.OpenRoot(Path.GetDirectoryName(path)!, out var folder) != 0)
                throw new InvalidOperationException($"{path} cannot be looked at.");
            using (folder)
            {
                if (disk.Status(folder, Path.GetFileName(path), out var status) != 0 || !_unflushed.TryGetValue(status.Inode, out var ranges))
                    continue;
                using var file = new FileStream(path, FileMode.Open, FileAccess.Write);
                foreach (var range in ranges.Remove(new ByteRange(file.Length, long.MaxValue)))
                {
                    file.Position = range.From;
                    file.Write(new byte[range.Length]);
                    lost += range.Length;
                }
            }
        }
        _unflushed.Clear();
        return lost;
    }

    public int OpenRoot(string path, out SafeFileHandle folder) => disk.OpenRoot(path, out folder);

    public int OpenFolder(SafeFileHandle folder, string relativePath, out SafeFileHandle opened) => disk.OpenFolder(folder, relativePath, out opened);

    public int OpenFile(SafeFileHandle folder, string name, FileUse use, out SafeFileHandle file) => disk.OpenFile(folder, name, use, out file);

    public int MakeFolder(SafeFileHandle folder, string name) => disk.MakeFolder(folder, name);

    public int Rename(SafeFileHandle from, string name, SafeFileHandle to, string newName) => disk.Rename(from, name, to, newName);

    public int RenameNew(SafeFileHandle from, string name, SafeFileHandle to, string newName) => disk.RenameNew(from, name, to, newName);

    public int Link(SafeFileHandle from, string name, SafeFileHandle to, string newName) => disk.Link(from, name, to, newName);

    public int Copy(SafeFileHandle from, SafeFileHandle to, long offset, long count, out long copied)
    {
        var inode = InodeOf(to);
        lock (_gate)
            _unflushed[inode] = _unflushed.GetValueOrDefault(inode, RangeSet.Empty).Add(new ByteRange(offset, offset + count));
        return disk.Copy(from, to, offset, count, out copied);
    }

    public int Unlink(SafeFileHandle folder, string name) => disk.Unlink(folder, name);

    public int RemoveFolder(SafeFileHandle folder, string name) => disk.RemoveFolder(folder, name);

    public int Status(SafeFileHandle folder, string? name, out FileStatus status) => disk.Status(folder, name, out status);

    public int List(SafeFileHandle folder, List<string> names) => disk.List(folder, names);

    public int Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        var inode = InodeOf(file);
        lock (_gate)
            _unflushed[inode] = _unflushed.GetValueOrDefault(inode, RangeSet.Empty).Add(new ByteRange(offset, offset + bytes.Length));
        return disk.Write(file, bytes, offset);
    }

    public int Read(SafeFileHandle file, Span<byte> into, long offset, out int count) => disk.Read(file, into, offset, out count);

    public int Reserve(SafeFileHandle file, long length) => disk.Reserve(file, length);

    public int SetLength(SafeFileHandle file, long length) => disk.SetLength(file, length);

    public int FlushData(SafeFileHandle file) => Flushed(file, disk.FlushData);

    public int Flush(SafeFileHandle fileOrFolder) => Flushed(fileOrFolder, disk.Flush);

    public void StartWriteBack(SafeFileHandle file, long offset, long count) => disk.StartWriteBack(file, offset, count);

    public int TryLock(SafeFileHandle file) => disk.TryLock(file);

    public int Lock(SafeFileHandle file) => disk.Lock(file);

    /// <summary>What is written while it flushes may not be covered by it.</summary>
    private int Flushed(SafeFileHandle file, Func<SafeFileHandle, int> flush)
    {
        if (FlushesNothing)
            return 0;
        var inode = InodeOf(file);
        RangeSet? covered;
        lock (_gate)
        {
            if (!_unflushed.Remove(inode, out covered))
                covered = null;
        }
        var errno = flush(file);
        if (errno == 0 || covered is null)
            return errno;
        lock (_gate)
            _unflushed[inode] = covered.Aggregate(_unflushed.GetValueOrDefault(inode, RangeSet.Empty), (set, range) => set.Add(range));
        return errno;
    }

    private ulong InodeOf(SafeFileHandle file) =>
        disk.Status(file, null, out var status) == 0 ? status.Inode : throw new InvalidOperationException("An open file has no status.");
}
