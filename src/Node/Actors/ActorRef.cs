namespace Backhaul.Node.Actors;

/// <summary>A handle on an actor for everybody else. All of it works from any thread, at any time, also after the end.</summary>
internal sealed class ActorRef<TMessage>
{
    private readonly ActorLoop<TMessage> _cell;
    private readonly bool _forChildren;

    internal ActorRef(ActorLoop<TMessage> cell, bool forChildren)
    {
        _cell = cell;
        _forChildren = forChildren;
    }

    public string Path => _cell.Path;

    /// <summary>False once a stop was requested: tells a full mailbox from a stopped actor.</summary>
    public bool IsAccepting => _cell.Accepts(_forChildren);

    /// <summary>How it ended.</summary>
    public Task<ActorEnd> Completion => _cell.Completion;

    /// <summary>False when the mailbox is full or the actor stops.</summary>
    public bool TryPost(TMessage message) => _cell.TryPost(message, _forChildren);

    /// <summary>Waits for room. False when the actor stops; throws when <paramref name="stop"/> is cancelled first, and then the message was not posted.</summary>
    public ValueTask<bool> PostAsync(TMessage message, CancellationToken stop) => _cell.PostAsync(message, _forChildren, stop);

    public void Stop(StopReason reason) => _cell.Stop(reason);

    /// <summary>No turns until <see cref="Resume"/>: the mailbox is kept, stops and failures are still handled. Children are not paused with it.</summary>
    public void Pause() => _cell.Pause();

    public void Resume() => _cell.Resume();
}
