using Backhaul.Node.Sharding;
using Backhaul.Protocol;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Sharding;

public sealed class SessionSlotsTests
{
    private static readonly SessionKey A = SessionKey.Parse("t/a");
    private readonly HashSet<int> _stale = [];
    private readonly SessionSlots<int> _slots;

    public SessionSlotsTests() => _slots = new SessionSlots<int>(64, 3, _stale.Contains, Illegal);

    [Fact]
    public void A_message_for_an_absent_session_starts_it_and_waits()
    {
        Assert.Equal(SlotOffer.ParkedAndStart, _slots.Offer(A, 1));
        Assert.Equal(SlotOffer.Parked, _slots.Offer(A, 2));
        Assert.Equal(SlotState.Starting, _slots.StateOf(A));
        Assert.Equal([1, 2], _slots.Started(A));
        Assert.Equal(SlotOffer.Deliver, _slots.Offer(A, 3));
    }

    [Fact]
    public void A_wake_starts_only_an_absent_session()
    {
        Assert.True(_slots.Wake(A));
        Assert.False(_slots.Wake(A));
        Assert.Empty(_slots.Started(A));
        Assert.False(_slots.Wake(A));
        Assert.False(_slots.Ended(A));
        Assert.Equal(SlotState.Absent, _slots.StateOf(A));
        Assert.True(_slots.Wake(A));
    }

    [Fact]
    public void The_sixty_fifth_message_is_refused_unless_a_stale_one_leaves()
    {
        for (var i = 0; i < 64; i++)
            Assert.NotEqual(SlotOffer.Full, _slots.Offer(A, i));
        Assert.Equal(SlotOffer.Full, _slots.Offer(A, 64));
        _stale.Add(5);
        Assert.Equal(SlotOffer.Parked, _slots.Offer(A, 65));
        Assert.Equal([.. Enumerable.Range(0, 64).Where(i => i != 5), 65], _slots.Started(A));
    }

    [Fact]
    public void A_message_caught_by_a_passivation_waits_for_the_next_instance()
    {
        _slots.Wake(A);
        _slots.Started(A);
        Assert.Equal(SlotOffer.Deliver, _slots.Offer(A, 1));
        Assert.Equal(SlotOffer.Parked, _slots.Bounce(A, 1));
        Assert.Equal(SlotState.Passivating, _slots.StateOf(A));
        Assert.Equal(SlotOffer.Parked, _slots.Offer(A, 2));
        Assert.True(_slots.Ended(A));
        Assert.Equal([1, 2], _slots.Started(A));
    }

    [Fact]
    public void Three_load_failures_in_a_row_quarantine_and_give_back_what_waited()
    {
        _slots.Offer(A, 1);
        Assert.Null(_slots.Failed(A, isLoadFailure: true));
        Assert.Equal(SlotState.BackingOff, _slots.StateOf(A));
        Assert.Null(_slots.Failed(A, isLoadFailure: true));
        Assert.Equal(SlotOffer.Parked, _slots.Offer(A, 2));
        Assert.Equal([1, 2], _slots.Failed(A, isLoadFailure: true));
        Assert.Equal(SlotOffer.Quarantined, _slots.Offer(A, 3));
        Assert.False(_slots.Wake(A));
        Assert.False(_slots.Release(A)); // its last instance still ends
        Assert.False(_slots.Ended(A));
        Assert.Equal(SlotState.Quarantined, _slots.StateOf(A));
        Assert.True(_slots.Release(A));
        Assert.Equal(SlotOffer.ParkedAndStart, _slots.Offer(A, 4));
    }

    [Fact]
    public void Other_failures_never_quarantine_and_a_load_that_works_forgets_the_failed_ones()
    {
        _slots.Wake(A);
        for (var i = 0; i < 10; i++)
            Assert.Null(_slots.Failed(A, isLoadFailure: false));
        for (var i = 0; i < 10; i++)
        {
            Assert.Null(_slots.Failed(A, isLoadFailure: true));
            Assert.Null(_slots.Failed(A, isLoadFailure: true));
            _slots.Started(A);
        }
    }

    [Fact]
    public void An_illegal_transition_is_told()
    {
        Assert.Throws<InvalidOperationException>(() => _slots.Started(A));
        Assert.Throws<InvalidOperationException>(() => _slots.Ended(A));
        _slots.Wake(A);
        _slots.Started(A);
        Assert.Throws<InvalidOperationException>(() => _slots.Started(A));
    }

