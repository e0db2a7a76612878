using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Event numbers and what clients said about them: the newest number, the acknowledged one, whether a drained event is due, and the
/// temporary files that live until the event that announced them is acknowledged.
/// </summary>
internal sealed class DeliveryState
{
    private readonly SortedDictionary<long, TaskFiles> _temporary = [];
    private readonly Dictionary<TaskId, TaskFiles> _newest = [];

    public long LastNumber { get; private set; }

    public long Acknowledged { get; private set; }

    /// <summary>A task ended since the last drained event.</summary>
    public bool DrainDue { get; private set; }

    /// <summary>Files whose completion event is not acknowledged, by its number.</summary>
    public IReadOnlyDictionary<long, TaskFiles> Temporary => _temporary;

    public EventAges Ages { get; } = new();

    /// <summary>Events up to here ended unread.</summary>
    public long ExpiredThrough { get; private set; }

    /// <summary>The newest event that does not say so: when only those are left nothing ends any more, or a session that nobody reads would never come to rest.</summary>
    public long NewestOther { get; private set; }

    public void TakeNumber(DateTimeOffset at, TimeSpan retention, bool isExpiry)
    {
        Ages.OnEvent(++LastNumber, at, retention);
        NewestOther = isExpiry ? NewestOther : LastNumber;
    }

    /// <summary>When the oldest events end that nobody acknowledged; null: there are none.</summary>
    public (long Through, DateTimeOffset At)? Expiry(TimeSpan retention) =>
        Acknowledged < NewestOther && Ages.Oldest(LastNumber) is var (through, at)
            ? (through, at + retention)
            : null;

    public void OnExpired(long through)
    {
        ExpiredThrough = through;
        OnAcknowledged(through);
    }

    public void OnTaskEnded() => DrainDue = true;

    public void OnDrained() => DrainDue = false;

    public void KeepUntilAcknowledged(TaskFiles files) => Keep(LastNumber, files);

    /// <summary>The newest unread file of a task that has this id, in whatever generation.</summary>
    public TaskFiles? UnreadOf(TaskId task) => _newest.GetValueOrDefault(task);

    /// <summary>Files that an acknowledgement up to here sets free.</summary>
    public IReadOnlyList<TaskFiles> FreedBy(long through) => [.. _temporary.TakeWhile(entry => entry.Key <= through).Select(entry => entry.Value)];

    public void OnAcknowledged(long through)
    {
        Acknowledged = Math.Max(Acknowledged, through);
        Ages.OnAcknowledged(Acknowledged, LastNumber);
        while (_temporary.Count > 0 && _temporary.First() is var (number, files) && number <= through)
        {
            _temporary.Remove(number);
            if (_newest[files.Task].Generation == files.Generation)
                _newest.Remove(files.Task);
        }
    }

    public void RestoreExpiry(ExpirySnapshot? stored)
    {
        if (stored is null)
            return;
        Ages.Restore(stored.Marks);
        (ExpiredThrough, NewestOther) = (stored.Through, stored.NewestOther);
    }

    public void Restore(long lastNumber, long acknowledged, bool drainDue, IEnumerable<KeyValuePair<long, TaskFiles>> temporary)
    {
        (LastNumber, Acknowledged, DrainDue) = (lastNumber, acknowledged, drainDue);
        foreach (var (number, files) in temporary)
            Keep(number, files);
    }

    private void Keep(long number, TaskFiles files) => _temporary[number] = _newest[files.Task] = files;
}

/// <summary>Persisted. Null in snapshots of earlier releases: events from then on are marked.</summary>
internal sealed record ExpirySnapshot(IReadOnlyList<EventMark> Marks, long Through, long NewestOther);
