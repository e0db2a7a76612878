using Backhaul.Protocol;

namespace Backhaul.Node.Sharding;

/// <summary>Where a session stands in its shard.</summary>
internal enum SlotState
{
    Absent = 1,
    Starting = 2,
    Active = 3,
    BackingOff = 4,
    Passivating = 5,
    Quarantined = 6,
}

/// <summary>What becomes of a message.</summary>
internal enum SlotOffer
{
    /// <summary>Give it to the session's actor now.</summary>
    Deliver = 1,

    /// <summary>It is kept until the session is active.</summary>
    Parked = 2,

    /// <summary>It is kept, and the session must be started.</summary>
    ParkedAndStart = 3,

    /// <summary>Too many wait.</summary>
    Full = 4,

    /// <summary>The session cannot be loaded; an operator must look.</summary>
    Quarantined = 5,
}

/// <summary>
/// The sessions of one shard and the messages that wait for them; pure, no actor and no clock. The host asks it before everything it does.
/// <code>
///   Absent ──message or wake──► Starting ──started──► Active ──its mailbox closed──► Passivating ──ended──► Absent
///      ▲                          │  ▲ │failed           │failed                          │ messages parked: Starting
///      │released by an operator   │  │ └──► BackingOff ◄─┘
///      │                   third  │  └──────────┘ started (the kernel starts it again after the back-off)
///   Quarantined ◄──── load failure┘
/// </code>
/// Invariants: a message is delivered, parked or refused, never two of them and never lost; at most <c>parkedMax</c> are parked for a
/// session; parked ones come back in their order, when it is active or when it is given up.
/// </summary>
internal sealed class SessionSlots<TMessage>(
    int parkedMax, int loadFailuresMax, Func<TMessage, bool> isStale, Action<SessionKey, SlotState, SlotState> illegal)
{
    private readonly Dictionary<SessionKey, Slot> _slots = [];

    /// <summary>Sessions that are not absent.</summary>
    public int Count => _slots.Count;

    public IReadOnlyCollection<SessionKey> Sessions => _slots.Keys;

    public SlotState StateOf(SessionKey session) => _slots.TryGetValue(session, out var slot) ? slot.State : SlotState.Absent;

    public int ParkedFor(SessionKey session) => _slots.TryGetValue(session, out var slot) ? slot.Parked.Count : 0;

    public SlotOffer Offer(SessionKey session, TMessage message)
    {
        if (!_slots.TryGetValue(session, out var slot))
        {
            slot = Start(session);
            slot.Parked.Enqueue(message);
            return SlotOffer.ParkedAndStart;
        }
        return slot.State switch
        {
            SlotState.Active => SlotOffer.Deliver,
            SlotState.Quarantined => SlotOffer.Quarantined,
            _ => Park(slot, message),
        };
    }

    /// <summary>The session has something to do by itself. True when it must be started; nothing is needed when it is there already.</summary>
    public bool Wake(SessionKey session)
    {
        if (_slots.ContainsKey(session))
            return false;
        Start(session);
        return true;
    }

    /// <summary>An active session's mailbox did not take a message because it closes: the message waits for the next instance.</summary>
    public SlotOffer Bounce(SessionKey session, TMessage message)
    {
        if (!_slots.TryGetValue(session, out var slot))
            return Offer(session, message);
        if (slot.State == SlotState.Active)
            slot.State = SlotState.Passivating;
        return slot.State == SlotState.Quarantined ? SlotOffer.Quarantined : Park(slot, message);
    }

    /// <summary>The session is loaded; what waited is to be delivered now, in this order.</summary>
    public IReadOnlyList<TMessage> Started(SessionKey session)
    {
        if (Expect(session, SlotState.Active, SlotState.Starting, SlotState.BackingOff) is not { } slot)
            return [];
        slot.State = SlotState.Active;
        slot.LoadFailures = 0;
        return TakeParked(slot);
    }

    /// <summary>
    /// The session threw. Null: start it again after a back-off. Otherwise it is quarantined, and the messages that waited are returned
    /// to be refused. <paramref name="isLoadFailure"/> is for failures that a further load will most likely meet again.
    /// </summary>
    public IReadOnlyList<TMessage>? Failed(SessionKey session, bool isLoadFailure)
    {
        if (Expect(session, SlotState.BackingOff, SlotState.Starting, SlotState.Active, SlotState.BackingOff, SlotState.Passivating) is not { } slot)
            return null;
        slot.LoadFailures = isLoadFailure ? slot.LoadFailures + 1 : slot.LoadFailures;
        if (slot.LoadFailures < loadFailuresMax)
        {
            slot.State = SlotState.BackingOff;
            return null;
        }
        slot.State = SlotState.Quarantined;
        return TakeParked(slot);
    }

    /// <summary>The session's actor ended. True when messages wait and it must be started again.</summary>
    public bool Ended(SessionKey session)
    {
        var slot = Expect(session, SlotState.Absent, SlotState.Starting, SlotState.Active, SlotState.BackingOff, SlotState.Passivating, SlotState.Quarantined);
        if (slot is null)
            return false;
        slot.HasActor = false;
        if (slot.State == SlotState.Quarantined)
            return false;
        DropStale(slot);
        if (slot.Parked.Count == 0)
        {
            _slots.Remove(session);
            return false;
        }
        slot.State = SlotState.Starting;
        slot.HasActor = true;
        return true;
    }

    /// <summary>An operator lets a quarantined session be tried again. False when it is not quarantined, or its last instance still ends.</summary>
    public bool Release(SessionKey session) =>
        _slots.TryGetValue(session, out var slot) && slot is { State: SlotState.Quarantined, HasActor: false } && _slots.Remove(session);

    /// <summary>The shard closes: forgets everything and returns what was parked.</summary>
    public IReadOnlyList<TMessage> Clear()
    {
        List<TMessage> parked = [.. _slots.Values.SelectMany(slot => slot.Parked)];
        _slots.Clear();
        return parked;
    }

    private Slot Start(SessionKey session)
    {
        var slot = new Slot { State = SlotState.Starting, HasActor = true };
        _slots.Add(session, slot);
        return slot;
    }

    private SlotOffer Park(Slot slot, TMessage message)
    {
        if (slot.Parked.Count >= parkedMax)
            DropStale(slot);
        if (slot.Parked.Count >= parkedMax)
            return SlotOffer.Full;
        slot.Parked.Enqueue(message);
        return SlotOffer.Parked;
    }

    /// <summary>Messages that were answered meanwhile (their caller's deadline passed) need no room.</summary>
    private void DropStale(Slot slot)
    {
        for (var left = slot.Parked.Count; left > 0; left--)
        {
            var message = slot.Parked.Dequeue();
            if (!isStale(message))
                slot.Parked.Enqueue(message);
        }
    }

    private static IReadOnlyList<TMessage> TakeParked(Slot slot)
    {
        if (slot.Parked.Count == 0)
            return [];
        TMessage[] parked = [.. slot.Parked];
        slot.Parked.Clear();
        return parked;
    }

    private Slot? Expect(SessionKey session, SlotState to, params ReadOnlySpan<SlotState> from)
    {
        if (_slots.TryGetValue(session, out var slot) && from.Contains(slot.State))
            return slot;
        illegal(session, StateOf(session), to);
        return null;
    }

    private sealed class Slot
    {
        public SlotState State { get; set; }

        public bool HasActor { get; set; }

        public int LoadFailures { get; set; }

        public Queue<TMessage> Parked { get; } = new(0);
    }
}
