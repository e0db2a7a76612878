using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>
/// What a client does with the events of a session it is attached to. Every method has a default that does nothing: implement those that
/// matter. Events come one after the other, in order of their numbers, and at least once: an event is acknowledged after its method has
/// returned, and comes again when the process ends before. The number is the de-duplication key.
/// <para>A method that throws is called again with the same event, after a growing wait, and the events behind it wait meanwhile; throw
/// only for what may go away by itself. The <c>stop</c> of a method ends when the process cannot wait any longer.</para>
/// </summary>
public interface ISessionDelegate
{
    /// <summary>The session exists; also the first event of a new generation.</summary>
    ValueTask SessionCreatedAsync(SessionEvent<SessionCreatedData> created, CancellationToken stop) => default;

    /// <summary>A task was accepted.</summary>
    ValueTask TaskCreatedAsync(TaskEvent<TaskCreatedData> created, CancellationToken stop) => default;

    /// <summary>An attempt of a task started.</summary>
    ValueTask TaskStartedAsync(TaskEvent<TaskStartedData> started, CancellationToken stop) => default;

    /// <summary>A task cannot run now; the data has the reason and when it is looked at again.</summary>
    ValueTask TaskWaitingAsync(TaskEvent<TaskWaitingData> waiting, CancellationToken stop) => default;

    /// <summary>A server or a proxy asks for a credential; the task waits for <see cref="BackgroundSession.AnswerChallengeAsync"/>, or until the session has one.</summary>
    ValueTask ChallengedAsync(TaskEvent<ChallengeData> challenge, CancellationToken stop) => default;

    /// <summary>A task that asks before it starts waits for <see cref="BackgroundSession.AnswerDelayedRequestAsync"/>; without an answer its default holds.</summary>
    ValueTask DelayedRequestAsync(TaskEvent<DelayedRequestData> asked, CancellationToken stop) => default;

    /// <summary>An attempt goes on from bytes that were kept.</summary>
    ValueTask ResumedAsync(TaskEvent<ResumedData> resumed, CancellationToken stop) => default;

    /// <summary>A transfer starts again from zero.</summary>
    ValueTask RestartedAsync(TaskEvent<RestartedData> restarted, CancellationToken stop) => default;

    /// <summary>A redirect was followed.</summary>
    ValueTask RedirectedAsync(TaskEvent<RedirectedData> redirected, CancellationToken stop) => default;

    /// <summary>A task has far more bytes than its client expected; nothing ends because of it.</summary>
    ValueTask ExpectationExceededAsync(TaskEvent<ExpectationExceededData> exceeded, CancellationToken stop) => default;

    /// <summary>A task that has not ended nears its deadline: a tenth of its time is left, an hour at most.</summary>
    ValueTask DeadlineNearAsync(TaskEvent<DeadlineNearData> near, CancellationToken stop) => default;

    /// <summary>More bytes of a download with random access are there.</summary>
    ValueTask RangesDownloadedAsync(TaskEvent<RangesDownloadedData> downloaded, CancellationToken stop) => default;

    /// <summary>A download's file is in place. A temporary one can still be moved when its <see cref="TaskCompletedAsync"/> is called.</summary>
    ValueTask TaskFinishedFileAsync(TaskEvent<TaskFinishedFileData> finished, CancellationToken stop) => default;

    /// <summary>The one final event of a task. A temporary file lives until this method has returned.</summary>
    ValueTask TaskCompletedAsync(TaskEvent<TaskCompletedData> completed, CancellationToken stop) => default;

    /// <summary>No task of a group is left.</summary>
    ValueTask GroupCompletedAsync(SessionEvent<GroupCompletedData> completed, CancellationToken stop) => default;

    /// <summary>All tasks of an enabled completion group have ended; it fires once.</summary>
    ValueTask CompletionGroupFiredAsync(SessionEvent<GroupCompletedData> fired, CancellationToken stop) => default;

    /// <summary>
    /// Events ended unread with their retention, because nobody acknowledged them in time: they do not come any more, and those behind them do. What they told is
    /// to be seen in the tasks themselves, by <see cref="BackgroundSession.ListTasksAsync"/>.
    /// </summary>
    ValueTask EventsExpiredAsync(SessionEvent<EventsExpiredData> expired, CancellationToken stop) => default;

    /// <summary>Everything before it was acknowledged, and no task is left.</summary>
    ValueTask EventsDrainedAsync(SessionEvent drained, CancellationToken stop) => default;

    /// <summary>The last event of a generation of the session.</summary>
    ValueTask SessionInvalidatedAsync(SessionEvent invalidated, CancellationToken stop) => default;

    /// <summary>An event of a type that this version does not know.</summary>
    ValueTask OtherEventAsync(SessionEvent other, CancellationToken stop) => default;

    /// <summary>How far a running task is: unnumbered, not repeated, between the events. What it throws is kept in <see cref="AttachedSession.NotificationFailure"/>, and passed over.</summary>
    void Progressed(BackgroundSession session, ProgressView progress)
    {
    }

    /// <summary>A method of this delegate threw; the event is not acknowledged and comes again. What this throws is added to <see cref="AttachedSession.Failure"/>, and passed over.</summary>
    void HandlerFailed(BackgroundSession session, HandlerFailure failure)
    {
    }

    /// <summary>The connection was lost and is made anew; nothing is missed by it. What it throws is kept in <see cref="AttachedSession.NotificationFailure"/>, and passed over.</summary>
    void Interrupted(BackgroundSession session, EventStreamInterruption interruption)
    {
    }
}
