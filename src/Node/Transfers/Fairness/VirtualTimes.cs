namespace Backhaul.Node.Transfers.Fairness;

/// <summary>
/// Who of many is next, in proportion to weights (weighted fair queueing by virtual time). Each has a tag, which grows by what it was given divided by its
/// weight; the smallest is next, and equal ones in the order in which they came. The present is the smallest tag of those who want something: whoever comes
/// anew begins there, so that nobody saves up while it wants nothing, and whoever comes back with a larger tag still has that before it. Pure; each step costs a logarithm.
/// </summary>
internal sealed class VirtualTimes<TKey>
    where TKey : notnull
{
    private readonly Dictionary<TKey, Entry> _entries = [];
    private readonly SortedSet<Entry> _joined = new(Comparer<Entry>.Create(static (one, other) => (one.Tag, one.Arrival).CompareTo((other.Tag, other.Arrival))));
    private long _arrivals;
    private double _now;

    /// <summary>How many want something.</summary>
    public int Count => _joined.Count;

    /// <summary>Those who want something, the next one first.</summary>
    public IEnumerable<TKey> InOrder => _joined.Select(entry => entry.Key);

    /// <summary>It wants something; a weight that it had before is replaced.</summary>
    public void Join(TKey key, double weight)
    {
        if (!_entries.TryGetValue(key, out var entry))
            _entries[key] = entry = new Entry(key);
        entry.Weight = weight;
        if (entry.IsJoined)
            return;
        (entry.Tag, entry.Arrival, entry.IsJoined) = (Math.Max(entry.Tag, _now), ++_arrivals, true);
        _joined.Add(entry);
    }

    /// <summary>It was given so much; negative: it gave so much back unused.</summary>
    public void Charge(TKey key, int amount)
    {
        if (!_entries.TryGetValue(key, out var entry))
            return;
        if (entry.IsJoined)
            _joined.Remove(entry);
        entry.Tag += amount / entry.Weight;
        entry.Arrival = ++_arrivals;
        if (entry.IsJoined)
            _joined.Add(entry);
        Advance();
    }

    /// <summary>It wants nothing more for now; what it had is remembered while it matters.</summary>
    public void Leave(TKey key)
    {
        if (!_entries.TryGetValue(key, out var entry) || !entry.IsJoined)
            return;
        _joined.Remove(entry);
        entry.IsJoined = false;
        Advance();
        if (entry.Tag <= _now)
            _entries.Remove(key);
    }

    public void Forget(TKey key)
    {
        Leave(key);
        _entries.Remove(key);
    }

    private void Advance()
    {
        if (_joined.Count > 0)
            _now = Math.Max(_now, _joined.Min!.Tag);
    }

    private sealed class Entry(TKey key)
    {
        public TKey Key { get; } = key;
        public double Weight { get; set; } = 1;
        public double Tag { get; set; }
        public long Arrival { get; set; }
        public bool IsJoined { get; set; }
    }
}
