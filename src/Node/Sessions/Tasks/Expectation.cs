using Backhaul.Node.Transfers;

namespace Backhaul.Node.Sessions;

/// <summary>
/// What a client expected of a task's bytes, held against what comes. Far more than that is told once, as an event: the client may have named the wrong URL,
/// and its budget is concerned; it ends nothing, which is what <c>maxBytes</c> is for. Pure.
/// </summary>
internal static class Expectation
{
    /// <summary>More than twice as much is far more, when it is this much more as well: small numbers are seldom exact.</summary>
    private const long SlackBytes = 1024 * 1024;

    /// <summary>What a response promises.</summary>
    public static TaskExpectationExceeded? OnResponse(TaskState task, AttemptResponse response, DateTimeOffset now) =>
        task.Spec.Kind is TaskKind.Download ? Judge(task, task.Spec.ExpectedBytes?.Receive, response.Total ?? 0, now) : null;

    /// <summary>What came or went in all.</summary>
    public static TaskExpectationExceeded? OnEnd(TaskState task, AttemptOutcome.Finished finished, DateTimeOffset now) =>
        Judge(task, task.Spec.ExpectedBytes?.Receive, finished.BytesReceived, now) ?? Judge(task, task.Spec.ExpectedBytes?.Send, finished.BytesSent, now);

    private static TaskExpectationExceeded? Judge(TaskState task, long? expected, long actual, DateTimeOffset now) =>
        expected is { } bytes && task.Run is { IsExpectationExceeded: false } && actual - SlackBytes > bytes && actual / 2 > bytes
            ? new TaskExpectationExceeded(task.Id, bytes, actual, now)
            : null;
}