    /// <summary>
    /// Histories as an honest host makes them: actors start, fail, close and end in any order the kernel allows. Every message must be
    /// delivered, refused, or still parked, exactly once, in order for each session; never more than 64 are parked; nothing illegal happens.
    /// </summary>
    [Fact]
    public void In_any_history_no_message_is_lost_or_doubled_and_few_are_parked() =>
        Prop.ForAll<int[]>(steps =>
        {
            var model = new Model();
            foreach (var step in steps)
                model.Step(step == int.MinValue ? 0 : Math.Abs(step));
            model.Finish();
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000).WithEndSize(400));

    private static void Illegal(SessionKey session, SlotState from, SlotState to) =>
        throw new InvalidOperationException($"{session}: {from} to {to}");

    private sealed class Model
    {
        private const int ParkedMax = 64;
        private static readonly SessionKey[] Keys = [.. Enumerable.Range(0, 3).Select(i => SessionKey.Parse($"t/s{i}"))];

        private readonly SessionSlots<int> _slots = new(ParkedMax, 3, static _ => false, Illegal);
        private readonly Dictionary<SessionKey, Instance> _actors = [];
        private readonly Dictionary<int, string> _fates = [];
        private readonly Dictionary<SessionKey, int> _lastDelivered = [];
        private int _messages;

        private enum Instance
        {
            Loading,
            Running,
            Closed,
            Ending,
        }

        public void Step(int choice)
        {
            var key = Keys[choice / 16 % Keys.Length];
            var exists = _actors.TryGetValue(key, out var actor);
            switch (choice % 16)
            {
                case <= 7:
                    Offer(key, ++_messages);
                    break;
                case 8 when _slots.Wake(key):
                    Start(key);
                    break;
                case 9 or 10 when exists && actor == Instance.Loading:
                    _actors[key] = Instance.Running;
                    foreach (var parked in _slots.Started(key))
                        Deliver(key, parked);
                    break;
                case 11 when exists && actor is Instance.Loading or Instance.Running:
                    Fail(key, actor, choice);
                    break;
                case 12 when exists && actor == Instance.Running:
                    _actors[key] = Instance.Closed; // it passivates: its mailbox closes before the host hears of it
                    break;
                case 13 or 14 when exists && actor is Instance.Closed or Instance.Ending:
                    _actors.Remove(key);
                    if (_slots.Ended(key))
                        Start(key);
                    break;
                case 15:
                    _slots.Release(key);
                    break;
            }
            foreach (var one in Keys)
            {
                Assert.InRange(_slots.ParkedFor(one), 0, ParkedMax);
                Assert.Equal(_actors.ContainsKey(one), _slots.StateOf(one) is not (SlotState.Absent or SlotState.Quarantined) || _actors.GetValueOrDefault(one) == Instance.Ending);
            }
        }

        public void Finish()
        {
            foreach (var parked in _slots.Clear())
                Settle(parked, "cleared");
            Assert.Equal(_messages, _fates.Count);
        }

        private void Offer(SessionKey key, int message)
        {
            switch (_slots.Offer(key, message))
            {
                case SlotOffer.Deliver:
                    Deliver(key, message);
                    break;
                case SlotOffer.ParkedAndStart:
                    Start(key);
                    break;
                case SlotOffer.Full or SlotOffer.Quarantined:
                    Settle(message, "refused");
                    break;
            }
        }

        private void Deliver(SessionKey key, int message)
        {
            if (_actors[key] == Instance.Running)
            {
                Assert.True(message > _lastDelivered.GetValueOrDefault(key), "out of order");
                _lastDelivered[key] = message;
                Settle(message, "delivered");
            }
            else if (_slots.Bounce(key, message) != SlotOffer.Parked)
            {
                Settle(message, "refused");
            }
        }

        private void Start(SessionKey key) => _actors.Add(key, Instance.Loading);

        private void Fail(SessionKey key, Instance actor, int choice)
        {
            _actors[key] = Instance.Loading; // the kernel starts it again
            if (_slots.Failed(key, actor == Instance.Loading && choice / 64 % 2 == 0) is not { } refused)
                return;
            _actors[key] = Instance.Ending;
            foreach (var message in refused)
                Settle(message, "refused");
        }

        private void Settle(int message, string fate) => Assert.True(_fates.TryAdd(message, fate), $"message {message} was {_fates.GetValueOrDefault(message)} and {fate}");
    }
}
