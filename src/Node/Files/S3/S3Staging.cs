using System.Buffers;

namespace Backhaul.Node.Files.S3;

/// <summary>
/// A client's file on its way into a bucket, first byte to last: two buffers of a part's size, one being sent while the other fills. Nothing is seen under
/// its name before <see cref="FinishAsync"/>; what is not finished is aborted when this closes.
/// </summary>
internal sealed class S3Staging(S3Container container, string key, string birth, long? length) : IAsyncDisposable
{
    private readonly PartPlan _plan = PartPlan.For(length, container.PartBytes);
    private readonly List<S3Part> _parts = [];
    private byte[]? _first;
    private int _firstBytes;
    private string? _uploadId;
    private bool _isFinished;

    /// <summary>Takes the whole body in.</summary>
    public async ValueTask<(long Total, StageResult.Refused? Refused)> ReceiveAsync(Stream body, long? promised, long bytesMax, CancellationToken stop)
    {
        long total = 0;
        var sending = Task.CompletedTask;
        byte[]? sent = null;
        var filling = Rent(1, promised);
        try
        {
            for (var number = 1; ; number++)
            {
                var range = _plan.RangeOf(number);
                var count = await body.ReadAtLeastAsync(filling.AsMemory(0, (int)Math.Min(range.Length, filling.Length)), (int)Math.Min(range.Length, filling.Length), throwOnEndOfStream: false, stop);
                total += count;
                if (total > bytesMax || total > PartPlan.ObjectBytesMax)
                    return (total, StageRefusals.TooLarge(bytesMax));
                await sending;
                var isLast = count < range.Length;
                if (number == 1 && isLast)
                {
                    (_first, _firstBytes) = (filling, count);
                    filling = [];
                    break;
                }
                Return(sent);
                if (count > 0)
                    sending = SendAsync(number, filling.AsMemory(0, count), stop);
                (sent, filling) = (filling, isLast ? [] : Rent(number + 1, null));
                if (isLast)
                    break;
            }
            await sending;
            return promised is { } all && all != total ? (total, StageRefusals.Incomplete(all, total)) : (total, null);
        }
        finally
        {
            await Task.WhenAny(sending); // its buffer may go only when nothing reads from it
            _ = sending.Exception; // seen: where it matters it was thrown above, and else something worse was
            Return(sent);
            Return(filling);
        }
    }

    /// <summary>
    /// The file is there under its name when this returns its ETag. The store is asked to hold the condition itself; one that does not know how leaves the moment
    /// since it was looked at last.
    /// </summary>
    public async ValueTask<string> FinishAsync(FileCondition? condition, S3Found? present, CancellationToken stop)
    {
        IReadOnlyList<(string, string)> conditions = condition switch
        {
            { MustBeFree: true } => [("If-None-Match", "*")],
            not null when present is not null => [("If-Match", present.ETag)],
            _ => [],
        };
        using var reply = _uploadId is null
            ? await container.Client.PutAsync(key, _first.AsMemory(0, _firstBytes), birth, stop, conditions)
            : await container.Client.CompleteUploadAsync(key, _uploadId, _parts, stop, conditions);
        if (reply.IsGood && reply.ETag is { } tag && _uploadId is null)
        {
            _isFinished = true;
            return tag;
        }
        // Whose answer was lost and who asked again is refused by its own success: the object says whose it is.
        var there = await container.FindAsync(key, "look at a file", stop);
        _isFinished = there?.Birth == birth;
        if (_isFinished)
            return there!.ETag;
        if (reply.IsConditionFailed)
            throw new FileConditionException();
        container.Check(reply, "write a file");
        throw new StorageException(StorageFailure.Failed, $"A file of container {container.Name} was replaced in the moment in which it was stored.");
    }

    public async ValueTask DisposeAsync()
    {
        Return(_first);
        _first = null;
        if (_uploadId is null || _isFinished)
            return;
        // What cannot be aborted now is the lifecycle rule's.
        using var reply = await container.Client.AbortUploadAsync(key, _uploadId, CancellationToken.None);
    }

    private async Task SendAsync(int number, ReadOnlyMemory<byte> bytes, CancellationToken stop)
    {
        if (_uploadId is null)
        {
            var (begun, id) = await container.Client.CreateUploadAsync(key, birth, [], stop);
            using (begun)
                container.Check(begun, "begin a file");
            _uploadId = id ?? throw new StorageException(StorageFailure.Failed, $"The store of container {container.Name} began an upload without an id.");
        }
        using var reply = await container.Client.UploadPartAsync(key, _uploadId, number, bytes, stop);
        container.Check(reply, "write a part of a file");
        _parts.Add(new S3Part(number, reply.ETag?.Trim('"') ?? "", bytes.Length));
    }

    /// <summary>A short body that says its length needs no buffer of a whole part.</summary>
    private byte[] Rent(int number, long? promised) =>
        ArrayPool<byte>.Shared.Rent((int)Math.Min(_plan.RangeOf(number).Length, number == 1 && promised is { } all ? all + 1 : long.MaxValue));

    private static void Return(byte[]? buffer)
    {
        if (buffer is { Length: > 0 })
            ArrayPool<byte>.Shared.Return(buffer);
    }
}
