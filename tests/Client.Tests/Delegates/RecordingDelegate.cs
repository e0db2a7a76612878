using Backhaul.Protocol;

namespace Backhaul.Client.Tests.Delegates;

/// <summary>Writes down each call; <see cref="OnCompleted"/> says what a completion does.</summary>
internal sealed class RecordingDelegate : ISessionDelegate
{
    private readonly List<string> _calls = [];

    public IReadOnlyList<string> Calls
    {
        get
        {
            lock (_calls)
                return [.. _calls];
        }
    }

    public Func<TaskEvent<TaskCompletedData>, CancellationToken, ValueTask> OnCompleted { get; init; } = (_, _) => default;

    public Action<HandlerFailure> OnFailed { get; init; } = _ => { };

    public Action<ProgressView> OnProgress { get; init; } = _ => { };

    public ValueTask SessionCreatedAsync(SessionEvent<SessionCreatedData> created, CancellationToken stop) => Note($"created {created.Data.Generation}");

    public ValueTask TaskCreatedAsync(TaskEvent<TaskCreatedData> created, CancellationToken stop) => Note($"task {created.Task} {created.Data.Kind} {created.Data.Url} {created.Data.Description}");

    public ValueTask TaskStartedAsync(TaskEvent<TaskStartedData> started, CancellationToken stop) => Note($"started {started.Data.Attempt} {started.Data.From}");

    public ValueTask TaskWaitingAsync(TaskEvent<TaskWaitingData> waiting, CancellationToken stop) =>
        Note($"waiting {waiting.Data.Reason} {waiting.Data.NextEvaluationAt:yyyy} {waiting.Data.Error?.Code}");

    public ValueTask ChallengedAsync(TaskEvent<ChallengeData> challenge, CancellationToken stop) =>
        Note($"challenge {challenge.Data.Scheme} {challenge.Data.Host}:{challenge.Data.Port} {challenge.Data.WasRefused}");

    public ValueTask DelayedRequestAsync(TaskEvent<DelayedRequestData> asked, CancellationToken stop) => Note($"asked {asked.Data.Attempt} {asked.Data.Default} {asked.Data.Until:yyyy}");

    public ValueTask ResumedAsync(TaskEvent<ResumedData> resumed, CancellationToken stop) => Note($"resumed {resumed.Data.From}/{resumed.Data.Total}");

    public ValueTask RestartedAsync(TaskEvent<RestartedData> restarted, CancellationToken stop) => Note($"restarted {restarted.Data.Generation} {restarted.Data.Why}");

    public ValueTask RedirectedAsync(TaskEvent<RedirectedData> redirected, CancellationToken stop) => Note($"redirected {redirected.Data.Status} {redirected.Data.Url}");

    public ValueTask ExpectationExceededAsync(TaskEvent<ExpectationExceededData> exceeded, CancellationToken stop) => Note($"exceeded {exceeded.Data.ActualBytes}/{exceeded.Data.ExpectedBytes}");

    public ValueTask DeadlineNearAsync(TaskEvent<DeadlineNearData> near, CancellationToken stop) => Note($"near {near.Data.BytesReceived}/{near.Data.Total} {near.Data.Eta?.TotalSeconds}");

    public ValueTask RangesDownloadedAsync(TaskEvent<RangesDownloadedData> downloaded, CancellationToken stop) =>
        Note($"ranges {string.Join(',', downloaded.Data.Ranges.Select(range => $"{range[0]}-{range[1]}"))} of {downloaded.Data.Total}");

    public ValueTask TaskFinishedFileAsync(TaskEvent<TaskFinishedFileData> finished, CancellationToken stop) => Note($"file {finished.Data.File?.Path}");

    public async ValueTask TaskCompletedAsync(TaskEvent<TaskCompletedData> completed, CancellationToken stop)
    {
        await Note($"completed {completed.Task} {completed.Data.Outcome} {completed.Data.BytesReceived}");
        await OnCompleted(completed, stop);
    }

    public ValueTask GroupCompletedAsync(SessionEvent<GroupCompletedData> completed, CancellationToken stop) => Note($"group {completed.Data.Group} {completed.Data.Succeeded}");

    public ValueTask CompletionGroupFiredAsync(SessionEvent<GroupCompletedData> fired, CancellationToken stop) => Note($"fired {fired.Data.Group} {fired.Data.Failed}");

    public ValueTask EventsExpiredAsync(SessionEvent<EventsExpiredData> expired, CancellationToken stop) => Note($"expired {expired.Data.From}-{expired.Data.Through}");

    public ValueTask EventsDrainedAsync(SessionEvent drained, CancellationToken stop) => Note($"drained {drained.Number}");

    public ValueTask SessionInvalidatedAsync(SessionEvent invalidated, CancellationToken stop) => Note("invalidated");

    public ValueTask OtherEventAsync(SessionEvent other, CancellationToken stop) => Note($"other {other.View.Type}");

    public void Progressed(BackgroundSession session, ProgressView progress)
    {
        Write($"progress {progress.Task} {progress.Progress.BytesReceived}");
        OnProgress(progress);
    }

    public void HandlerFailed(BackgroundSession session, HandlerFailure failure)
    {
        Write($"failed {failure.Event.Number} {failure.Attempt} {failure.Wait.TotalSeconds}");
        OnFailed(failure);
    }

    private ValueTask Note(string call)
    {
        Write(call);
        return default;
    }

    private void Write(string call)
    {
        lock (_calls)
            _calls.Add(call);
    }
}
