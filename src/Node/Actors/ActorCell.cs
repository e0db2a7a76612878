using System.Threading.Channels;

namespace Backhaul.Node.Actors;

/// <summary>Whoever spawned an actor: another actor's cell, or the system.</summary>
internal interface IActorParent
{
    string Path { get; }

    /// <summary>What this parent gives to each child that stops.</summary>
    ActorOptions Options { get; }

    void ChildStarted(ActorCell child);

    void ChildFailed(ActorCell child, ChildFailure failure);

    void ChildEnded(ActorCell child, ActorEnd end, Exception? failure);
}

/// <summary>
/// The part of a cell that does not depend on the message type, and all of it that other threads touch: identity, the request to
/// stop with its deadline, the pause, the end, the list of children, the lane of signals. The loop is <see cref="ActorLoop{TMessage}"/>.
/// </summary>
internal abstract class ActorCell : IActorParent
{
    private readonly Channel<ActorSignal> _signals = Channel.CreateUnbounded<ActorSignal>(new UnboundedChannelOptions { SingleReader = true });
    private readonly TaskCompletionSource<ActorEnd> _completion = new(); // completed on the scheduler, where continuations may run
    private readonly StopToken _stopping;
    private readonly StopToken _abandoned;
    private readonly Lock _childrenLock = new();
    private Dictionary<string, ActorCell>? _children;
    private ITimer? _stopDeadline;
    private int _deadlinePassed;
    private int _stopReason;
    private int _end;
    private volatile bool _paused;

    protected ActorCell(ActorSystem system, IActorParent parent, string name, ActorOptions options)
    {
        System = system;
        Parent = parent;
        Name = name;
        Path = $"{parent.Path}/{name}";
        Options = options;
        _stopping = new StopToken(system.Scheduler);
        _abandoned = new StopToken(system.Scheduler);
    }

    public ActorSystem System { get; }

    public string Name { get; }

    public string Path { get; }

    public ActorOptions Options { get; }

    public Task<ActorEnd> Completion => _completion.Task;

    /// <summary>Null until somebody asked for a stop; the first reason stays.</summary>
    public StopReason? StopRequested => Volatile.Read(ref _stopReason) is var reason and not 0 ? (StopReason)reason : null;

    public bool HasEnded => Volatile.Read(ref _end) != 0;

    public bool IsPaused => _paused;

    public CancellationToken Stopping => _stopping.Token;

    public CancellationToken Abandoned => _abandoned.Token;

    public int ChildCount
    {
        get
        {
            lock (_childrenLock)
                return _children?.Count ?? 0;
        }
    }

    protected IActorParent Parent { get; }

    protected WakeEvent Wake { get; } = new();

    protected ILogger Logger => System.Logger;

    /// <summary>Idempotent; works before the start, and from any thread. The deadline starts here, also when the present turn hangs.</summary>
    public void Stop(StopReason reason)
    {
        if (Interlocked.CompareExchange(ref _stopReason, (int)reason, 0) != 0)
            return;
        StartDeadline(Parent.Options.ChildStopTimeout);
        _stopping.Raise();
        Wake.Set();
    }

    public void Pause()
    {
        _paused = true;
        Wake.Set();
    }

    public void Resume()
    {
        _paused = false;
        Wake.Set();
    }

    /// <summary>The parent's answer to a failure.</summary>
    public void Decide(SupervisionDecision decision, Exception failure) => Signal(new ActorSignal.Decided(decision, failure));

    /// <summary>Leaves the actor behind, and those below it: its queued messages are answered, the parent hears it, its loop finds itself ended.</summary>
    public void Abandon()
    {
        _abandoned.Raise();
        foreach (var child in ChildrenNow())
            child.Abandon();
        if (End(ActorEnd.Abandoned, null))
            Logger.ActorAbandoned(Path, StopRequested?.ToString() ?? "none");
    }

    public ActorTree Describe(int depth)
    {
        var children = ChildrenNow();
        var state = HasEnded ? "ended" : StopRequested is not null ? "stopping" : _paused ? "paused" : StateName;
        return new ActorTree(
            Path, TypeName, state, InboxDepth, Handled, children.Length,
            depth <= 0 ? [] : [.. children.Select(child => child.Describe(depth - 1)).OrderBy(child => child.Path, StringComparer.Ordinal)]);
    }

    /// <summary>The cell with this path here or below; names may contain slashes.</summary>
    public ActorCell? Find(string path)
    {
        if (path.Equals(Path, StringComparison.Ordinal))
            return this;
        return path.StartsWith(Path + "/", StringComparison.Ordinal)
            ? ChildrenNow().Select(child => child.Find(path)).FirstOrDefault(found => found is not null)
            : null;
    }

