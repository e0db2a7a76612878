using System.Threading.Tasks.Sources;

namespace Backhaul.Node.Actors;

/// <summary>
/// An auto-reset event with one waiter: set by any queue of a loop, awaited by the loop. Allocates nothing, and leaves no abandoned
/// waits behind as a WhenAny over several channels does. The waiter goes on in the context it awaited in.
/// </summary>
internal sealed class WakeEvent : IValueTaskSource
{
    private const int Idle = 0;
    private const int IsSet = 1;
    private const int HasWaiter = 2;

    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
    private int _state;

    /// <summary>Lets the waiter go on, now or when it next waits. Setting twice is setting once.</summary>
    public void Set()
    {
        while (true)
        {
            switch (Volatile.Read(ref _state))
            {
                case IsSet:
                    return;
                case Idle when Interlocked.CompareExchange(ref _state, IsSet, Idle) == Idle:
                    return;
                case HasWaiter when Interlocked.CompareExchange(ref _state, Idle, HasWaiter) == HasWaiter:
                    _source.SetResult(true);
                    return;
            }
        }
    }

    /// <summary>Only ever one at a time.</summary>
    public ValueTask WaitAsync()
    {
        if (Interlocked.CompareExchange(ref _state, Idle, IsSet) == IsSet)
            return default;
        _source.Reset();
        if (Interlocked.CompareExchange(ref _state, HasWaiter, Idle) == Idle)
            return new ValueTask(this, _source.Version);
        Volatile.Write(ref _state, Idle); // set in between; only the one waiter takes IsSet away
        return default;
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
