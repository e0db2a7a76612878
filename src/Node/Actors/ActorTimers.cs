namespace Backhaul.Node.Actors;

/// <summary>
/// The timers of one actor. A timer never runs code of the actor: it signals its key and generation, and the message is received in
/// a turn. A message of a timer that was cancelled or replaced meanwhile is dropped.
/// </summary>
internal sealed class ActorTimers<TMessage>(ActorCell cell)
{
    private readonly Dictionary<string, Armed> _armed = new(StringComparer.Ordinal);
    private long _generation;

    public void Start(string key, TimeSpan due, TMessage message)
    {
        Cancel(key);
        var generation = ++_generation;
        var timer = cell.System.Time.CreateTimer(_ => cell.Signal(new ActorSignal.TimerDue(key, generation)), null, due, Timeout.InfiniteTimeSpan);
        _armed.Add(key, new Armed(generation, message, timer));
    }

    public void Cancel(string key)
    {
        if (_armed.Remove(key, out var armed))
            armed.Timer.Dispose();
    }

    public void CancelAll()
    {
        foreach (var armed in _armed.Values)
            armed.Timer.Dispose();
        _armed.Clear();
    }

    /// <summary>The message of a timer that is due, unless it is of an older generation.</summary>
    public bool TryTake(string key, long generation, out TMessage message)
    {
        if (_armed.TryGetValue(key, out var armed) && armed.Generation == generation)
        {
            Cancel(key);
            message = armed.Message;
            return true;
        }
        message = default!;
        return false;
    }

    private readonly record struct Armed(long Generation, TMessage Message, ITimer Timer);
}
