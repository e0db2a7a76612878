using System.Diagnostics;
using System.Text;
using Backhaul.Client;

namespace Backhaul.ClientPeer;

/// <summary>One line for each event, appended by one write, so that a kill leaves whole lines. Kills its own process after some of them.</summary>
internal sealed class EventLog(string path, int tasks, int diesAfter, bool isWrittenFirst) : ISessionDelegate, IDisposable
{
    private readonly FileStream _file = new(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;

    /// <summary>All tasks have ended and all events before the last one are acknowledged.</summary>
    public Task Finished => _finished.Task;

    public ValueTask SessionCreatedAsync(SessionEvent<SessionCreatedData> created, CancellationToken stop) => Write(created);

    public ValueTask TaskCreatedAsync(TaskEvent<TaskCreatedData> created, CancellationToken stop) => Write(created);

    public ValueTask TaskStartedAsync(TaskEvent<TaskStartedData> started, CancellationToken stop) => Write(started);

    public ValueTask TaskWaitingAsync(TaskEvent<TaskWaitingData> waiting, CancellationToken stop) => Write(waiting);

    public ValueTask ResumedAsync(TaskEvent<ResumedData> resumed, CancellationToken stop) => Write(resumed);

    public ValueTask RestartedAsync(TaskEvent<RestartedData> restarted, CancellationToken stop) => Write(restarted);

    public ValueTask TaskFinishedFileAsync(TaskEvent<TaskFinishedFileData> finished, CancellationToken stop) => Write(finished);

    public ValueTask TaskCompletedAsync(TaskEvent<TaskCompletedData> completed, CancellationToken stop) => Write(completed);

    public ValueTask OtherEventAsync(SessionEvent other, CancellationToken stop) => Write(other);

    public async ValueTask EventsDrainedAsync(SessionEvent drained, CancellationToken stop)
    {
        await Write(drained);
        if ((await drained.Session.GetAsync(stop)).Counts.Succeeded == tasks)
            _finished.TrySetResult();
    }

    public void Dispose() => _file.Dispose();

    private ValueTask Write(SessionEvent happened)
    {
        var isLast = ++_count >= diesAfter;
        if (!isLast || isWrittenFirst)
            _file.Write(Encoding.ASCII.GetBytes($"{happened.Number} {happened.View.Type} {happened.View.Task ?? "-"}\n"));
        if (isLast)
            Process.GetCurrentProcess().Kill();   // SIGKILL: nothing is flushed, nothing is said
        return default;
    }
}
