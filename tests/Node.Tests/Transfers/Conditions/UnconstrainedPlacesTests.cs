using Backhaul.Node.Transfers.Conditions;
using Backhaul.Protocol;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Transfers.Conditions;

public sealed class UnconstrainedPlacesTests
{
    [Fact]
    public void One_free_place_is_one_word_to_the_first_in_line()
    {
        var places = new UnconstrainedPlaces(1);
        List<string> told = [];
        Assert.True(places.TryTake(Key("holder"), () => { }, out _));
        foreach (var name in (string[])["a", "b", "c", "a"]) // who asks again keeps its place in the line
            Assert.False(places.TryTake(Key(name), () => told.Add(name), out _));
        places.Return();
        Assert.Equal(["a"], told);
        Assert.True(places.Use.IsFull);
        Assert.False(places.TryTake(Key("late"), () => told.Add("late"), out _)); // it is kept for a
        Assert.True(places.TryTake(Key("a"), () => told.Add("a"), out _));
        places.Return();
        Assert.Equal(["a", "b"], told);
        places.Forget(Key("b"));
        Assert.Equal(["a", "b", "c"], told);
        places.Decline(Key("c"));
        Assert.Equal(["a", "b", "c", "late"], told);
        places.Decline(Key("c")); // nothing is kept for it any more
        places.Forget(Key("late"));
        Assert.Equal(new UnconstrainedUse(0, 1), places.Use);
    }

    /// <summary>A tenant with a hundred sessions that want places all the time, and one with a single session.</summary>
    [Theory]
    [InlineData(1, 50)]
    [InlineData(3, 75)]
    public void Tenants_get_free_places_by_their_weights_however_many_sessions_of_one_wait(int weight, int expected)
    {
        var places = new UnconstrainedPlaces(4, tenant => tenant.ToString() == "small" ? weight : 1);
        List<SessionKey> running = [];
        Queue<SessionKey> told = [];
        var small = SessionKey.Parse("small/only");
        for (var n = 0; n < 100; n++)
            Turn(SessionKey.Parse($"large/s{n}")); // it came first, and has all places
        Turn(small);
        var given = 0;
        for (var n = 0; n < 100; n++)
        {
            running.RemoveAt(0);
            places.Return();
            var next = Assert.Single(told);
            told.Clear();
            Assert.True(places.TryTake(next, () => told.Enqueue(next), out _));
            running.Add(next);
            given += next == small ? 1 : 0;
            Turn(next); // it wants one more
            Assert.Equal(4, places.Use.Running);
        }
        Assert.InRange(given, expected - 2, expected + 2);

        void Turn(SessionKey session)
        {
            if (places.TryTake(session, () => told.Enqueue(session), out _))
                running.Add(session);
            places.Decline(session);
        }
    }

    /// <summary>No slot was free for the place that was kept for it: its standing in the line is what it was, and a place that nobody had kept for it gains it nothing.</summary>
    [Theory]
    [InlineData(true, "a b b a")]
    [InlineData(false, "a b b b")]
    public void A_place_that_was_kept_and_could_not_be_used_costs_nothing(bool saysSo, string expected)
    {
        var (a, b) = (SessionKey.Parse("one/a"), SessionKey.Parse("three/b"));
        var places = new UnconstrainedPlaces(1, tenant => tenant.ToString() == "three" ? 3 : 1);
        List<string> told = [];
        Assert.True(Take(Key("holder"), out _));
        Assert.False(Take(a, out _));
        Assert.False(Take(b, out _));
        places.Return();
        Assert.True(Take(a, out var wasKept));
        Assert.True(wasKept);
        places.ReturnUnused(a, wasKept && saysSo);
        places.Decline(a);
        Assert.True(Take(b, out _));
        for (var round = 0; round < 2; round++)
        {
            Assert.False(Take(a, out _)); // it wants one again
            Assert.False(Take(b, out _)); // and so does the other
            places.Return();
            if (told[^1] == "b")
                Assert.True(Take(b, out wasKept) && wasKept);
        }
        Assert.Equal(expected, string.Join(' ', told));

        bool Take(SessionKey session, out bool kept) => places.TryTake(session, () => told.Add(session.Identifier.ToString()), out kept);
    }

    [Fact]
    public void A_place_that_was_simply_free_was_not_kept_for_anybody()
    {
        var places = new UnconstrainedPlaces(1);
        Assert.True(places.TryTake(Key("a"), () => { }, out var wasKept));
        Assert.False(wasKept);
        places.ReturnUnused(Key("a"), wasKept);
        Assert.Equal(new UnconstrainedUse(0, 1), places.Use);
        Assert.Throws<InvalidOperationException>(() => places.ReturnUnused(Key("a"), wasKept: false));
    }

    /// <summary>Whatever sessions do in their turns: never more places than the limit, never a word without a place, and in the end nobody waits in vain.</summary>
    [Fact]
    public void Whatever_sessions_do_no_place_is_given_twice_and_nobody_waits_while_one_is_free()
    {
        var steps = Gen.ArrayOf(Gen.Choose(0, 999), 300);
        Prop.ForAll(Arb.From(steps), choices =>
        {
            var run = new Run(runningMax: 1 + (choices[0] % 3));
            foreach (var choice in choices)
                run.Step(choice % 6, choice / 6 % Run.Sessions);
            run.Settle();
        }).QuickCheckThrowOnFailure();
    }

    private static SessionKey Key(string name) => SessionKey.Parse($"acme/{name}");

    /// <summary>Sessions as their actors are: a word is a turn later on, and a turn takes what it can and passes on the rest.</summary>
    private sealed class Run(int runningMax)
    {
        public const int Sessions = 5;

        private readonly UnconstrainedPlaces _places = new(runningMax);
        private readonly int[] _wanted = new int[Sessions];
        private readonly int[] _running = new int[Sessions];
        private readonly bool[] _isPaused = new bool[Sessions];
        private readonly Queue<int> _told = [];

        public void Step(int what, int session)
        {
            switch (what)
            {
                case 0:
                    _wanted[session]++;
                    Turn(session);
                    break;
                case 1 when _running[session] > 0:
                    _running[session]--;
                    _places.Return();
                    break;
                case 2:
                    _wanted[session] = 0; // its tasks were cancelled; it stays in line until its turn
                    break;
                case 3:
                    _isPaused[session] = !_isPaused[session];
                    Turn(session);
                    break;
                case 4:
                    _wanted[session] = 0;
                    _places.Forget(Key($"s{session}")); // it leaves memory
                    break;
                default:
                    if (_told.TryDequeue(out var next))
                        Turn(next);
                    break;
            }
            Check();
        }

        public void Settle()
        {
            while (_told.TryDequeue(out var next))
            {
                Turn(next);
                Check();
            }
            Assert.Equal(_running.Sum(), _places.Use.Running); // nothing is kept for anybody any more
            if (_running.Sum() < runningMax)
                Assert.All(Enumerable.Range(0, Sessions), session => Assert.True(_isPaused[session] || _wanted[session] == 0, $"s{session} waits while a place is free"));
        }

        private void Turn(int session)
        {
            while (!_isPaused[session] && _wanted[session] > 0)
            {
                if (!_places.TryTake(Key($"s{session}"), () => _told.Enqueue(session), out _))
                    return;
                _wanted[session]--;
                _running[session]++;
            }
            _places.Decline(Key($"s{session}"));
        }

        private void Check()
        {
            Assert.InRange(_running.Sum(), 0, runningMax);
            Assert.InRange(_places.Use.Running, _running.Sum(), runningMax);
        }
    }
}
