namespace Backhaul.Node.Sessions;

/// <summary>
/// How old the events are that nobody acknowledged, by marks: one for each sixty-fourth of the retention in which something happened, so a million events cost a few dozen, and events stay up to that much longer than their retention. Part of the session's fold.
/// </summary>
internal sealed class EventAges
{
    private const int MarksPerRetention = 64;

    private readonly List<EventMark> _marks = [];

    public IReadOnlyList<EventMark> Marks => _marks;

    public void OnEvent(long number, DateTimeOffset at, TimeSpan retention)
    {
        if (_marks.Count == 0 || at - _marks[^1].At >= retention / MarksPerRetention)
            _marks.Add(new EventMark(number, at, at));
        else
            _marks[^1] = _marks[^1] with { LastAt = at };
    }

    /// <summary>Marks of acknowledged events are of no use.</summary>
    public void OnAcknowledged(long through, long lastNumber)
    {
        if (through >= lastNumber)
            _marks.Clear();
        while (_marks.Count > 1 && _marks[1].Number <= through + 1)
            _marks.RemoveAt(0);
    }

    /// <summary>The last event of the oldest mark, and when it happened; null when all are acknowledged.</summary>
    public (long Through, DateTimeOffset At)? Oldest(long lastNumber) => _marks.Count switch
    {
        0 => null,
        1 => (lastNumber, _marks[0].LastAt),
        _ => (_marks[1].Number - 1, _marks[0].LastAt),
    };

    public void Restore(IEnumerable<EventMark> marks) => _marks.AddRange(marks);
}

/// <summary>The events from this one up to the next mark's: when the first and the last of them happened. Persisted.</summary>
internal readonly record struct EventMark(long Number, DateTimeOffset At, DateTimeOffset LastAt);
