using System.Diagnostics;

namespace Backhaul.Node.Actors;

/// <summary>What an actor may do with the kernel; valid inside its turns.</summary>
internal sealed class ActorContext<TMessage>
{
    private readonly ActorLoop<TMessage> _cell;

    internal ActorContext(ActorLoop<TMessage> cell)
    {
        _cell = cell;
        Self = new ActorRef<TMessage>(cell, forChildren: false);
        ForChildren = new ActorRef<TMessage>(cell, forChildren: true);
    }

    /// <summary>Refuses posts as soon as a stop was requested.</summary>
    public ActorRef<TMessage> Self { get; }

    /// <summary>
    /// To give to children: a mailbox of its own for their reports, received until all of them have ended, so that a child's last
    /// checkpoint is still saved while the parent stops.
    /// </summary>
    public ActorRef<TMessage> ForChildren { get; }

    public TimeProvider Time => _cell.System.Time;

    /// <summary>Cancelled as soon as a stop was requested, also in the middle of a turn. For loads and waits; not for what must end.</summary>
    public CancellationToken Stopping => _cell.Stopping;

    /// <summary>Cancelled when the time to stop is over: leave everything and return.</summary>
    public CancellationToken Abandoned => _cell.Abandoned;

    /// <summary>The trace of whoever posted the message in hand.</summary>
    public ActivityContext Trace => _cell.Trace;

    public bool IsStopping => _cell.StopRequested is not null;

    public int ChildCount => _cell.ChildCount;

    public bool HasChild(string name) => _cell.HasChild(name);

    /// <summary>The next message that already waits, in order; it belongs to this turn. False when there is none.</summary>
    public bool TryTakeNext(out TMessage message) => _cell.TryTakeNext(out message);

    /// <summary>Starts a child; its name must be free. <paramref name="create"/> runs again at each restart, and must not throw.</summary>
    public ActorRef<TChild> Spawn<TChild>(string name, Func<Actor<TChild>> create, ActorOptions? options = null) => _cell.Spawn(name, create, options);

    /// <summary>Nothing happens when there is no such child; its end is heard by ChildStoppedAsync.</summary>
    public void StopChild(string name, StopReason reason) => _cell.StopChild(name, reason);

    /// <summary>Posts a message later. A later start of the same key replaces it. Timers end with the instance that started them.</summary>
    public void StartTimer(string key, TimeSpan due, TMessage message) => _cell.Timers.Start(key, due, message);

    public void CancelTimer(string key) => _cell.Timers.Cancel(key);

    /// <summary>Stops after this turn.</summary>
    public void StopSelf(StopReason reason) => _cell.Stop(reason);
}