    void IActorParent.ChildStarted(ActorCell child) => Signal(new ActorSignal.ChildStarted(child));

    void IActorParent.ChildFailed(ActorCell child, ChildFailure failure) => Signal(new ActorSignal.ChildFailed(child, failure));

    void IActorParent.ChildEnded(ActorCell child, ActorEnd end, Exception? failure) => Signal(new ActorSignal.ChildEnded(child, end, failure));

    /// <summary>Queues the loop on the scheduler.</summary>
    public void Start() => System.Scheduler.Queue(static cell => _ = ((ActorCell)cell!).RunAsync(), this);

    protected abstract string StateName { get; }

    protected abstract string TypeName { get; }

    protected abstract int InboxDepth { get; }

    protected abstract long Handled { get; }

    protected abstract Task RunAsync();

    /// <summary>Closes the mailbox and gives what is left in it to Unhandled.</summary>
    protected abstract void CloseMailbox(UnhandledReason reason);

    internal void WarnOfTurn(TurnKind turn, TimeSpan taken) => Logger.TurnTakesLong(Path, turn, taken.TotalSeconds, InboxDepth);

    internal void Signal(ActorSignal signal)
    {
        _signals.Writer.TryWrite(signal); // unbounded and never completed: always true
        Wake.Set();
    }

    protected bool TryReadSignal(out ActorSignal signal) => _signals.Reader.TryRead(out signal!);

    /// <summary>The one end. False when it ended before.</summary>
    protected bool End(ActorEnd end, Exception? failure)
    {
        if (Interlocked.CompareExchange(ref _end, (int)end, 0) != 0)
            return false;
        _stopDeadline?.Dispose();
        CloseMailbox(end == ActorEnd.Abandoned ? UnhandledReason.Abandoned : UnhandledReason.Stopped);
        Parent.ChildEnded(this, end, failure);
        System.Scheduler.Queue(_ => _completion.SetResult(end), null);
        return true;
    }

    protected bool HasChildNamed(string name)
    {
        lock (_childrenLock)
            return _children?.ContainsKey(name) ?? false;
    }

    protected ActorCell? FindChild(string name)
    {
        lock (_childrenLock)
            return _children?.GetValueOrDefault(name);
    }

    /// <summary>Under a parent that stops, a new child ends before it starts, and is heard of like any other.</summary>
    protected void Adopt(ActorCell child)
    {
        lock (_childrenLock)
        {
            ObjectDisposedException.ThrowIf(HasEnded, this);
            _children ??= new Dictionary<string, ActorCell>(StringComparer.Ordinal);
            if (!_children.TryAdd(child.Name, child))
                throw new InvalidOperationException($"{Path} has a child named {child.Name} already.");
        }
        if (StopRequested is not null)
            child.Stop(StopReason.ParentStopped);
        child.Start();
    }

    /// <summary>False when it is not a child (any more).</summary>
    protected bool Forget(ActorCell child)
    {
        lock (_childrenLock)
            return _children is { } children && children.TryGetValue(child.Name, out var known) && ReferenceEquals(known, child) && children.Remove(child.Name);
    }

    protected bool IsChild(ActorCell cell) => ReferenceEquals(FindChild(cell.Name), cell);

    protected ActorCell[] ChildrenNow()
    {
        lock (_childrenLock)
            return _children is null ? [] : [.. _children.Values];
    }

    private void OnStopDeadline()
    {
        if (HasEnded)
            return;
        if (Interlocked.Exchange(ref _deadlinePassed, 1) == 0)
        {
            Logger.StopTakesTooLong(Path, Parent.Options.ChildStopTimeout.TotalSeconds, ChildCount, InboxDepth);
            _abandoned.Raise();
            StartDeadline(Parent.Options.AbandonGrace);
            return;
        }
        Abandon();
    }

    private void StartDeadline(TimeSpan due)
    {
        var suppressed = ExecutionContext.IsFlowSuppressed() ? default(AsyncFlowControl?) : ExecutionContext.SuppressFlow();
        var deadline = System.Time.CreateTimer(static cell => ((ActorCell)cell!).OnStopDeadline(), this, due, Timeout.InfiniteTimeSpan);
        suppressed?.Undo();
        Interlocked.Exchange(ref _stopDeadline, deadline)?.Dispose();
        if (HasEnded)
            deadline.Dispose();
    }
}
