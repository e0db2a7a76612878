using Backhaul.Node.Transfers;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Event numbers and what clients said about them: the newest number, the acknowledged one, whether a drained event is due, and the
/// temporary files that live until the event that announced them is acknowledged.
/// </summary>
internal sealed class DeliveryState
{
    private readonly SortedDictionary<long, TaskFiles> _temporary = [];

    public long LastNumber { get; private set; }

    public long Acknowledged { get; private set; }

    /// <summary>A task ended since the last drained event.</summary>
    public bool DrainDue { get; private set; }

    /// <summary>Files whose completion event is not acknowledged, by its number.</summary>
    public IReadOnlyDictionary<long, TaskFiles> Temporary => _temporary;

    public long TakeNumber() => ++LastNumber;

    public void OnTaskEnded() => DrainDue = true;

    public void OnDrained() => DrainDue = false;

    public void KeepUntilAcknowledged(TaskFiles files) => _temporary[LastNumber] = files;

    /// <summary>Files that an acknowledgement up to here sets free.</summary>
    public IReadOnlyList<TaskFiles> FreedBy(long through) => [.. _temporary.TakeWhile(entry => entry.Key <= through).Select(entry => entry.Value)];

    public void OnAcknowledged(long through)
    {
        Acknowledged = Math.Max(Acknowledged, through);
        while (_temporary.Count > 0 && _temporary.First() is var (number, _) && number <= through)
            _temporary.Remove(number);
    }

    public void Restore(long lastNumber, long acknowledged, bool drainDue, IEnumerable<KeyValuePair<long, TaskFiles>> temporary)
    {
        (LastNumber, Acknowledged, DrainDue) = (lastNumber, acknowledged, drainDue);
        foreach (var (number, files) in temporary)
            _temporary[number] = files;
    }
}
