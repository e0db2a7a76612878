using Backhaul.Node.Transfers;
using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Files.Disk;

/// <summary>What an upload sends: one inode, opened once. The path may name another file later; this one is read to its end.</summary>
internal sealed class DiskUploadSource(SafeFileHandle file, FileStatus opened, Place place, DiskContainer container, IFileWork work) : IUploadSource
{
    public long Length => opened.Length;

    public FileIdentity Identity { get; } = new(opened.Inode, opened.Length, opened.ModifiedNs);

    public async ValueTask<int> ReadAsync(Memory<byte> into, long offset, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return await work.RunAsync(static s => s.self.Read(s.into.Span, s.offset), (self: this, into, offset));
    }

    public ValueTask<bool> IsUnchangedAsync(CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return work.RunAsync(static self => self.IsUnchanged(), this);
    }

    public ValueTask DisposeAsync()
    {
        file.Dispose();
        return default;
    }

    private int Read(Span<byte> into, long offset)
    {
        container.Check(container.Calls.Read(file, into, offset, out var count), "read a file to send");
        return count;
    }

    private bool IsUnchanged()
    {
        container.Check(container.Calls.Status(file, null, out var now), "look at a file to send");
        return now == opened && container.Look(place) == opened;
    }
}
