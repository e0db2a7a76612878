using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Files.Disk;

/// <summary>An open file as a stream. Reads wait on a file thread; seeking only sets a number.</summary>
internal sealed class DiskReadStream(SafeFileHandle file, long length, DiskContainer container, IFileWork work) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position { get; set; }

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        _ => length + offset,
    };

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var count = await work.RunAsync(static s => s.self.ReadAt(s.buffer.Span, s.self.Position), (self: this, buffer));
        Position += count;
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count)
    {
        var got = ReadAt(buffer.AsSpan(offset, count), Position);
        Position += got;
        return got;
    }

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException("This stream only reads.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("This stream only reads.");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            file.Dispose();
        base.Dispose(disposing);
    }

    private int ReadAt(Span<byte> into, long offset)
    {
        container.Check(container.Calls.Read(file, into, offset, out var count), "read a file");
        return count;
    }
}
