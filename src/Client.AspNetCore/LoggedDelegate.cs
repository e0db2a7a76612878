using Backhaul.Protocol;
using Microsoft.Extensions.Logging;

namespace Backhaul.Client.AspNetCore;

/// <summary>Passes everything on, and writes to the log what goes wrong between the session and the delegate.</summary>
internal sealed class LoggedDelegate(ISessionDelegate to, ILogger logger) : ISessionDelegate
{
    public ValueTask SessionCreatedAsync(SessionEvent<SessionCreatedData> created, CancellationToken stop) => to.SessionCreatedAsync(created, stop);

    public ValueTask TaskCreatedAsync(TaskEvent<TaskCreatedData> created, CancellationToken stop) => to.TaskCreatedAsync(created, stop);

    public ValueTask TaskStartedAsync(TaskEvent<TaskStartedData> started, CancellationToken stop) => to.TaskStartedAsync(started, stop);

    public ValueTask TaskWaitingAsync(TaskEvent<TaskWaitingData> waiting, CancellationToken stop) => to.TaskWaitingAsync(waiting, stop);

    public ValueTask ChallengedAsync(TaskEvent<ChallengeData> challenge, CancellationToken stop) => to.ChallengedAsync(challenge, stop);

    public ValueTask DelayedRequestAsync(TaskEvent<DelayedRequestData> asked, CancellationToken stop) => to.DelayedRequestAsync(asked, stop);

    public ValueTask ResumedAsync(TaskEvent<ResumedData> resumed, CancellationToken stop) => to.ResumedAsync(resumed, stop);

    public ValueTask RestartedAsync(TaskEvent<RestartedData> restarted, CancellationToken stop) => to.RestartedAsync(restarted, stop);

    public ValueTask RedirectedAsync(TaskEvent<RedirectedData> redirected, CancellationToken stop) => to.RedirectedAsync(redirected, stop);

    public ValueTask ExpectationExceededAsync(TaskEvent<ExpectationExceededData> exceeded, CancellationToken stop) => to.ExpectationExceededAsync(exceeded, stop);

    public ValueTask DeadlineNearAsync(TaskEvent<DeadlineNearData> near, CancellationToken stop) => to.DeadlineNearAsync(near, stop);

    public ValueTask RangesDownloadedAsync(TaskEvent<RangesDownloadedData> downloaded, CancellationToken stop) => to.RangesDownloadedAsync(downloaded, stop);

    public ValueTask TaskFinishedFileAsync(TaskEvent<TaskFinishedFileData> finished, CancellationToken stop) => to.TaskFinishedFileAsync(finished, stop);

    public ValueTask TaskCompletedAsync(TaskEvent<TaskCompletedData> completed, CancellationToken stop) => to.TaskCompletedAsync(completed, stop);

    public ValueTask GroupCompletedAsync(SessionEvent<GroupCompletedData> completed, CancellationToken stop) => to.GroupCompletedAsync(completed, stop);

    public ValueTask CompletionGroupFiredAsync(SessionEvent<GroupCompletedData> fired, CancellationToken stop) => to.CompletionGroupFiredAsync(fired, stop);

    public ValueTask EventsExpiredAsync(SessionEvent<EventsExpiredData> expired, CancellationToken stop) => to.EventsExpiredAsync(expired, stop);

    public ValueTask EventsDrainedAsync(SessionEvent drained, CancellationToken stop) => to.EventsDrainedAsync(drained, stop);

    public ValueTask SessionInvalidatedAsync(SessionEvent invalidated, CancellationToken stop) => to.SessionInvalidatedAsync(invalidated, stop);

    public ValueTask OtherEventAsync(SessionEvent other, CancellationToken stop) => to.OtherEventAsync(other, stop);

    public void Progressed(BackgroundSession session, ProgressView progress) => to.Progressed(session, progress);

    public void HandlerFailed(BackgroundSession session, HandlerFailure failure)
    {
        logger.HandlerFailed(session.Identifier, failure.Event.Type, failure.Event.Number, failure.Attempt, failure.Wait, failure.Exception);
        to.HandlerFailed(session, failure);
    }

    public void Interrupted(BackgroundSession session, EventStreamInterruption interruption)
    {
        logger.Interrupted(session.Identifier, interruption.Reason, interruption.Last, interruption.Wait);
        to.Interrupted(session, interruption);
    }
}
