using Backhaul.Node.Transfers.Origins;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Transfers.Origins;

public sealed class CircuitTests
{
    private static readonly CircuitRules Rules = new(3, TimeSpan.FromSeconds(16));

    [Fact]
    public void It_opens_by_failures_in_a_row_only()
    {
        var circuit = new Circuit(Rules);
        Assert.False(circuit.Fail(Seconds(0)));
        Assert.False(circuit.Fail(Seconds(1)));
        circuit.Succeed();
        Assert.False(circuit.Fail(Seconds(2)));
        Assert.False(circuit.Fail(Seconds(3)));
        Assert.True(circuit.Fail(Seconds(4)));
        Assert.Equal(0, circuit.Free(0, Seconds(19)));
        Assert.Equal(1, circuit.Free(0, Seconds(20)));
    }

    [Fact]
    public void After_an_answer_the_number_of_connections_grows_by_answers()
    {
        var circuit = Opened();
        circuit.Begin(Seconds(20));
        Assert.True(circuit.Pass(Seconds(20)));
        Assert.True(circuit.Succeed());
        Assert.Equal(2, circuit.Free(0, Seconds(21)));
        Assert.Equal(0, circuit.Free(2, Seconds(21)));
        Assert.True(circuit.Succeed());
        Assert.Equal(2, circuit.Free(2, Seconds(21)));
        for (var i = 0; i < 4; i++)
            circuit.Succeed();
        Assert.Equal(int.MaxValue, circuit.Free(1000, Seconds(21)));
        Assert.False(circuit.Succeed());
    }

    /// <summary>Whoever asks, however often, starts or does not start, sends by a redirect or twice: two probes in 30 s are the most.</summary>
    [Fact]
    public void A_dead_origin_is_sent_two_requests_in_any_thirty_seconds_at_the_most() =>
        Prop.ForAll<int[]>(steps =>
        {
            var circuit = Opened();
            List<TimeSpan> sent = [];
            var now = Seconds(1);
            foreach (var step in steps)
            {
                var choice = step == int.MinValue ? 0 : Math.Abs(step);
                now += TimeSpan.FromMilliseconds(choice % 7 * 900);
                if (choice % 3 == 0 && circuit.Free(choice % 5, now) > 0)
                    circuit.Begin(now);
                if (choice % 4 != 0 && circuit.Pass(now))
                    sent.Add(now);
                if (choice % 5 == 0)
                    circuit.Fail(now);
            }
            for (var i = 2; i < sent.Count; i++)
                Assert.True(sent[i] - sent[i - 2] > TimeSpan.FromSeconds(30), $"{sent[i - 2]} {sent[i - 1]} {sent[i]}");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500).WithEndSize(300));

    private static Circuit Opened()
    {
        var circuit = new Circuit(Rules);
        for (var i = 0; i < 3; i++)
            circuit.Fail(Seconds(0));
        return circuit;
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
