using System.Collections.Concurrent;
using System.Threading.Tasks.Sources;

namespace Backhaul.Node.Files;

/// <summary>One piece of blocking work on its way to a file thread.</summary>
internal abstract class FileWorkItem
{
    public abstract void Run();
}

/// <summary>Pooled: a chunk written should allocate nothing. An item goes back when its result is taken, which happens once.</summary>
internal sealed class FileWorkItem<TState, TResult> : FileWorkItem, IValueTaskSource<TResult>
{
    private const int PooledMax = 64;
    private static readonly ConcurrentQueue<FileWorkItem<TState, TResult>> Pool = new();

    private ManualResetValueTaskSourceCore<TResult> _core = new() { RunContinuationsAsynchronously = true };
    private Func<TState, TResult>? _work;
    private TState? _state;

    public ValueTask<TResult> Result => new(this, _core.Version);

    public static FileWorkItem<TState, TResult> Rent(Func<TState, TResult> work, TState state)
    {
        if (!Pool.TryDequeue(out var item))
            item = new FileWorkItem<TState, TResult>();
        item._work = work;
        item._state = state;
        return item;
    }

    public override void Run()
    {
        try
        {
            _core.SetResult(_work!(_state!));
        }
        catch (Exception broken)
        {
            _core.SetException(broken);
        }
    }

    TResult IValueTaskSource<TResult>.GetResult(short token)
    {
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            _work = null;
            _state = default;
            if (Pool.Count < PooledMax)
                Pool.Enqueue(this);
        }
    }

    ValueTaskSourceStatus IValueTaskSource<TResult>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<TResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
