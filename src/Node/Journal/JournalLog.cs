namespace Backhaul.Node.Journal;

/// <summary>What the writer says to operators.</summary>
internal sealed partial class JournalLog(ILogger logger)
{
    private readonly ILogger _logger = logger;

    [LoggerMessage(2000, LogLevel.Warning, "A commit of {Sessions} sessions failed ({Failure}): {Message}")]
    public partial void CommitFailed(StoreFailure failure, int sessions, string message);

    [LoggerMessage(2001, LogLevel.Error, "The store failed in a way it should not; the outcome is being looked up")]
    public partial void CommitCrashed(Exception exception);

    [LoggerMessage(2002, LogLevel.Error, "The next row of session {Session} is not {Sequence}: its state and its journal disagree, it is reloaded")]
    public partial void Conflict(string session, long sequence);

    [LoggerMessage(2003, LogLevel.Warning, "Shard {Shard}: looking up an unknown outcome failed: {Message}")]
    public partial void ResolveFailed(int shard, string message);

    [LoggerMessage(2004, LogLevel.Warning,
        "Shard {Shard} was acquired again after an unknown outcome: {Settled} sessions are settled, {Absent} are sent again")]
    public partial void Resolved(int shard, int settled, int absent);

    [LoggerMessage(2005, LogLevel.Error, "A batch with {Sessions} unanswered sessions was given up; they are answered Unknown and reload")]
    public partial void BatchAbandoned(Exception exception, int sessions);
}
