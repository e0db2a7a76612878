namespace Backhaul.Node.Files.S3;

/// <summary>
/// One version of an object as a stream: seeking sets a number, reading asks for the rest from there and goes on in that answer. A connection that breaks is
/// replaced by one that goes on at the same byte; another version of the object is never mixed in, since each request names the tag.
/// </summary>
internal sealed class S3ReadStream(S3Container container, string key, string etag, long length) : Stream
{
    private const int BreaksMax = 4;

    private S3Reply? _reply;
    private Stream? _body;
    private long _bodyAt;
    private int _breaks;

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
        if (Position >= length || buffer.IsEmpty)
            return 0;
        while (true)
        {
            if (_body is null || _bodyAt != Position)
                await OpenAsync(cancellationToken);
            try
            {
                var count = await _body!.ReadAsync(buffer[..(int)Math.Min(buffer.Length, length - Position)], cancellationToken);
                if (count == 0)
                    throw new IOException("The body ended before the object did.");
                Position = _bodyAt += count;
                _breaks = 0;
                return count;
            }
            catch (Exception broken) when (S3Client.IsNetwork(broken))
            {
                await CloseAsync();
                if (++_breaks > BreaksMax)
                    throw new StorageException(StorageFailure.Away, $"Reading a file of container {container.Name} broke off again and again at byte {Position}.", broken);
            }
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("An object is read asynchronously.");

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException("This stream only reads.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("This stream only reads.");

    public override async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _body?.Dispose();
            _reply?.Dispose();
        }
        base.Dispose(disposing);
    }

    private async ValueTask OpenAsync(CancellationToken stop)
    {
        await CloseAsync();
        var reply = await container.Client.GetAsync(key, Position, etag, stop);
        if (!reply.IsGood || (Position > 0 && reply.RangeFrom != Position))
        {
            using (reply)
            {
                throw reply.Status == 412 || reply.IsMissing || reply.IsGood
                    ? new StorageException(StorageFailure.Failed, $"A file of container {container.Name} was replaced or removed while it was read.")
                    : S3Errors.Exception(reply, container, "read a file");
            }
        }
        _reply = reply;
        _bodyAt = Position;
        _body = await reply.OpenBodyAsync(stop);
    }

    private async ValueTask CloseAsync()
    {
        if (_body is not null)
            await _body.DisposeAsync();
        _reply?.Dispose();
        _body = null;
        _reply = null;
    }
}
