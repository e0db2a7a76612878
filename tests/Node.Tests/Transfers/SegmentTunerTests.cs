using Backhaul.Node.Transfers.Downloads;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

/// <summary>The number of connections against origins of different kinds, second by second.</summary>
public sealed class SegmentTunerTests
{
    [Fact]
    public void An_origin_that_gives_each_connection_its_share_gets_as_many_as_allowed() =>
        Assert.Equal(4, Run(connections => connections * 10, seconds: 60)[^1]);

    [Fact]
    public void A_line_that_one_connection_fills_keeps_one_for_most_of_the_time()
    {
        var counts = Run(_ => 100, seconds: 300);
        Assert.True(counts.Count(count => count > 1) < 40, $"{counts.Count(count => count > 1)} of 300 s with more than one.");
        Assert.Equal(2, counts.Max());
    }

    [Fact]
    public void A_line_that_two_fill_comes_to_rest_at_two()
    {
        var counts = Run(connections => Math.Min(connections, 2) * 50, seconds: 300);
        Assert.True(counts.TakeLast(200).Count(count => count == 2) > 160);
        Assert.True(counts.Max() <= 3);
    }

    [Fact]
    public void Connections_that_slow_each_other_down_are_given_up() =>
        Assert.True(Run(connections => 100 / connections, seconds: 300).TakeLast(100).Count(count => count == 1) > 80);

    private static List<int> Run(Func<int, long> rate, int seconds)
    {
        var tuner = new SegmentTuner(TimeSpan.FromSeconds(1));
        var (connections, bytes) = (1, 0L);
        var counts = new List<int>();
        for (var second = 1; second <= seconds; second++)
        {
            bytes += rate(connections);
            switch (tuner.Look(TimeSpan.FromSeconds(second), bytes, mayAdd: connections < 4))
            {
                case SegmentStep.Add:
                    connections++;
                    break;
                case SegmentStep.Drop:
                    connections--;
                    break;
            }
            counts.Add(connections);
        }
        return counts;
    }
}
