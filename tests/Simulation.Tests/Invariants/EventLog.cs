using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Invariants;

/// <summary>The numbered events of one session as they became durable: what everybody who sees one must see.</summary>
internal sealed class EventLog(SessionKey session)
{
    private readonly List<(SessionEvent Event, string Type)> _events = [];

    public long Last => _events.Count;

    public SessionEvent this[long number] => _events[(int)number - 1].Event;

    public string TypeOf(long number) => _events[(int)number - 1].Type;

    /// <summary>The number of an event that has become durable just now.</summary>
    public long NumberOf(SessionEvent happened) => _events.FindLastIndex(entry => ReferenceEquals(entry.Event, happened)) + 1;

    public void Add(SessionEvent happened) => _events.Add((happened, EventViews.TypeOf(happened)));

    public void Clear() => _events.Clear();

    /// <summary>R3: what is seen is what became durable under that number, whoever shows it.</summary>
    public void CheckSeen(EventView view, string where)
    {
        if (view.Number < 1 || view.Number > Last)
            throw new InvariantBrokenException("R3", $"{where} shows event {view.Number} of {session}, and {Last} are durable.");
        var (happened, type) = _events[(int)view.Number - 1];
        var row = new JournalRow(0, 0, "", default, view.Number, null, default);
        var expected = EventViews.View(row, happened);
        if (view.Type != type || view.Task != expected.Task || view.At != expected.At || view.Data.GetRawText() != expected.Data.GetRawText())
            throw new InvariantBrokenException("R3", $"{where} shows event {view.Number} of {session} as {view.Type} {view.Task} {view.Data.GetRawText()}, and it is {type} {expected.Task} {expected.Data.GetRawText()}.");
    }

    /// <summary>R4: nobody had less time for an event than its retention, but for a second by which clocks differ.</summary>
    public void CheckExpired(EventsExpired expired, TimeSpan retention)
    {
        for (var number = expired.From; number <= expired.Through; number++)
        {
            if (this[number].At + retention > expired.At + TimeSpan.FromSeconds(1))
                throw new InvariantBrokenException("R4", $"Event {number} of {session} of {this[number].At:o} ends at {expired.At:o}, and its retention is {retention}.");
        }
    }

    /// <summary>The first event in (after, before) that a filter lets through.</summary>
    public long? FirstWanted(PushConfiguration? push, long after, long before)
    {
        for (var number = after + 1; number < before && number <= Last; number++)
        {
            if (PushState.Wants(push, TypeOf(number)))
                return number;
        }
        return null;
    }
}
