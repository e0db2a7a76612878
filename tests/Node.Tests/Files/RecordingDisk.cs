using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Backhaul.Node.Files.Disk;
using Backhaul.Node.Transfers;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Backhaul.Node.Tests.Files;

/// <summary>The real disk, written down call by call, with failures on demand: <c>Fail("flush file", errno)</c>.</summary>
internal sealed class RecordingDisk(IDiskCalls disk) : IDiskCalls
{
    private const string Direct = " past the cache";
    private readonly ConditionalWeakTable<SafeFileHandle, string> _paths = [];
    private readonly ConcurrentDictionary<string, int> _failures = new(StringComparer.Ordinal);

    public ConcurrentQueue<string> Calls { get; } = new();

    /// <summary>Runs before a flush of a folder; a test may hold it there.</summary>
    public Action? BeforeFolderFlush { get; set; }

    /// <summary>Runs while a file is flushed with all its metadata, as before it is published.</summary>
    public Action? DuringFileFlush { get; set; }

    /// <summary>Runs before a file is made; a test may hold it there.</summary>
    public Action? BeforeCreate { get; set; }

    /// <summary>Runs before every rename.</summary>
    public Action? BeforeRename { get; set; }

    /// <summary>Files that were opened to be read.</summary>
    public List<SafeFileHandle> Reading { get; } = [];

    public void Fail(string call, int errno) => _failures[call] = errno;

    public void Heal() => _failures.Clear();

    public int OpenRoot(string path, out SafeFileHandle folder) => Labelled(disk.OpenRoot(path, out folder), folder, "/");

    public int OpenFolder(SafeFileHandle folder, string relativePath, out SafeFileHandle opened) =>
        Labelled(disk.OpenFolder(folder, relativePath, out opened), opened, Join(folder, relativePath) + "/");

    public int OpenFile(SafeFileHandle folder, string name, FileUse use, out SafeFileHandle file)
    {
        if (use == FileUse.CreateNew)
            BeforeCreate?.Invoke();
        if (use == FileUse.CreateNew)
            Calls.Enqueue($"create {Join(folder, name)}");
        if (Failing($"open {use}") is var errno and not 0)
        {
            file = new SafeFileHandle();
            return errno;
        }
        if (use != FileUse.WriteDirect)
        {
            var opened = Labelled(disk.OpenFile(folder, name, use, out file), file, Join(folder, name));
            if (use == FileUse.Read)
            {
                lock (Reading)
                    Reading.Add(file);
            }
            return opened;
        }
        // Tests run on file systems of all kinds: where the real thing is not to be had, this disk plays it.
        var refused = disk.OpenFile(folder, name, use, out file);
        if (refused == Errno.Invalid)
            refused = disk.OpenFile(folder, name, FileUse.ReadWrite, out file);
        return Labelled(refused, file, Join(folder, name) + Direct);
    }

    public int MakeFolder(SafeFileHandle folder, string name)
    {
        var errno = Failing("make folder") is var failing and not 0 ? failing : disk.MakeFolder(folder, name);
        if (errno == 0)
            Calls.Enqueue($"make {Join(folder, name)}/");
        return errno;
    }

    public int Rename(SafeFileHandle from, string name, SafeFileHandle to, string newName)
    {
        BeforeRename?.Invoke();
        Calls.Enqueue($"rename {Join(from, name)} {Join(to, newName)}");
        return Failing("rename") is var failing and not 0 ? failing : disk.Rename(from, name, to, newName);
    }

    public int RenameNew(SafeFileHandle from, string name, SafeFileHandle to, string newName)
    {
        BeforeRename?.Invoke();
        Calls.Enqueue($"rename new {Join(from, name)} {Join(to, newName)}");
        return Failing("rename") is var failing and not 0 ? failing : disk.RenameNew(from, name, to, newName);
    }

    public int Link(SafeFileHandle from, string name, SafeFileHandle to, string newName)
    {
        Calls.Enqueue($"link {Join(from, name)} {Join(to, newName)}");
        return Failing("link") is var failing and not 0 ? failing : disk.Link(from, name, to, newName);
    }

    public int Copy(SafeFileHandle from, SafeFileHandle to, long offset, long count, out long copied)
    {
        copied = 0;
        return Failing("copy") is var failing and not 0 ? failing : disk.Copy(from, to, offset, count, out copied);
    }

    public int Unlink(SafeFileHandle folder, string name)
    {
        Calls.Enqueue($"unlink {Join(folder, name)}");
        return disk.Unlink(folder, name);
    }

    public int RemoveFolder(SafeFileHandle folder, string name) => disk.RemoveFolder(folder, name);

    public int Status(SafeFileHandle folder, string? name, out FileStatus status) => disk.Status(folder, name, out status);

    public int List(SafeFileHandle folder, List<string> names) => disk.List(folder, names);

    public int Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        Calls.Enqueue($"write {Label(file)}");
        if (Label(file).EndsWith(Direct, StringComparison.Ordinal))
        {
            Assert.Equal(0, (ChunkPool.AddressOf(bytes) | bytes.Length | (nint)offset) & (ChunkPool.Alignment - 1));
            if (Failing("write direct") is var refused and not 0)
                return refused;
        }
        return Failing("write") is var failing and not 0 ? failing : disk.Write(file, bytes, offset);
    }

    public int Read(SafeFileHandle file, Span<byte> into, long offset, out int count) => disk.Read(file, into, offset, out count);

    public int Reserve(SafeFileHandle file, long length)
    {
        Calls.Enqueue($"reserve {Label(file)} {length}");
        return Failing("reserve") is var failing and not 0 ? failing : disk.Reserve(file, length);
    }

    public int SetLength(SafeFileHandle file, long length)
    {
        Calls.Enqueue($"set length {Label(file)} {length}");
        return disk.SetLength(file, length);
    }

    public int FlushData(SafeFileHandle file)
    {
        Calls.Enqueue($"flush {Label(file)}");
        return Failing("flush file") is var failing and not 0 ? failing : disk.FlushData(file);
    }

    public int Flush(SafeFileHandle fileOrFolder)
    {
        var isFolder = Label(fileOrFolder).EndsWith('/');
        (isFolder ? BeforeFolderFlush : DuringFileFlush)?.Invoke();
        Calls.Enqueue($"flush {Label(fileOrFolder)}");
        return Failing(isFolder ? "flush folder" : "flush file") is var failing and not 0 ? failing : disk.Flush(fileOrFolder);
    }

    public void StartWriteBack(SafeFileHandle file, long offset, long count)
    {
        Calls.Enqueue($"write back {Label(file)} {offset} {count}");
        disk.StartWriteBack(file, offset, count);
    }

    public int TryLock(SafeFileHandle file) => disk.TryLock(file);

    public int Lock(SafeFileHandle file) => disk.Lock(file);

    private int Failing(string call) => _failures.GetValueOrDefault(call);

    private string Label(SafeFileHandle handle) => _paths.TryGetValue(handle, out var path) ? path : "?";

    private string Join(SafeFileHandle folder, string name) => Label(folder) + name;

    private int Labelled(int errno, SafeFileHandle handle, string path)
    {
        if (errno == 0)
            _paths.AddOrUpdate(handle, path);
        return errno;
    }
}
