namespace Backhaul.Node.Actors;

internal static partial class ActorLog
{
    [LoggerMessage(1000, LogLevel.Warning, "{Path} threw (failure {Failures} in a row); its parent decides")]
    public static partial void ActorFailed(this ILogger logger, Exception failure, string path, int failures);

    [LoggerMessage(1001, LogLevel.Information, "{Path} starts again in {DelayMs} ms after failure {Failures}")]
    public static partial void ActorRestarts(this ILogger logger, string path, double delayMs, int failures);

    [LoggerMessage(1002, LogLevel.Warning, "A turn of {Path} ({Turn}) has taken {Seconds} s so far or in all; {Waiting} messages wait behind it")]
    public static partial void TurnTakesLong(this ILogger logger, string path, TurnKind turn, double seconds, int waiting);

    [LoggerMessage(1003, LogLevel.Warning, "{Path} was told to stop {Seconds} s ago and still runs, with {Children} children and {Waiting} messages; its work is cancelled now")]
    public static partial void StopTakesTooLong(this ILogger logger, string path, double seconds, int children, int waiting);

    [LoggerMessage(1004, LogLevel.Error, "{Path} did not end (stop reason {Reason}) and was left behind; its waiting callers were answered")]
    public static partial void ActorAbandoned(this ILogger logger, string path, string reason);

    [LoggerMessage(1005, LogLevel.Warning, "{Path} threw while it stopped")]
    public static partial void StopThrew(this ILogger logger, Exception failure, string path);

    [LoggerMessage(1006, LogLevel.Error, "{Path} threw while it answered a message it could not handle; that caller waits until its deadline")]
    public static partial void UnhandledThrew(this ILogger logger, Exception failure, string path);

    [LoggerMessage(1007, LogLevel.Critical, "The loop of {Path} broke: this is a bug of the kernel; the actor ends")]
    public static partial void LoopBroke(this ILogger logger, Exception failure, string path);

    [LoggerMessage(1008, LogLevel.Error, "{Path} ends because of its failure")]
    public static partial void ActorCrashed(this ILogger logger, Exception failure, string path);
}
