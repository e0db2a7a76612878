namespace Backhaul.Node.Actors;

/// <summary>
/// A question that travels in a message, with exactly one answer: the first one wins, later ones are ignored and counted. A message
/// that is dropped must be answered by <see cref="Actor{TMessage}.Unhandled"/>. Whoever waits sets the deadline.
/// </summary>
internal sealed class Request<TReply>
{
    private readonly TaskCompletionSource<TReply> _reply = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _ignored;

    public Task<TReply> Reply => _reply.Task;

    public bool IsAnswered => _reply.Task.IsCompleted;

    /// <summary>Answers that came after the first.</summary>
    public int AnswersIgnored => Volatile.Read(ref _ignored);

    /// <summary>False when it was answered before.</summary>
    public bool TryAnswer(TReply reply)
    {
        if (_reply.TrySetResult(reply))
            return true;
        Interlocked.Increment(ref _ignored);
        RequestCounts.CountIgnored();
        return false;
    }
}

/// <summary>Totals over all requests of the process, for the metrics.</summary>
internal static class RequestCounts
{
    private static long _ignored;

    /// <summary>Answers that came after the first.</summary>
    public static long AnswersIgnored => Interlocked.Read(ref _ignored);

    internal static void CountIgnored() => Interlocked.Increment(ref _ignored);
}
