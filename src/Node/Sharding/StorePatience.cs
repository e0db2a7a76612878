namespace Backhaul.Node.Sharding;

/// <summary>
/// How long a drain goes on asking a store that does not answer: all its shards together, and not each of them again. Whoever waits for
/// the shards then waits for the lease, which ends by itself. Thread-safe.
/// </summary>
/// <param name="time">The node's own.</param>
/// <param name="within">From now: whatever the store answers, nothing is asked after that.</param>
/// <param name="stop">Nor after this.</param>
internal sealed class StorePatience(TimeProvider time, TimeSpan within, CancellationToken stop)
{
    /// <summary>Of failures without an answer in between; also of one call. As long as the store itself lets a release wait for an append in flight.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private const long Never = long.MinValue;

    private readonly long _began = time.GetTimestamp();
    private long _failingSince = Never;

    /// <summary>The last call failed.</summary>
    public bool IsFailing => Interlocked.Read(ref _failingSince) != Never;

    /// <summary>Nothing is asked any more.</summary>
    public bool IsOver => stop.IsCancellationRequested || time.GetElapsedTime(_began) >= within
        || (Interlocked.Read(ref _failingSince) is var since and not Never && time.GetElapsedTime(since) >= Limit);

    public void Answered() => Interlocked.Exchange(ref _failingSince, Never);

    /// <summary>A call that began then came to nothing.</summary>
    public void Failed(long asked) => Interlocked.CompareExchange(ref _failingSince, asked, Never);
}
