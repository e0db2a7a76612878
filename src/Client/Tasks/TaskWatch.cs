using System.Threading.Channels;
using Backhaul.Client.Calls;
using Backhaul.Protocol;

namespace Backhaul.Client.Tasks;

/// <summary>
/// Those who wait for tasks of one session, over one event stream. It acknowledges nothing, so events may be gone before they are read here, when a
/// delegate is faster: any hole in the numbers makes everybody look again. The stream begins with the first waiter and ends with the last.
///
/// A waiter looks at its task after the stream stands, and after each sign: so the end cannot slip between looking and listening. Outages are waited for,
/// as the stream does: a task may take days.
/// </summary>
internal sealed class TaskWatch(BackgroundSession session, Caller caller)
{
    private readonly Lock _gate = new();
    private readonly List<Waiter> _waiters = [];
    private Reading? _reading;

    public async Task<TaskView> WaitAsync(string task, IProgress<TaskProgress>? progress, CancellationToken stop)
    {
        var waiter = new Waiter(task, progress);
        var reading = Join(waiter);
        try
        {
            await reading.Stands.Task.WaitAsync(stop);
            while (true)
            {
                var view = await caller.OutlastAsync(token => session.GetTaskAsync(task, token), stop);
                progress?.Report(view.Progress);
                if (view.State == "completed")
                    return view;
                if (!await waiter.Signs.Reader.WaitToReadAsync(stop))
                    throw new InvalidOperationException($"The session ended, and its task {task} is still {view.State}.");
                waiter.Signs.Reader.TryRead(out _);
            }
        }
        finally
        {
            Leave(waiter, reading);
        }
    }

    private Reading Join(Waiter waiter)
    {
        lock (_gate)
        {
            _waiters.Add(waiter);
            if (_reading is { } standing)
                return standing;
            var reading = _reading = new Reading();
            _ = ReadAsync(reading);
            return reading;
        }
    }

    private void Leave(Waiter waiter, Reading reading)
    {
        lock (_gate)
        {
            _waiters.Remove(waiter);
            if (_waiters.Count > 0 || _reading != reading)
                return;
            _reading = null;
        }
        reading.Stop.Cancel();
    }

    /// <summary>Every end of it is told to those who wait.</summary>
    private async Task ReadAsync(Reading reading)
    {
        await Task.Yield();   // out of the lock
        try
        {
            var last = (await caller.OutlastAsync(session.GetAsync, reading.Stop.Token)).LastEvent;
            reading.Stands.TrySetResult();
            var options = new EventStreamOptions { Progress = Report };
            await foreach (var next in session.ReadEventsAsync(last, options, reading.Stop.Token))
            {
                if (next.Number > last + 1)
                    Sign(task: null);
                else if (next.Type == EventTypes.TaskCompleted)
                    Sign(next.Task);
                last = next.Number;
            }
            End(reading, cause: null);
        }
        catch (Exception ended)
        {
            End(reading, ended);
        }
    }

    private void Report(ProgressView moved)
    {
        Waiter[] concerned;
        lock (_gate)
            concerned = [.. _waiters.Where(waiter => waiter.Task == moved.Task)];
        foreach (var waiter in concerned)
        {
            try
            {
                waiter.Progress?.Report(moved.Progress);
            }
            catch (Exception thrown)
            {
                waiter.Signs.Writer.TryComplete(thrown);   // its own wait fails with it; the stream is the others' too
            }
        }
    }

    private void Sign(string? task)
    {
        lock (_gate)
        {
            foreach (var waiter in _waiters.Where(waiter => task is null || waiter.Task == task))
                waiter.Signs.Writer.TryWrite(true);
        }
    }

    private void End(Reading reading, Exception? cause)
    {
        if (cause is not null)
            reading.Stands.TrySetException(cause);
        lock (_gate)
        {
            if (_reading != reading)
                return;   // nobody waited any more
            _reading = null;
            foreach (var waiter in _waiters)
            {
                waiter.Signs.Writer.TryWrite(true);
                waiter.Signs.Writer.TryComplete(cause);
            }
        }
    }

    private sealed record Waiter(string Task, IProgress<TaskProgress>? Progress)
    {
        public Channel<bool> Signs { get; } = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    }

    private sealed class Reading
    {
        public CancellationTokenSource Stop { get; } = new();

        /// <summary>Everything from here on is seen.</summary>
        public TaskCompletionSource Stands { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
