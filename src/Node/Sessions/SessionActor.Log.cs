using Backhaul.Node.Journal;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

internal static partial class SessionLog
{
    [LoggerMessage(4000, LogLevel.Debug, "Session {Session} is loaded: {Tasks} tasks, event {LastEvent}, sequence {Sequence}.")]
    public static partial void SessionLoaded(this ILogger logger, SessionKey session, int tasks, long lastEvent, long sequence);

    [LoggerMessage(4001, LogLevel.Information, "Session {Session} is created, generation {Generation}.")]
    public static partial void SessionCreated(this ILogger logger, SessionKey session, int generation);

    [LoggerMessage(4002, LogLevel.Information, "Session {Session} has ended.")]
    public static partial void SessionInvalidated(this ILogger logger, SessionKey session);

    [LoggerMessage(4003, LogLevel.Warning, "Session {Session}: {Interrupted} attempts were under way when its node stopped; they are started again.")]
    public static partial void AttemptsInterrupted(this ILogger logger, SessionKey session, int interrupted);

    [LoggerMessage(4004, LogLevel.Warning, "Session {Session}: an append ended as {Outcome}; the session is loaded again from the journal.")]
    public static partial void AppendRefused(this ILogger logger, SessionKey session, AppendOutcome outcome);

    [LoggerMessage(4005, LogLevel.Warning, "Session {Session}: the snapshot at sequence {Sequence} was not saved; the journal holds everything, loading takes longer.")]
    public static partial void SnapshotFailed(this ILogger logger, SessionKey session, long sequence, Exception? failure);

    [LoggerMessage(4006, LogLevel.Warning, "Session {Session}: the snapshot at sequence {Sequence} cannot be read; an older one or the journal is used.")]
    public static partial void SnapshotUnreadable(this ILogger logger, SessionKey session, long sequence);

    [LoggerMessage(4007, LogLevel.Error, "Session {Session}, task {Task}: attempt {Attempt} broke with a bug; it is tried again.")]
    public static partial void AttemptBroke(this ILogger logger, SessionKey session, TaskId task, int attempt, Exception bug);

    [LoggerMessage(4008, LogLevel.Warning, "Session {Session}, task {Task}: its leftover files could not be removed.")]
    public static partial void DiscardFailed(this ILogger logger, SessionKey session, TaskId task, Exception failure);

    [LoggerMessage(4009, LogLevel.Warning, "Session {Session}: a query could not read the journal.")]
    public static partial void ReadFailed(this ILogger logger, SessionKey session, Exception failure);

    [LoggerMessage(4010, LogLevel.Warning, "Session {Session}, task {Task} failed with {Code}: {Reason}")]
    public static partial void TaskFailed(this ILogger logger, SessionKey session, TaskId task, string code, string reason);

    [LoggerMessage(4011, LogLevel.Warning, "Session {Session}, task {Task}: its part could not be kept; the task is cancelled without resume data.")]
    public static partial void KeepFailed(this ILogger logger, SessionKey session, TaskId task, Exception failure);

    [LoggerMessage(4012, LogLevel.Warning, "Session {Session}: the list of round {Round} of its prefetch could not be read; the round fails, the next one fetches it again.")]
    public static partial void PrefetchListUnread(this ILogger logger, SessionKey session, long round, Exception failure);

    [LoggerMessage(4013, LogLevel.Information, "Session {Session}, task {Task} has no content: {Reason}")]
    public static partial void AnswerNotKept(this ILogger logger, SessionKey session, TaskId task, string reason);
}
