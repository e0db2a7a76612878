using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Files.Disk;

/// <summary>
/// What Files asks of the operating system, one call each, blocking. Every call answers 0 or an <see cref="Errno"/>; none throws for
/// what a disk may do. Names are single components relative to an open folder, so that nothing between a check and its use can be
/// exchanged for a link. Tests put a recorder or a failing disk here.
/// </summary>
internal interface IDiskCalls
{
    /// <summary>A container's root, by absolute path; links on the way to it are the operator's choice.</summary>
    int OpenRoot(string path, out SafeFileHandle folder);

    /// <summary>A folder below another. A link anywhere on the way is <see cref="Errno.Loop"/>.</summary>
    int OpenFolder(SafeFileHandle folder, string relativePath, out SafeFileHandle opened);

    /// <summary>A file of a folder; never follows a link, never blocks on a pipe.</summary>
    int OpenFile(SafeFileHandle folder, string name, FileUse use, out SafeFileHandle file);

    int MakeFolder(SafeFileHandle folder, string name);

    /// <summary>Atomic; replaces a file of the new name.</summary>
    int Rename(SafeFileHandle from, string name, SafeFileHandle to, string newName);

    /// <summary>Atomic; <see cref="Errno.Exists"/> when the new name is taken.</summary>
    int RenameNew(SafeFileHandle from, string name, SafeFileHandle to, string newName);

    /// <summary>A second name for a file; <see cref="Errno.Exists"/> when it is taken.</summary>
    int Link(SafeFileHandle from, string name, SafeFileHandle to, string newName);

    /// <summary>Copies bytes between two files, without copying them where the file system can share them; as many as it likes, at least one unless there are none.</summary>
    int Copy(SafeFileHandle from, SafeFileHandle to, long offset, long count, out long copied);

    int Unlink(SafeFileHandle folder, string name);

    int RemoveFolder(SafeFileHandle folder, string name);

    /// <summary>Of an entry (a link itself, not what it points to), or of the open file when <paramref name="name"/> is null.</summary>
    int Status(SafeFileHandle folder, string? name, out FileStatus status);

    /// <summary>Names in a folder, in no order.</summary>
    int List(SafeFileHandle folder, List<string> names);

    /// <summary>All of <paramref name="bytes"/>.</summary>
    int Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset);

    /// <summary>As much as there is, up to the span's length.</summary>
    int Read(SafeFileHandle file, Span<byte> into, long offset, out int count);

    /// <summary>Reserves room without changing the length. 0 as well where the file system cannot reserve.</summary>
    int Reserve(SafeFileHandle file, long length);

    int SetLength(SafeFileHandle file, long length);

    /// <summary>Content, and the metadata needed to read it back.</summary>
    int FlushData(SafeFileHandle file);

    /// <summary>Content and all metadata of a file, or the entries of a folder.</summary>
    int Flush(SafeFileHandle fileOrFolder);

    /// <summary>A hint; does not wait for the disk and cannot fail.</summary>
    void StartWriteBack(SafeFileHandle file, long offset, long count);

    /// <summary>Holds a file until the handle closes or the process ends; <see cref="Errno.WouldBlock"/> when another one holds it.</summary>
    int TryLock(SafeFileHandle file);

    /// <summary>As <see cref="TryLock"/>, but waits for whoever holds it.</summary>
    int Lock(SafeFileHandle file);
}

/// <summary>How a file is opened.</summary>
internal enum FileUse
{
    Read,
    ReadWrite,

    /// <summary>Reading and writing; the name must be free.</summary>
    CreateNew,

    /// <summary>Writing past the page cache: whole pages, from memory that begins at a page. <see cref="Errno.Invalid"/> where that cannot be had.</summary>
    WriteDirect,
}

/// <summary>What kind of entry.</summary>
internal enum EntryKind
{
    File,
    Folder,
    Link,
    Other,
}

/// <summary>What the disk says about an entry.</summary>
internal readonly record struct FileStatus(EntryKind Kind, ulong Inode, long Length, long ModifiedNs);

/// <summary>The system's error numbers that mean something here; the same on every Linux.</summary>
internal static class Errno
{
    public const int NotPermitted = 1;
    public const int NotFound = 2;
    public const int Interrupted = 4;
    public const int Io = 5;
    public const int NoDevice = 6;
    public const int WouldBlock = 11;
    public const int Access = 13;
    public const int Exists = 17;
    public const int CrossDevice = 18;
    public const int NotFolder = 20;
    public const int IsFolder = 21;
    public const int Invalid = 22;
    public const int TooManyOpenInSystem = 23;
    public const int TooManyOpen = 24;
    public const int FileTooLarge = 27;
    public const int NoSpace = 28;
    public const int ReadOnly = 30;
    public const int NameTooLong = 36;
    public const int NotImplemented = 38;
    public const int NotEmpty = 39;
    public const int Loop = 40;
    public const int NotSupported = 95;
    public const int Quota = 122;
}
