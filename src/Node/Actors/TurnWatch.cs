namespace Backhaul.Node.Actors;

/// <summary>
/// Warns of a turn that takes too long: while it still runs when it awaits, else when it is over. The timer is armed for turns that
/// really wait only, so that a quick turn costs two readings of the clock.
/// </summary>
internal sealed class TurnWatch(ActorCell cell)
{
    private const int Quiet = 0;
    private const int Watching = 1;
    private const int Warned = 2;

    private ITimer? _timer;
    private TurnKind _kind;
    private long _since;
    private int _state;

    public void Begin(TurnKind kind)
    {
        _kind = kind;
        _since = cell.System.Time.GetTimestamp();
        Volatile.Write(ref _state, Quiet);
    }

    public void Arm()
    {
        Volatile.Write(ref _state, Watching);
        var due = cell.Options.TurnWarningAfter;
        if (_timer is null)
            _timer = cell.System.Time.CreateTimer(static watch => ((TurnWatch)watch!).OnDue(), this, due, Timeout.InfiniteTimeSpan);
        else
            _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    public void End()
    {
        var state = Interlocked.Exchange(ref _state, Quiet);
        if (state != Quiet)
            _timer?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (state != Warned && cell.System.Time.GetElapsedTime(_since) >= cell.Options.TurnWarningAfter)
            cell.WarnOfTurn(_kind, cell.System.Time.GetElapsedTime(_since));
    }

    private void OnDue()
    {
        if (Interlocked.CompareExchange(ref _state, Warned, Watching) == Watching)
            cell.WarnOfTurn(_kind, cell.System.Time.GetElapsedTime(_since));
    }
}
