namespace Backhaul.Node.Actors;

/// <summary>
/// The root of all actors of a node: spawns the top ones, restarts them when they fail, stops them together, and shows the tree.
/// Everything that is not deterministic comes in here, so that tests and the simulator own it.
/// </summary>
internal sealed class ActorSystem : IActorParent, IAsyncDisposable
{
    private static readonly TimeSpan DepthWindow = TimeSpan.FromSeconds(60);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, ActorCell> _top = new(StringComparer.Ordinal);
    private bool _stopped;
    private int _depthMax;
    private int _depthMaxBefore;
    private long _depthSince;

    public ActorSystem(TimeProvider time, IRandom random, ILoggerFactory loggers, ActorScheduler scheduler)
    {
        Time = time;
        Random = random;
        Scheduler = scheduler;
        Logger = loggers.CreateLogger("Backhaul.Node.Actors");
        _depthSince = time.GetTimestamp();
    }

    public TimeProvider Time { get; }

    public IRandom Random { get; }

    public ActorScheduler Scheduler { get; }

    public ILogger Logger { get; }

    /// <summary>How long each top actor has to stop; longer than what any of them gives to its children.</summary>
    public ActorOptions Options { get; init; } = new() { ChildStopTimeout = TimeSpan.FromSeconds(15) };

    string IActorParent.Path => "";

    /// <summary>The deepest mailbox of the last one to two minutes.</summary>
    public int InboxDepthMax
    {
        get
        {
            lock (_lock)
            {
                if (Time.GetElapsedTime(_depthSince) >= DepthWindow)
                {
                    _depthMaxBefore = Interlocked.Exchange(ref _depthMax, 0);
                    _depthSince = Time.GetTimestamp();
                }
                return Math.Max(_depthMaxBefore, Volatile.Read(ref _depthMax));
            }
        }
    }

    /// <summary>Starts a top actor; its name must be free.</summary>
    public ActorRef<TMessage> Spawn<TMessage>(string name, Func<Actor<TMessage>> create, ActorOptions? options = null)
    {
        var cell = new ActorLoop<TMessage>(this, this, name, create, options ?? ActorOptions.Default);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stopped, this);
            if (!_top.TryAdd(name, cell))
                throw new InvalidOperationException($"The system has an actor named {name} already.");
        }
        cell.Start();
        return cell.Self;
    }

    /// <summary>Stops all actors in parallel; those that have not ended after <paramref name="within"/> are left behind. Nothing can be spawned afterwards.</summary>
    public async ValueTask StopAsync(StopReason reason, TimeSpan within)
    {
        ActorCell[] top;
        lock (_lock)
        {
            _stopped = true;
            top = [.. _top.Values];
        }
        foreach (var cell in top)
            cell.Stop(reason);
        var ends = Task.WhenAll(top.Select(cell => cell.Completion));
        try
        {
            await ends.WaitAsync(within, Time);
        }
        catch (TimeoutException)
        {
            foreach (var cell in top)
                cell.Abandon();
        }
    }

    public ValueTask DisposeAsync() => StopAsync(StopReason.Requested, Options.ChildStopTimeout + Options.AbandonGrace);

    /// <summary>The tree down to <paramref name="depth"/> levels below the root or below the actor with a path; null when there is no such actor.</summary>
    public ActorTree? Describe(string? underPath, int depth)
    {
        ActorCell[] top;
        lock (_lock)
            top = [.. _top.Values];
        if (!string.IsNullOrEmpty(underPath) && underPath != "/")
            return top.Select(cell => cell.Find(underPath)).FirstOrDefault(found => found is not null)?.Describe(depth);
        ActorTree[] children = depth <= 0 ? [] : [.. top.Select(cell => cell.Describe(depth - 1)).OrderBy(child => child.Path, StringComparer.Ordinal)];
        return new ActorTree("/", nameof(ActorSystem), _stopped ? "stopping" : "running", 0, 0, top.Length, children);
    }

    void IActorParent.ChildStarted(ActorCell child)
    {
    }

    void IActorParent.ChildFailed(ActorCell child, ChildFailure failure) => child.Decide(SupervisionDecision.Default, failure.Exception);

    void IActorParent.ChildEnded(ActorCell child, ActorEnd end, Exception? failure)
    {
        lock (_lock)
        {
            if (_top.TryGetValue(child.Name, out var known) && ReferenceEquals(known, child))
                _top.Remove(child.Name);
        }
    }

    internal void ObserveInboxDepth(int depth)
    {
        var known = Volatile.Read(ref _depthMax);
        while (depth > known && Interlocked.CompareExchange(ref _depthMax, depth, known) is var seen && seen != known)
            known = seen;
    }
}
