namespace Backhaul.Node.Routing;

/// <summary>
/// Whether this node takes work, and the two signals of its end. <see cref="Draining"/> fires when the drain begins: nothing new is
/// claimed, everything present goes on. <see cref="StreamsClosing"/> fires when it is the streams' turn: they send their retry hint
/// and end. Both edges, the router and long-running answers look here; only the drain turns it.
/// <code>
///   Starting ──started──► Ready ⇄ Waiting (for shards that it should hold) ──signal──► Draining
/// </code>
/// </summary>
internal sealed class NodeReadiness : IDisposable
{
    private readonly CancellationTokenSource _draining = new();
    private readonly CancellationTokenSource _streamsClosing = new();
    private volatile NodePhase _phase = NodePhase.Starting;
    private volatile Func<bool> _holdsAll = static () => true;
    private volatile Func<bool> _isAlive = static () => true;

    public NodePhase Phase => _phase is NodePhase.Ready && !_holdsAll() ? NodePhase.Waiting : _phase;

    /// <summary>This process makes progress; of stores and other nodes it says nothing, so that their failure restarts nobody.</summary>
    public bool IsAlive => _isAlive();

    public CancellationToken Draining => _draining.Token;

    public CancellationToken StreamsClosing => _streamsClosing.Token;

    /// <param name="holdsAll">Asked each time: every shard that the node should hold is open.</param>
    public void BecomeReady(Func<bool>? holdsAll = null)
    {
        _holdsAll = holdsAll ?? _holdsAll;
        if (_phase == NodePhase.Starting)
            _phase = NodePhase.Ready;
    }

    public void WatchLife(Func<bool> isAlive) => _isAlive = isAlive;

    public void BeginDrain()
    {
        _phase = NodePhase.Draining;
        _draining.Cancel();
    }

    public void CloseStreams() => _streamsClosing.Cancel();

    public void Dispose()
    {
        _draining.Dispose();
        _streamsClosing.Dispose();
    }
}

/// <summary>Where a node is in its life.</summary>
internal enum NodePhase
{
    Starting = 1,
    Ready = 2,
    Draining = 3,

    /// <summary>Shards that it should hold are not open: claimed at the moment, or suspended.</summary>
    Waiting = 4,
}
