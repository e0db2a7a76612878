using System.Buffers;
using Backhaul.Node.Files;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// Digests of what is stored, computed beside the transfer: a core does about 1.1 GB/s of SHA-256, so it must not be the socket's. Bytes are
/// taken in their order as they come; those that came out of order are read back from the part at the end.
/// </summary>
internal sealed class PartDigest(IFileWork work, params IReadOnlyList<DigestAlgorithm> algorithms) : IDisposable
{
    private readonly RunningDigest[] _digests = [.. algorithms.Distinct().Select(algorithm => new RunningDigest(algorithm))];
    private readonly Lock _gate = new();
    private long _position;
    private bool _isBusy;

    /// <summary>Takes a chunk that was written, if it is the next one; any other is read back later.</summary>
    public async ValueTask TakeAsync(ReadOnlyMemory<byte> chunk, long offset)
    {
        lock (_gate)
        {
            if (_isBusy || offset != _position)
                return;
            _isBusy = true;
        }
        try
        {
            await AppendAsync(chunk);
        }
        finally
        {
            lock (_gate)
                _isBusy = false;
        }
    }

    /// <summary>Takes in what the part holds up to an offset; false when it holds less than it should. No chunk is being taken meanwhile.</summary>
    public async ValueTask<bool> CatchUpAsync(IPartFile part, long to, int chunkBytes, CancellationToken stop)
    {
        if (_position >= to)
            return true;
        var buffer = ArrayPool<byte>.Shared.Rent(chunkBytes);
        try
        {
            while (_position < to)
            {
                var count = await part.ReadAsync(buffer.AsMemory(0, (int)Math.Min(chunkBytes, to - _position)), _position, stop);
                if (count == 0)
                    return false;
                await AppendAsync(buffer.AsMemory(0, count));
            }
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Of everything taken; null when this one is not computed here. Each may be asked for once.</summary>
    public byte[]? Finish(DigestAlgorithm algorithm) => Array.Find(_digests, digest => digest.Algorithm == algorithm)?.Finish();

    public void Dispose()
    {
        foreach (var digest in _digests)
            digest.Dispose();
    }

    private async ValueTask AppendAsync(ReadOnlyMemory<byte> chunk)
    {
        await work.RunAsync(
            static state =>
            {
                foreach (var digest in state.Digests)
                    digest.Append(state.Chunk.Span);
                return true;
            },
            (Digests: _digests, Chunk: chunk));
        _position += chunk.Length;
    }
}
