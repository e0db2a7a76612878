using System.Threading.Channels;

namespace Backhaul.Node.Journal.Sqlite;

/// <summary>
/// The one thread that touches the database: SQLite's calls block, and a connection is not to be shared. Two bounded queues feed it;
/// writes of the journal go first, because every command waits for one, but a waiting read gets its turn after a few of them. Reads come in pages, so
/// that none of them keeps a commit waiting for long. It is a thread of its own, not one of the pool: a pool short of threads must
/// not keep commits from happening. Whoever awaits a job continues on its own scheduler.
/// </summary>
internal sealed class SqliteThread : IAsyncDisposable
{
    private const int CommitQueueMax = 64;
    private const int ReadQueueMax = 1024;
    private const int CommitsInARowMax = 8;

    private readonly Channel<Action> _commits = Channel.CreateBounded<Action>(CommitQueueMax);
    private readonly Channel<Action> _others = Channel.CreateBounded<Action>(ReadQueueMax);
    private readonly SemaphoreSlim _work = new(0);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public SqliteThread(string name)
    {
        var thread = new Thread(Loop) { IsBackground = true, Name = name };
        thread.UnsafeStart();
    }

    /// <summary>Runs a job on the thread. A job that was queued runs, whatever happens to <paramref name="stop"/> afterwards.</summary>
    public async ValueTask<T> RunAsync<T>(Func<T> job, bool commit, CancellationToken stop)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Run()
        {
            try
            {
                result.SetResult(job());
            }
            catch (Exception failure)
            {
                result.SetException(failure);
            }
        }

        try
        {
            await (commit ? _commits : _others).Writer.WriteAsync(Run, stop);
        }
        catch (ChannelClosedException)
        {
            throw new JournalStoreException(StoreFailure.Transient, "The journal's database is closed: the node is stopping.");
        }

        _work.Release();
        return await result.Task;
    }

    /// <summary>Lets everything that is queued run, then ends the thread.</summary>
    public async ValueTask DisposeAsync()
    {
        _commits.Writer.TryComplete();
        _others.Writer.TryComplete();
        _work.Release();
        await _ended.Task;
    }

    private void Loop()
    {
        var inARow = 0;
        while (true)
        {
            _work.Wait();
            if ((inARow < CommitsInARowMax && _commits.Reader.TryRead(out var job)) || TakeOther(out job) || _commits.Reader.TryRead(out job))
            {
                inARow++;
                job();
            }
            else if (_commits.Reader.Completion.IsCompleted && _others.Reader.Completion.IsCompleted)
            {
                break;
            }
        }

        _ended.SetResult();

        bool TakeOther(out Action other)
        {
            inARow = 0;
            return _others.Reader.TryRead(out other!);
        }
    }
}
