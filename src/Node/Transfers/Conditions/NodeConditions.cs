using System.Collections.Concurrent;

namespace Backhaul.Node.Transfers.Conditions;

/// <summary>
/// The conditions that this node's transfers run under, as far as they are declared: the network's, and times of the day. The network is learned from the store with every deal about origins, so
/// within seconds of the operator's word. Sessions read it when they start tasks, and are told when it changes; nothing is asked for in between.
/// Invariant: a change is seen by whoever reads after it was told of it.
/// </summary>
internal sealed class NodeConditions(string node, DailyWindows? windows = null)
{
    private readonly ConcurrentDictionary<object, Action> _listeners = [];
    private volatile NetworkState _network = NetworkState.Good;

    /// <summary>The node's name, as operators know it.</summary>
    public string Node { get; } = node;

    public NetworkState Network => _network;

    /// <summary>Discretionary tasks start inside of these only.</summary>
    public DailyWindows Windows { get; } = windows ?? DailyWindows.Always;

    /// <summary>How many unconstrained transfers run at once here.</summary>
    public UnconstrainedPlaces Unconstrained { get; init; } = new(int.MaxValue);

    /// <summary>What the store says, as a document. One that cannot be read changes nothing.</summary>
    public void Learn(string payload)
    {
        if (NetworkRecord.Read(payload) is { } record)
            Set(record.Of(Node));
    }

    public void Set(NetworkState network)
    {
        var before = _network;
        _network = network;
        if (before.IsLike(network))
            return;
        foreach (var changed in _listeners.Values)
            changed();
    }

    /// <summary>Calls <paramref name="changed"/> after every change until the answer is disposed of.</summary>
    public IDisposable Listen(Action changed)
    {
        var listener = new Listener(_listeners);
        _listeners[listener] = changed;
        return listener;
    }

    private sealed class Listener(ConcurrentDictionary<object, Action> listeners) : IDisposable
    {
        public void Dispose() => listeners.TryRemove(this, out _);
    }
}
