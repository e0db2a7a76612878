using System.Buffers;
using System.Security.Cryptography;

namespace Backhaul.Node.Transfers.Uploads;

/// <summary>Digests of ranges of what is sent, for protocols that say them before the bytes.</summary>
internal static class SourceDigest
{
    public static async ValueTask<byte[]> ComputeAsync(UploadRun run, HashAlgorithmName algorithm, long from, long count)
    {
        using var hash = IncrementalHash.CreateHash(algorithm);
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(run.Services.Options.ChunkBytes, Math.Max(1, count)));
        try
        {
            for (var at = from; at < from + count;)
            {
                var read = await run.Source.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, from + count - at)), at, run.Watch.Token);
                if (read == 0)
                    break; // a shorter file now: the body finds that out, and ends the upload
                hash.AppendData(buffer, 0, read);
                at += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        return hash.GetHashAndReset();
    }
}
