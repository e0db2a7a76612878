using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// How far a running attempt is: written by the attempt as often as it likes, read by views. One writer; a reader may see numbers of
/// two neighbouring reports, which for a progress display does not matter.
/// </summary>
internal sealed class AttemptProgress(string childName, bool isUpload, long from, SlotLease slot, TimeProvider time)
{
    /// <summary>Messages on a stream come at most this often for one task.</summary>
    private static readonly TimeSpan PublishEvery = TimeSpan.FromMilliseconds(500);

    private long _received = isUpload ? 0 : from;
    private long _sent = isUpload ? from : 0;
    private long _totalToReceive = -1;
    private long _totalToSend = -1;
    private long _bytesPerSecond;
    private long _sampledAt = time.GetTimestamp();
    private long _sampledBytes = from;

    public string ChildName { get; } = childName;

    /// <summary>The task's limit, which may change while the attempt runs.</summary>
    public RateGate Rate { get; } = new(time);

    /// <summary>Of a download with random access: what the attempt is to fetch first.</summary>
    public RangeWishes? Wishes { get; init; }

    /// <summary>What the client expects to receive: says how long it takes while the origin does not.</summary>
    public long? Expected { get; init; }

    /// <summary>Returned by the attempt at its end, and by the session when the attempt never began.</summary>
    public SlotLease Slot { get; } = slot;

    /// <summary>True when it is time to publish.</summary>
    public bool Update(long received, long sent, long? totalToReceive, long? totalToSend)
    {
        Volatile.Write(ref _received, received);
        Volatile.Write(ref _sent, sent);
        Volatile.Write(ref _totalToReceive, totalToReceive ?? -1);
        Volatile.Write(ref _totalToSend, totalToSend ?? -1);
        var elapsed = time.GetElapsedTime(_sampledAt);
        if (elapsed < PublishEvery)
            return false;
        var moved = Math.Max(0, received + sent - _sampledBytes);
        Volatile.Write(ref _bytesPerSecond, (long)(moved / elapsed.TotalSeconds));
        (_sampledAt, _sampledBytes) = (time.GetTimestamp(), received + sent);
        return true;
    }

    public LiveProgress Read() => new(
        Volatile.Read(ref _received), Volatile.Read(ref _sent), Known(ref _totalToReceive), Known(ref _totalToSend), Volatile.Read(ref _bytesPerSecond), Expected);

    public ProgressView View(TaskId task, int generation)
    {
        var live = Read();
        return new ProgressView
        {
            Task = task.ToString(),
            Progress = new TaskProgress
            {
                BytesReceived = live.BytesReceived,
                BytesSent = live.BytesSent,
                TotalToReceive = live.TotalToReceive,
                TotalToSend = live.TotalToSend,
                BytesPerSecond = live.BytesPerSecond,
                Eta = live.Eta,
                Generation = generation,
            },
        };
    }

    private static long? Known(ref long value) => Volatile.Read(ref value) is var known and >= 0 ? known : null;
}
