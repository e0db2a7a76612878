using System.Net;
using Backhaul.Client.Calls;

namespace Backhaul.Client.Files;

/// <summary>A body copied from a stream that belongs to the caller; each step keeps the attempt alive.</summary>
internal sealed class StreamedContent : HttpContent
{
    internal const int ChunkBytes = 128 * 1024;
    private readonly Stream _source;
    private readonly long? _length;
    private readonly AttemptLimit _limit;

    public StreamedContent(Stream source, long? length, AttemptLimit limit)
    {
        _source = source;
        _length = length;
        _limit = limit;
        Headers.Add("Content-Type", "application/octet-stream");
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, _limit.Token);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var buffer = new byte[ChunkBytes];
        while (await ReadSourceAsync(buffer, cancellationToken) is var read and > 0)
        {
            await stream.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            _limit.Progressed();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _length ?? 0;
        return _length is not null;
    }

    /// <summary>A source that fails is the caller's matter, and must not look like a broken connection.</summary>
    private async ValueTask<int> ReadSourceAsync(Memory<byte> room, CancellationToken stop)
    {
        try
        {
            return await _source.ReadAsync(room, stop);
        }
        catch (IOException broken)
        {
            throw new InvalidOperationException("The stream to upload cannot be read: " + broken.Message, broken);
        }
    }
}
