namespace Backhaul.Node.Actors;

/// <summary>
/// A question that travels in a message, with exactly one answer: the first one wins, later ones are ignored and counted. A message
/// that is dropped must be answered by <see cref="Actor{TMessage}.Unhandled"/>. Whoever waits sets the deadline.
/// </summary>
internal sealed class Request<TReply>
{
    // Continuations never run inside the turn that answers. Without a context the pool takes them; in a world of one thread its queue
    // does, for every kind of continuation: those of WhenAll and WaitAsync would go to the pool otherwise, whatever was captured.
    private readonly SynchronizationContext? _context = SynchronizationContext.Current;
    private readonly TaskCompletionSource<TReply> _reply;
    private int _answered;
    private int _ignored;

    public Request() => _reply = new(_context is null ? TaskCreationOptions.RunContinuationsAsynchronously : TaskCreationOptions.None);

    public Task<TReply> Reply => _reply.Task;

    public bool IsAnswered => Volatile.Read(ref _answered) != 0;

    /// <summary>Answers that came after the first.</summary>
    public int AnswersIgnored => Volatile.Read(ref _ignored);

    /// <summary>False when it was answered before.</summary>
    public bool TryAnswer(TReply reply)
    {
        if (Interlocked.Exchange(ref _answered, 1) != 0)
        {
            Interlocked.Increment(ref _ignored);
            RequestCounts.CountIgnored();
            return false;
        }
        if (_context is null)
            _reply.SetResult(reply);
        else
            _context.Post(_ => _reply.SetResult(reply), null);
        return true;
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
