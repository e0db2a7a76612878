using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Files.Disk;

/// <summary>
/// One open part. Writes may overlap, and a flush may overlap with writes: it covers those that ended before it began. An identity and a
/// publication may not overlap with writes. After a failed flush every call fails: the system has dropped what it could not write, and a
/// second flush would claim that all is well.
/// </summary>
internal sealed class DiskPart(
    DiskContainer container, SafeFileHandle folder, string name, SafeFileHandle file, TaskFiles files, PartOwner owner, IFileWork work, bool isDirect,
    long room)
    : IPartFile
{
    private readonly DirectWrites? _direct = isDirect ? new DirectWrites(container.Calls, folder, name, file) : null;
    private readonly Lock _writeBackGate = new();
    private (long Offset, long Count) _writeBack;
    private long _room = room;
    private bool _isFolderDurable;
    private volatile bool _hasFailed;

    public string Name => name;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> chunk, long offset, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        await work.RunAsync(static s => s.self.Write(s.chunk.Span, s.offset), (self: this, chunk, offset));
    }

    public async ValueTask<int> ReadAsync(Memory<byte> into, long offset, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return await work.RunAsync(static s => s.self.Read(s.into.Span, s.offset), (self: this, into, offset));
    }

    /// <summary>Noted here and done by the next write's thread: even a hint can wait when a disk's queue is full.</summary>
    public void StartWriteBack(long offset, long count)
    {
        lock (_writeBackGate)
        {
            var end = Math.Max(_writeBack.Offset + _writeBack.Count, offset + count);
            var start = _writeBack.Count == 0 ? offset : Math.Min(_writeBack.Offset, offset);
            _writeBack = (start, end - start);
        }
    }

    public async ValueTask<PartFlush> FlushAsync(RangeSet written, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        await work.RunAsync(static self => self.Flush(), this);
        return new PartFlush(written);
    }

    public ValueTask<FileIdentity> IdentifyAsync(CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return work.RunAsync(static self => self.Identify(), this);
    }

    public ValueTask<FileView> PublishAsync(long length, string? sha256, bool flush, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return work.RunAsync(static s => s.self.Publish(s.length, s.sha256, s.flush), (self: this, length, sha256, flush));
    }

    /// <summary>A step of a copy out of another file, which may lie in another container; where the next one begins. Blocking, before any other write.</summary>
    internal long CopyFrom(DiskContainer source, SafeFileHandle from, long offset, long end)
    {
        owner.Check();
        return DiskKeptParts.Copy(source, from, file, offset, end);
    }

    public ValueTask DisposeAsync()
    {
        _direct?.Dispose();
        file.Dispose();
        folder.Dispose();
        return default;
    }

    private bool Write(ReadOnlySpan<byte> chunk, long offset)
    {
        RefuseAfterFailure();
        container.Check(_direct?.Write(chunk, offset) ?? container.Calls.Write(file, chunk, offset), "write a part");
        (long Offset, long Count) due;
        lock (_writeBackGate)
        {
            due = _writeBack;
            _writeBack = default;
        }
        if (due.Count > 0)
            container.Calls.StartWriteBack(file, due.Offset, due.Count);
        return true;
    }

    private int Read(Span<byte> into, long offset)
    {
        RefuseAfterFailure();
        container.Check(container.Calls.Read(file, into, offset, out var count), "read a part");
        return count;
    }

    private bool Flush()
    {
        RefuseAfterFailure();
        FlushOrFail(container.Calls.FlushData(file));
        if (!_isFolderDurable)
        {
            container.FlushPartFolder(HiddenNames.Stem(files.Session, files.Generation, files.Task), folder);
            _isFolderDurable = true;
        }
        container.Reach("checkpoint.flush");
        return true;
    }

    private FileIdentity Identify()
    {
        RefuseAfterFailure();
        // Before the time is taken that identifies the file, which this changes.
        if (Look().Length is var length && _room > length)
            Cut(length);
        // With all metadata: the time that identifies the file must be the same after a power cut.
        FlushOrFail(container.Calls.Flush(file));
        var status = Look();
        return new FileIdentity(status.Inode, status.Length, status.ModifiedNs);
    }

    private FileView Publish(long length, string? sha256, bool flush)
    {
        RefuseAfterFailure();
        var present = Look().Length;
        if (present < length)
            throw new StorageException(StorageFailure.Failed, $"A part in container {container.Name} has {present} bytes and {length} were written: something shortened it.");
        if (present > length || _room > length)
            Cut(length);
        try
        {
            container.Publish(file, folder, name, Place.Of(files), flush, "publish", owner);
        }
        catch (StorageException refused) when (refused.Failure == StorageFailure.Failed)
        {
            _hasFailed = true;
            throw;
        }
        _direct?.Dispose();
        var etag = DiskContainers.ETagOf(Look());
        file.Dispose();
        if (container.Calls.RemoveFolder(container.Parts, HiddenNames.Stem(files.Session, files.Generation, files.Task)) == Errno.NotEmpty)
            DiskPartFiles.DiscardParts(container, files, owner.Epoch);
        return Place.View(files, length, sha256, etag);
    }

    /// <summary>Room that was reserved behind the end goes back as well.</summary>
    private void Cut(long length)
    {
        container.Check(container.Calls.SetLength(file, length), "set a file's length");
        _room = length;
    }

    private FileStatus Look()
    {
        container.Check(container.Calls.Status(file, null, out var status), "look at a part");
        return status;
    }

    private void FlushOrFail(int errno)
    {
        if (errno == 0)
            return;
        _hasFailed = true;
        throw container.FlushFailed(errno);
    }

    private void RefuseAfterFailure()
    {
        if (_hasFailed)
            throw new StorageException(StorageFailure.Failed, $"The disk of container {container.Name} failed this part before; it is of no use any more.");
    }
}
