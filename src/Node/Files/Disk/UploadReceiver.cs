using System.Buffers;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Files.Disk;

/// <summary>
/// A request's body on its way into an upload: the next buffer fills while the last one is written, and every few seconds what came is flushed and counted.
/// When the body breaks, what came before counts: that is what the client goes on from. A body with a checksum counts as a whole or not at all.
/// </summary>
internal sealed class UploadReceiver(UploadFolder folder, Guid id, SafeFileHandle file, UploadState state, IFileWork work, TimeProvider time, TimeSpan age)
{
    private const int BufferBytes = 1 << 20;

    /// <summary>At most this much of time is sent again after the death of the node.</summary>
    private static readonly TimeSpan CheckpointEvery = TimeSpan.FromSeconds(5);

    /// <summary>As far as it is flushed.</summary>
    public UploadState State { get; private set; } = state;

    /// <summary>The body did not come to its end.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>False: the body is longer than allowed, or its checksum differs; nothing after the last checkpoint counts.</summary>
    public async ValueTask<ReceiveResult> RunAsync(Stream body, long bytesMax, UploadChecksum? checksum, CancellationToken stop)
    {
        using var hash = checksum is null ? null : IncrementalHash.CreateHash(checksum.Algorithm);
        var (filling, writing) = (ArrayPool<byte>.Shared.Rent(BufferBytes), ArrayPool<byte>.Shared.Rent(BufferBytes));
        var written = Task.CompletedTask;
        var start = State.Offset;
        try
        {
            long total = 0;
            var flushedAt = time.GetTimestamp();
            while (true)
            {
                var count = await FillAsync(body, filling.AsMemory(0, BufferBytes), stop);
                await written;
                if (total + count > bytesMax)
                    return ReceiveResult.TooLong;
                hash?.AppendData(filling, 0, count);
                written = WriteAsync(filling.AsMemory(0, count), start + total);
                total += count;
                (filling, writing) = (writing, filling);
                if (IsBroken || count < BufferBytes)
                    break;
                if (hash is null && time.GetElapsedTime(flushedAt) >= CheckpointEvery)
                {
                    await written;
                    await CountAsync(start + total, length: null);
                    flushedAt = time.GetTimestamp();
                }
            }
            await written;
            if (checksum is not null && (IsBroken || !CryptographicOperations.FixedTimeEquals(hash!.GetHashAndReset(), checksum.Digest.Span)))
                return IsBroken ? ReceiveResult.Received : ReceiveResult.ChecksumDiffers;
            await CountAsync(start + total, length: null);
            return ReceiveResult.Received;
        }
        finally
        {
            // The buffers and the file may go only when no thread writes from them any more.
            await Task.WhenAny(written);
            _ = written.Exception; // seen: where it matters it was thrown above, and else something worse was
            ArrayPool<byte>.Shared.Return(filling);
            ArrayPool<byte>.Shared.Return(writing);
        }
    }

    /// <summary>Flush, then say so: an offset never counts what could be lost.</summary>
    public async ValueTask CountAsync(long offset, long? length)
    {
        var next = State with { Offset = offset, Length = length ?? State.Length, ExpiresAt = time.GetUtcNow() + age };
        await work.RunAsync(
            static s =>
            {
                var container = s.folder.Container;
                if (s.next.Offset > 0)
                    container.Check(container.Calls.FlushData(s.file), "flush an upload");
                container.Reach("upload.flush");
                s.folder.WriteState(s.id, s.next);
                container.Reach("upload.state");
                return true;
            },
            (folder, id, file, next));
        State = next;
    }

    /// <summary>Full, or the end. A body that breaks keeps what it had.</summary>
    private async ValueTask<int> FillAsync(Stream body, Memory<byte> into, CancellationToken stop)
    {
        var count = 0;
        try
        {
            while (count < into.Length)
            {
                var read = await body.ReadAsync(into[count..], stop);
                if (read == 0)
                    return count;
                count += read;
            }
        }
        catch (Exception broken) when (broken is IOException or OperationCanceledException or Microsoft.AspNetCore.Http.BadHttpRequestException)
        {
            IsBroken = true;
        }
        return count;
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes, long offset) => await work.RunAsync(
        static s =>
        {
            s.container.Check(s.container.Calls.Write(s.file, s.bytes.Span, s.offset), "write an upload");
            s.container.Calls.StartWriteBack(s.file, s.offset, s.bytes.Length);
            return true;
        },
        (container: folder.Container, file, bytes, offset));
}

/// <summary>How receiving a body ended.</summary>
internal enum ReceiveResult
{
    Received = 1,
    TooLong = 2,
    ChecksumDiffers = 3,
}
