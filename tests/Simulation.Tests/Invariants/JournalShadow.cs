using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Invariants;

/// <summary>
/// One session's journal as it must be: every row that ever became durable, also those that were trimmed since, and what follows from them.
/// </summary>
internal sealed class JournalShadow(SessionKey session, SessionOptions options)
{
    private readonly List<Row> _rows = [];
    private readonly Dictionary<Guid, int> _answered = [];
    private readonly Dictionary<(int Generation, TaskId Task), int> _created = [];
    private readonly Dictionary<(int Generation, TaskId Task), int> _ended = [];
    private readonly Dictionary<(int Generation, TaskId Task), string> _outcomes = [];

    public SessionKey Session => session;

    public int Rows => _rows.Count;

    /// <summary>What clients see.</summary>
    public EventLog Events { get; } = new(session);

    public long LastNumber { get; private set; }

    /// <summary>The state that the rows lead to.</summary>
    public Session Fold { get; private set; } = new(session, options);

    public IReadOnlyDictionary<(int Generation, TaskId Task), int> Created => _created;

    public IReadOnlyDictionary<(int Generation, TaskId Task), int> Ended => _ended;

    /// <summary>How a task of the present generation ended; null: it has not.</summary>
    public string? OutcomeOf(TaskId task) => _outcomes.GetValueOrDefault((Fold.Generation, task));

    public int TimesAnswered(Guid command) => _answered.GetValueOrDefault(command);

    public JournalRowCheck RowAt(long sequence) => new(_rows[(int)sequence - 1].Epoch, _rows[(int)sequence - 1].Payload, _rows[(int)sequence - 1].Type);

    /// <summary>I1, I3, I5 and the one end of each task, on what has just become durable. Gives back the events.</summary>
    public List<SessionEvent> Append(SessionAppend append)
    {
        if (append.FirstSequence != _rows.Count + 1)
            throw new InvariantBrokenException("I1", $"{session} has {_rows.Count} rows, and the next one written is {append.FirstSequence}.");
        if (_rows.Count > 0 && append.Grant.Epoch < _rows[^1].Epoch)
            throw new InvariantBrokenException("I1", $"{session} goes from epoch {_rows[^1].Epoch} back to {append.Grant.Epoch} at row {append.FirstSequence}.");
        List<SessionEvent> events = new(append.Rows.Count);
        foreach (var row in append.Rows)
        {
            if (SessionEvent.Codec.Decode(row.EventType, row.Payload) is not DecodeResult<SessionEvent>.Decoded { Event: var happened })
                throw new InvariantBrokenException("I5", $"Row {_rows.Count + 1} of {session} ({row.EventType}) cannot be read.");
            if (row.Number is { } number && number != LastNumber + 1)
                throw new InvariantBrokenException("I1", $"{session} has the event number {number} after {LastNumber}.");
            LastNumber = row.Number ?? LastNumber;
            Take(new Row(append.Grant.Epoch, row.EventType, row.Payload, happened));
            events.Add(happened);
        }
        if (Fold.Delivery.LastNumber != append.Head.LastNumber || LastNumber != append.Head.LastNumber)
            throw new InvariantBrokenException("I5", $"{session}: the rows count {LastNumber} events, the head {append.Head.LastNumber}, the fold {Fold.Delivery.LastNumber}.");
        return events;
    }

    /// <summary>I5: what was saved is what the rows up to there lead to.</summary>
    public void CheckSnapshot(StoredSnapshot snapshot)
    {
        if (snapshot.Sequence > _rows.Count)
            throw new InvariantBrokenException("I5", $"{session} has a snapshot at {snapshot.Sequence} and {_rows.Count} rows.");
        var fold = snapshot.Sequence == _rows.Count ? Fold : FoldTo(snapshot.Sequence);
        if (!SessionSnapshot.Of(fold).Encode().AsSpan().SequenceEqual(snapshot.Payload.Span))
        {
            throw new InvariantBrokenException(
                "I5", $"The snapshot of {session} at {snapshot.Sequence} is not what its rows lead to:\n{Text(snapshot.Payload)}\nrows:\n{Text(SessionSnapshot.Of(fold).Encode())}");
        }
    }

    /// <summary>The store was put back: what came after these rows never was.</summary>
    public void CutTo(int rows)
    {
        if (rows >= _rows.Count)
            return;
        var kept = _rows.Take(rows).ToList();
        _rows.Clear();
        _answered.Clear();
        _created.Clear();
        _ended.Clear();
        _outcomes.Clear();
        Events.Clear();
        (LastNumber, Fold) = (0, new Session(session, options));
        foreach (var row in kept)
        {
            Take(row);
            if (SessionEvent.Codec.IsNumbered(row.Event))
                LastNumber++;
        }
    }

    private void Take(Row row)
    {
        _rows.Add(row);
        if (SessionEvent.Codec.IsNumbered(row.Event))
            Events.Add(row.Event);
        try
        {
            Fold.Apply(row.Event);
            Fold.TakeEnded();
        }
        catch (Exception misfit) when (misfit is InvalidOperationException or KeyNotFoundException or ArgumentException or NullReferenceException)
        {
            throw new InvariantBrokenException("I5", $"Row {_rows.Count} of {session} ({row.Type}) does not fit what came before: {misfit.Message}");
        }
        if (row.Event is TaskCompleted { Outcome: var outcome, Task: var final })
            _outcomes[(Fold.Generation, final)] = outcome;
        switch (row.Event)
        {
            case CommandAnswered answered when Count(_answered, answered.Command) > 1:
                throw new InvariantBrokenException("I3", $"Command {answered.Command} of {session} was executed twice: row {_rows.Count} answers it again.");
            case TaskCreated created when Count(_created, (Fold.Generation, created.Task)) > 1:
                throw new InvariantBrokenException("I3", $"Task {created.Task} of {session} was created twice.");
            case TaskCompleted completed when Count(_ended, (Fold.Generation, completed.Task)) > 1:
                throw new InvariantBrokenException("T1", $"Task {completed.Task} of {session} ended twice.");
        }
    }

    private static int Count<TKey>(Dictionary<TKey, int> counts, TKey key)
        where TKey : notnull => counts[key] = counts.GetValueOrDefault(key) + 1;

    private Session FoldTo(long sequence)
    {
        var fold = new Session(session, options);
        foreach (var row in _rows.Take((int)sequence))
        {
            fold.Apply(row.Event);
            fold.TakeEnded();
        }
        return fold;
    }

    private static string Text(ReadOnlyMemory<byte> json) => System.Text.Encoding.UTF8.GetString(json.Span);

    private sealed record Row(long Epoch, string Type, ReadOnlyMemory<byte> Payload, SessionEvent Event);
}

/// <summary>What a stored row must be.</summary>
internal readonly record struct JournalRowCheck(long Epoch, ReadOnlyMemory<byte> Payload, string Type);
