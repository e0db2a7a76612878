using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Files.Disk;

/// <summary>
/// The writes of a part: whole pages of a long chunk go past the page cache, by a second handle; what is short, and what is before and
/// after them, goes through the first. A file system that cannot do it says so once, and this part is written through the cache then.
/// <para>
/// Both ways never meet in one page at once, since chunks are split at the boundaries of pages in the file; so the system keeps them in step.
/// A flush is needed as ever: past the cache does not mean on the platter.
/// </para>
/// Called by several file threads at once.
/// </summary>
internal sealed class DirectWrites(IDiskCalls calls, SafeFileHandle folder, string name, SafeFileHandle file) : IDisposable
{
    private const int PageBytes = 4096;

    /// <summary>Shorter ones are better gathered by the system: a disk has only so many writes a second.</summary>
    private const int BytesMin = 256 * 1024;

    private readonly Lock _gate = new();
    private SafeFileHandle? _direct;
    private bool _isClosed;
    private volatile bool _isRefused;

    /// <summary>Answers 0 or an <see cref="Errno"/>.</summary>
    public int Write(ReadOnlySpan<byte> chunk, long offset)
    {
        if (chunk.Length < BytesMin || _isRefused || !IsInStep(chunk, offset) || Open() is not { } direct)
            return calls.Write(file, chunk, offset);
        var head = (int)(-offset & (PageBytes - 1));
        var pages = (chunk.Length - head) & ~(PageBytes - 1);
        var errno = head > 0 ? calls.Write(file, chunk[..head], offset) : 0;
        if (errno == 0)
            errno = WritePages(direct, chunk.Slice(head, pages), offset + head);
        var tail = head + pages;
        return errno == 0 && tail < chunk.Length ? calls.Write(file, chunk[tail..], offset + tail) : errno;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            _direct?.Dispose();
        }
    }

    /// <summary>A byte must lie as far behind a page's boundary in memory as in the file.</summary>
    private static unsafe bool IsInStep(ReadOnlySpan<byte> chunk, long offset) =>
        (((long)Unsafe.AsPointer(ref MemoryMarshal.GetReference(chunk)) - offset) & (PageBytes - 1)) == 0;

    private int WritePages(SafeFileHandle direct, ReadOnlySpan<byte> pages, long offset)
    {
        var errno = calls.Write(direct, pages, offset);
        if (errno != Errno.Invalid)
            return errno;
        _isRefused = true;
        return calls.Write(file, pages, offset);
    }

    /// <summary>Null where it cannot be had: the file system does not know it, or a newer owner has renamed the part.</summary>
    private SafeFileHandle? Open()
    {
        lock (_gate)
        {
            if (_direct is not null || _isRefused || _isClosed)
                return _isRefused || _isClosed ? null : _direct;
            if (calls.OpenFile(folder, name, FileUse.WriteDirect, out var opened) == 0
                && calls.Status(opened, null, out var second) == 0 && calls.Status(file, null, out var first) == 0 && second.Inode == first.Inode)
                return _direct = opened;
            opened.Dispose();
            _isRefused = true;
            return null;
        }
    }
}
