using Backhaul.Node.Actors;

namespace Backhaul.World;

/// <summary>
/// One queue, run by whoever calls <see cref="RunUntilIdle"/>. Work runs with a SynchronizationContext that posts back to the queue,
/// so that every continuation of it stays here; <see cref="Tasks"/> is the same queue as a TaskScheduler.
/// </summary>
internal sealed class VirtualScheduler : ActorScheduler
{
    private readonly Queue<(Action<object?> Work, object? State)> _queue = new();
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly Context _context;
    private int _runner;

    public VirtualScheduler()
    {
        _context = new Context(this);
        Tasks = new QueueTaskScheduler(this);
    }

    public TaskScheduler Tasks { get; }

    public SynchronizationContext SynchronizationContext => _context;

    /// <summary>Work that came from another thread than the one that runs the queue: with any, the order is not determined by the test.</summary>
    public int ForeignWork { get; private set; }

    /// <summary>Steps run so far: the same test gives the same number.</summary>
    public long Steps { get; private set; }

    public override void Queue(Action<object?> work, object? state)
    {
        lock (_lock)
        {
            _queue.Enqueue((work, state));
            if (_runner != 0 && _runner != Environment.CurrentManagedThreadId)
                ForeignWork++;
        }
        _arrived.Release();
    }

    public void RunUntilIdle()
    {
        lock (_lock)
            _runner = Environment.CurrentManagedThreadId;
        while (TryTake(out var item))
        {
            Steps++;
            var before = System.Threading.SynchronizationContext.Current;
            System.Threading.SynchronizationContext.SetSynchronizationContext(_context);
            try
            {
                item.Work(item.State);
            }
            finally
            {
                System.Threading.SynchronizationContext.SetSynchronizationContext(before);
            }
        }
    }

    /// <summary>Waits in real time for work from another thread; it stays queued.</summary>
    internal bool WaitForForeignWork(TimeSpan realTime)
    {
        if (!_arrived.Wait(realTime))
            return false;
        _arrived.Release();
        return true;
    }

    private bool TryTake(out (Action<object?> Work, object? State) item)
    {
        lock (_lock)
        {
            if (!_queue.TryDequeue(out item))
                return false;
        }
        _arrived.Wait();
        return true;
    }

    private sealed class Context(VirtualScheduler scheduler) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => scheduler.Queue(s => d(s), state);

        public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Nothing blocks in a world of one thread.");

        public override SynchronizationContext CreateCopy() => this;
    }

    private sealed class QueueTaskScheduler(VirtualScheduler scheduler) : TaskScheduler
    {
        protected override IEnumerable<Task> GetScheduledTasks() => [];

        protected override void QueueTask(Task task) => scheduler.Queue(t => TryExecuteTask((Task)t!), task);

        protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;
    }
}
