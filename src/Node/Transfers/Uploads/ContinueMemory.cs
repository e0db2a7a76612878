namespace Backhaul.Node.Transfers.Uploads;

/// <summary>
/// Targets that do not answer <c>Expect: 100-continue</c>. They are not asked again, since each question costs a second of silence.
/// Bounded: when it is full, the oldest is forgotten and would be asked once more.
/// </summary>
internal sealed class ContinueMemory(int entriesMax = 1024)
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);
    private readonly Queue<string> _order = new();

    public bool IsKnown(string origin)
    {
        lock (_lock)
            return _known.Contains(origin);
    }

    public void Remember(string origin)
    {
        lock (_lock)
        {
            if (!_known.Add(origin))
                return;
            _order.Enqueue(origin);
            if (_order.Count > entriesMax)
                _known.Remove(_order.Dequeue());
        }
    }
}
