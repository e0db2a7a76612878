namespace Backhaul.Node.Actors;

/// <summary>
/// Where loops run. Production: the thread pool. Tests and the simulator: one queue, with a SynchronizationContext that brings every
/// continuation back to it. Work starts without the caller's ExecutionContext, so that no AsyncLocal or Activity of the first caller
/// lives on in an actor.
/// </summary>
internal abstract class ActorScheduler
{
    internal static ActorScheduler ThreadPool { get; } = new PoolScheduler();

    /// <summary>Runs later, never inside this call; in the scheduler's context and without the caller's.</summary>
    public abstract void Queue(Action<object?> work, object? state);

    private sealed class PoolScheduler : ActorScheduler
    {
        public override void Queue(Action<object?> work, object? state) =>
            System.Threading.ThreadPool.UnsafeQueueUserWorkItem(work, state, preferLocal: false);
    }
}
