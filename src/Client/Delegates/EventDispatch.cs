using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Backhaul.Protocol;

namespace Backhaul.Client.Delegates;

/// <summary>One line for each type of event: its data, and the method of the delegate that it is for.</summary>
internal static class EventDispatch
{
    public static ValueTask ToAsync(ISessionDelegate to, BackgroundSession session, EventView view, CancellationToken stop)
    {
        var json = EventDataJson.Default;
        return view.Type switch
        {
            EventTypes.SessionCreated => to.SessionCreatedAsync(OfSession(json.SessionCreatedData), stop),
            EventTypes.TaskCreated => to.TaskCreatedAsync(OfTask(json.TaskCreatedData), stop),
            EventTypes.TaskStarted => to.TaskStartedAsync(OfTask(json.TaskStartedData), stop),
            EventTypes.TaskWaiting => to.TaskWaitingAsync(OfTask(json.TaskWaitingData), stop),
            EventTypes.Challenge => to.ChallengedAsync(OfTask(json.ChallengeData), stop),
            EventTypes.DelayedRequest => to.DelayedRequestAsync(OfTask(json.DelayedRequestData), stop),
            EventTypes.Resumed => to.ResumedAsync(OfTask(json.ResumedData), stop),
            EventTypes.Restarted => to.RestartedAsync(OfTask(json.RestartedData), stop),
            EventTypes.Redirected => to.RedirectedAsync(OfTask(json.RedirectedData), stop),
            EventTypes.ExpectationExceeded => to.ExpectationExceededAsync(OfTask(json.ExpectationExceededData), stop),
            EventTypes.DeadlineNear => to.DeadlineNearAsync(OfTask(json.DeadlineNearData), stop),
            EventTypes.RangesDownloaded => to.RangesDownloadedAsync(OfTask(json.RangesDownloadedData), stop),
            EventTypes.TaskFinishedFile => to.TaskFinishedFileAsync(OfTask(json.TaskFinishedFileData), stop),
            EventTypes.TaskCompleted => to.TaskCompletedAsync(OfTask(json.TaskCompletedData), stop),
            EventTypes.GroupCompleted => to.GroupCompletedAsync(OfSession(json.GroupCompletedData), stop),
            EventTypes.CompletionGroupFired => to.CompletionGroupFiredAsync(OfSession(json.GroupCompletedData), stop),
            EventTypes.EventsExpired => to.EventsExpiredAsync(OfSession(json.EventsExpiredData), stop),
            EventTypes.EventsDrained => to.EventsDrainedAsync(new SessionEvent(session, view), stop),
            EventTypes.SessionInvalidated => to.SessionInvalidatedAsync(new SessionEvent(session, view), stop),
            _ => to.OtherEventAsync(new SessionEvent(session, view), stop),
        };

        SessionEvent<T> OfSession<T>(JsonTypeInfo<T> type) => new(session, view, Read(type));
        TaskEvent<T> OfTask<T>(JsonTypeInfo<T> type) => new(session, view, Read(type));
        T Read<T>(JsonTypeInfo<T> type) =>
            view.Data.Deserialize(type) ?? throw new JsonException($"Event {view.Number} ({view.Type}) has no data.");
    }
}
