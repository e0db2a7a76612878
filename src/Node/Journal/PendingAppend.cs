namespace Backhaul.Node.Journal;

/// <summary>A request on its way, with the one place its answer goes to. The first answer counts.</summary>
internal sealed class PendingAppend
{
    private readonly TaskCompletionSource<AppendOutcome> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PendingAppend(AppendRequest request, long bytes, long enqueuedAt)
    {
        Request = request;
        Bytes = bytes;
        EnqueuedAt = enqueuedAt;
    }

    public AppendRequest Request { get; }

    public long Bytes { get; }

    /// <summary>A time stamp of the monotonic clock.</summary>
    public long EnqueuedAt { get; }

    public Task<AppendOutcome> Outcome => _outcome.Task;

    public bool TryAnswer(AppendOutcome outcome) => _outcome.TrySetResult(outcome);
}
