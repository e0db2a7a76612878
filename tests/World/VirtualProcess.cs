using Backhaul.Node.Actors;

namespace Backhaul.World;

/// <summary>
/// One process of a <see cref="ProcessWorld"/>: a queue, a clock, and the ways in which a process can fail.
/// <code>
///  Running ──Pause──► Paused ──Resume──► Running     SIGSTOP: nothing runs, its clock goes on; what became due runs when it wakes
///     │    ──Sleep──► Asleep ──Wake────► Running     the machine sleeps: the monotonic clock and the timers stand, the wall clock jumps
///     └────Kill──► dead                              SIGKILL: everything queued, armed or still awaited is gone, and never runs
/// </code>
/// </summary>
internal sealed class VirtualProcess : ActorScheduler
{
    private readonly ProcessWorld _world;
    private readonly Context _context;
    private (Action<object?> Work, object? State)[] _ring = new (Action<object?>, object?)[64];
    private int _head;
    private int _count;
    private bool _isFrozen;
    private bool _isListed;
    private TimeSpan _frozenSince;
    private TimeSpan _frozen;

    internal VirtualProcess(ProcessWorld world, string name, double rate, TimeSpan wallSkew)
    {
        _world = world;
        Name = name;
        _context = new Context(this);
        Clock = new ProcessClock(world, this, rate, wallSkew);
    }

    public string Name { get; }

    public ProcessClock Clock { get; }

    public SynchronizationContext SynchronizationContext => _context;

    public bool IsAlive { get; private set; } = true;

    /// <summary>Paused or asleep.</summary>
    public bool IsFrozen => _isFrozen;

    /// <summary>How long it stood still, in all.</summary>
    public TimeSpan Frozen => _frozen + (_isFrozen ? _world.Elapsed - _frozenSince : TimeSpan.Zero);

    internal int Waiting => _count;

    public override void Queue(Action<object?> work, object? state)
    {
        if (_world.IsForeign)
        {
            _world.CheckThread();
            return;
        }
        if (!IsAlive)
            return;
        if (_count == _ring.Length)
            Grow();
        _ring[(_head + _count++) & (_ring.Length - 1)] = (work, state);
        List();
    }

    /// <summary>Runs something as this process: its continuations stay here.</summary>
    public void Start(Func<Task> body) => Queue(static body => _ = Observed((Func<Task>)body!), body);

    public void Pause()
    {
        if (_isFrozen || !IsAlive)
            return;
        (_isFrozen, _frozenSince) = (true, _world.Elapsed);
        Unlist();
    }

    public void Resume()
    {
        if (!_isFrozen)
            return;
        _frozen += _world.Elapsed - _frozenSince;
        _isFrozen = false;
        Clock.Resume();
        List();
    }

    /// <summary>As <see cref="Pause"/>, but its monotonic clock stands meanwhile.</summary>
    public void Sleep()
    {
        Pause();
        Clock.Stand();
    }

    public void Kill()
    {
        if (!IsAlive)
            return;
        IsAlive = false;
        _world.Forget(this);
        Array.Clear(_ring);
        _count = 0;
        Clock.Clear();
    }

    /// <summary>What runs next, for whoever looks for a loop without end.</summary>
    internal string DescribeNext()
    {
        var (work, state) = _ring[_head & (_ring.Length - 1)];
        return state switch
        {
            (SendOrPostCallback, Action { Target: { } machine }) => machine.GetType().ToString(),
            (SendOrPostCallback, Action<object?> { } action) => $"{action.Method}",
            (SendOrPostCallback callback, var argument) => $"{callback.Target?.GetType()} {callback.Method} of {argument?.GetType()}: {Describe(argument)}",
            _ => $"{work.Method.DeclaringType} {work.Method}",
        };
    }

    private static string Describe(object? argument) => argument is System.Runtime.CompilerServices.ITuple tuple
        ? string.Join(", ", Enumerable.Range(0, tuple.Length).Select(index => $"{tuple[index]} {(tuple[index] as Delegate)?.Target?.GetType()}"))
        : $"{argument}";

    internal void RunOne(int index)
    {
        var mask = _ring.Length - 1;
        ref var first = ref _ring[_head & mask];
        if (index > 0)
        {
            ref var chosen = ref _ring[(_head + index) & mask];
            (first, chosen) = (chosen, first);
        }
        var (work, state) = first;
        first = default;
        _head = (_head + 1) & mask;
        if (--_count == 0)
            Unlist();
        var before = System.Threading.SynchronizationContext.Current;
        System.Threading.SynchronizationContext.SetSynchronizationContext(_context);
        try
        {
            work(state);
        }
        finally
        {
            System.Threading.SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private void List()
    {
        if (_isListed || _isFrozen || !IsAlive || _count == 0)
            return;
        _isListed = true;
        _world.SetReady(this);
    }

    private void Unlist()
    {
        if (!_isListed)
            return;
        _isListed = false;
        _world.SetNotReady(this);
    }

    private void Grow()
    {
        var larger = new (Action<object?>, object?)[_ring.Length * 2];
        for (var index = 0; index < _count; index++)
            larger[index] = _ring[(_head + index) & (_ring.Length - 1)];
        (_ring, _head) = (larger, 0);
    }

    /// <summary>What nobody catches ends the run.</summary>
    private static async Task Observed(Func<Task> body)
    {
        try
        {
            await body();
        }
        catch (Exception failure)
        {
            var caught = System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(failure);
            ((Context)System.Threading.SynchronizationContext.Current!).Post(static state => ((System.Runtime.ExceptionServices.ExceptionDispatchInfo)state!).Throw(), caught);
        }
    }

    private sealed class Context(VirtualProcess process) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => process.Queue(static item =>
        {
            var (callback, argument) = ((SendOrPostCallback, object?))item!;
            callback(argument);
        }, (d, state));

        public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Nothing blocks in a world of one thread.");

        public override SynchronizationContext CreateCopy() => this;
    }
}
