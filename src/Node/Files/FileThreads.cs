namespace Backhaul.Node.Files;

/// <summary>
/// Blocking file work on threads of its own. A flush may hold a thread for as long as a disk likes; on the thread pool a few of them
/// would starve everything else of a small machine. Threads start when work waits and stay. The number bounds how many calls a disk
/// sees at once; a journaling file system merges the flushes among them.
/// Continuations go back to where the caller awaited, never on to these threads.
/// </summary>
internal sealed class FileThreads(int threadsMax) : IFileWork, IDisposable
{
    // A monitor and not a Lock: idle threads wait on it.
    private readonly object _gate = new();
    private readonly Queue<FileWorkItem> _waiting = new();
    private int _threads;
    private int _idle;
    private bool _closed;

    public ValueTask<TResult> RunAsync<TState, TResult>(Func<TState, TResult> work, TState state)
    {
        var item = FileWorkItem<TState, TResult>.Rent(work, state);
        var result = item.Result;
        Thread? starting = null;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            _waiting.Enqueue(item);
            if (_waiting.Count <= _idle)
                Monitor.Pulse(_gate);
            else if (_threads < threadsMax)
                starting = new Thread(Work) { IsBackground = true, Name = $"file work {++_threads}" };
        }
        starting?.UnsafeStart();
        return result;
    }

    /// <summary>Work that waits is still done; new work is refused.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }

    private void Work()
    {
        while (true)
        {
            FileWorkItem item;
            lock (_gate)
            {
                while (_waiting.Count == 0)
                {
                    if (_closed)
                        return;
                    _idle++;
                    Monitor.Wait(_gate);
                    _idle--;
                }
                item = _waiting.Dequeue();
            }
            item.Run();
        }
    }
}
