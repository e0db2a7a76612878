using System.Buffers;
using System.Security.Cryptography;
using Backhaul.Node.Files;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>SHA-256 of what is stored, computed beside the transfer: a core does about 1.1 GB/s, so it must not be the socket's.</summary>
internal sealed class PartDigest(IFileWork work) : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public async ValueTask AppendAsync(ReadOnlyMemory<byte> chunk) =>
        await work.RunAsync(
            static state =>
            {
                state.Hash.AppendData(state.Chunk.Span);
                return true;
            },
            (Hash: _hash, Chunk: chunk));

    /// <summary>Takes in what a part already holds; false when it holds less than it should.</summary>
    public async ValueTask<bool> AppendPartAsync(IPartFile part, long bytes, int chunkBytes, CancellationToken stop)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(chunkBytes);
        try
        {
            for (long offset = 0; offset < bytes;)
            {
                var count = await part.ReadAsync(buffer.AsMemory(0, (int)Math.Min(chunkBytes, bytes - offset)), offset, stop);
                if (count == 0)
                    return false;
                await AppendAsync(buffer.AsMemory(0, count));
                offset += count;
            }
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Lower-case hex of everything appended.</summary>
    public string Finish() => Convert.ToHexStringLower(_hash.GetHashAndReset());

    public void Dispose() => _hash.Dispose();
}
