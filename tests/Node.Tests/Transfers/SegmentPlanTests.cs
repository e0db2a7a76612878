using Backhaul.Node.Files;
using Backhaul.Node.Transfers.Downloads;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

/// <summary>The planner under random connections that come, go, fail and are cut.</summary>
public sealed class SegmentPlanTests
{
    private const long MiB = 1024 * 1024;
    private const long Split = 4 * MiB;
    private static readonly Config Many = Config.QuickThrowOnFailure.WithMaxTest(500);

    [Fact]
    public void No_byte_belongs_to_two_segments_and_none_is_taken_twice_or_left_out() =>
        Prop.ForAll(Histories().ToArbitrary(), history =>
        {
            var plan = new SegmentPlan(history.Total, history.Held, Split);
            var open = new List<Segment>();
            var fetched = history.Held;
            foreach (var (what, number) in history.Steps)
                Step(plan, open, what, number, ref fetched);
            // Then one connection goes on alone to the end.
            foreach (var segment in open)
                plan.Release(segment);
            while (plan.Next(splits: true) is { } segment)
            {
                fetched = Fetch(plan, segment, segment.To, fetched);
                plan.Release(segment);
            }
            return plan.IsComplete && fetched.Equals(RangeSet.Of(0, history.Total)) && plan.Taken.Equals(fetched);
        }).Check(Many);

    [Fact]
    public void Gaps_are_taken_in_order_before_anything_is_split()
    {
        var plan = new SegmentPlan(100 * MiB, RangeSet.Of([new ByteRange(0, 10 * MiB), new ByteRange(20 * MiB, 30 * MiB)]), Split);
        Assert.Equal((10 * MiB, 20 * MiB), Bounds(plan.Next(splits: true)));
        Assert.Equal((30 * MiB, 100 * MiB), Bounds(plan.Next(splits: true)));
        Assert.Equal((65 * MiB, 100 * MiB), Bounds(plan.Next(splits: true)));
        Assert.Null(plan.Next(splits: false));
    }

    [Fact]
    public void A_remainder_too_short_for_two_is_not_split()
    {
        var plan = new SegmentPlan((2 * Split) - 1, RangeSet.Empty, Split);
        Assert.NotNull(plan.Next(splits: true));
        Assert.Null(plan.Next(splits: true));
    }

    [Fact]
    public void What_was_split_off_and_refused_comes_from_the_body_before_it()
    {
        var plan = new SegmentPlan(100 * MiB, RangeSet.Empty, Split);
        var first = plan.OpenWhole();
        var second = plan.Next(splits: true)!;
        Assert.Equal(50 * MiB, first.To);
        plan.GiveBack(second);
        Assert.Equal(100 * MiB, first.To);
    }

    [Fact]
    public void A_body_that_does_not_reach_as_far_gets_nothing_back()
    {
        var plan = new SegmentPlan(100 * MiB, RangeSet.Of(0, 10 * MiB), Split);
        var first = plan.Next(splits: false)!;
        first.Limit = 40 * MiB; // the origin sent less than was asked for
        var second = plan.Next(splits: true)!;
        plan.GiveBack(second);
        Assert.Equal(second.From, first.To);
        Assert.Equal((second.From, 100 * MiB), Bounds(plan.Next(splits: true)));
    }

    [Fact]
    public void Wanted_bytes_come_first_also_out_of_a_segment_under_way()
    {
        var plan = new SegmentPlan(100 * MiB, RangeSet.Empty, Split);
        var first = plan.OpenWhole();
        plan.Want(RangeSet.Of(60 * MiB, 61 * MiB));
        Assert.True(plan.IsPressed);
        Assert.Equal((60 * MiB, 61 * MiB), Bounds(plan.Next(splits: true)));
        Assert.Equal(60 * MiB, first.To);
        Assert.False(plan.IsPressed);
        Assert.Equal((61 * MiB, 100 * MiB), Bounds(plan.Next(splits: true)));
    }

    [Fact]
    public void A_connection_that_is_cut_takes_what_is_wanted_next()
    {
        var plan = new SegmentPlan(100 * MiB, RangeSet.Empty, Split);
        var only = plan.OpenWhole();
        plan.Advance(only, 0, 5 * MiB);
        plan.Want(RangeSet.Of(60 * MiB, 61 * MiB));
        plan.Cut(only);
        Assert.Equal(5 * MiB, plan.Advance(only, 5 * MiB, 6 * MiB));
        plan.Release(only);
        Assert.Equal((60 * MiB, 61 * MiB), Bounds(plan.Next(splits: false)));
        Assert.Equal((5 * MiB, 60 * MiB), Bounds(plan.Next(splits: false)));
    }

    [Fact]
    public void Bytes_behind_a_gap_are_not_taken_when_a_cut_segment_grows_again()
    {
        var plan = new SegmentPlan(100 * MiB, RangeSet.Empty, Split);
        var first = plan.OpenWhole();
        var second = plan.Next(splits: true)!;
        Assert.Equal(50 * MiB, plan.Advance(first, 0, 60 * MiB)); // the pump had read ten more, and drops them
        plan.GiveBack(second);
        Assert.Equal(100 * MiB, first.To);
        Assert.Equal(60 * MiB, plan.Advance(first, 60 * MiB, 70 * MiB));
        Assert.Equal(RangeSet.Of(0, 50 * MiB), plan.Taken);
    }

    [Fact]
    public void Bytes_that_will_be_here_in_a_moment_press_nobody()
    {
        var plan = new SegmentPlan(100 * MiB, RangeSet.Empty, Split);
        plan.OpenWhole();
        plan.Want(RangeSet.Of(1000, 2000));
        Assert.False(plan.IsPressed);
    }

    [Fact]
    public void A_file_of_unknown_length_has_one_segment_until_the_length_is_learned()
    {
        var plan = new SegmentPlan(null, RangeSet.Of(0, 10), Split);
        var only = plan.Next(splits: true)!;
        Assert.Equal((10, SegmentPlan.Unbounded), Bounds(only));
        Assert.Null(plan.Next(splits: true));
        plan.Learn(100);
        Assert.Equal(100, only.To);
        plan.Advance(only, 10, 100);
        Assert.True(plan.IsComplete);
    }

    private static (long, long) Bounds(Segment? segment) => (segment!.From, segment.To);

    private static void Step(SegmentPlan plan, List<Segment> open, int what, int number, ref RangeSet fetched)
    {
        switch (what)
        {
            case 0 when plan.Next(splits: number % 4 > 0) is { } next:
                Assert.True(next.Left > 0);
                Assert.All(open, other => Assert.True(other.Left == 0 || other.To <= next.From || next.To <= other.At));
                open.Add(next);
                break;
            case 1 when open.Count > 0:
                var moving = open[number % open.Count];
                fetched = Fetch(plan, moving, moving.At + (number * 64 * 1024L), fetched);
                break;
            case 2 when open.Count > 0:
                var ending = open[number % open.Count];
                open.Remove(ending);
                if (number % 2 == 0 || ending.At != ending.From)
                    plan.Release(ending);
                else
                    plan.GiveBack(ending);
                break;
            case 3 when open.Count > 0:
                plan.Cut(open[number % open.Count]);
                break;
            case 4:
                plan.Want(RangeSet.Of(number * MiB, (number + 3) * MiB));
                break;
        }
    }

    /// <summary>What a pump does: it has read up to a byte, and writes what is still its own.</summary>
    private static RangeSet Fetch(SegmentPlan plan, Segment segment, long readTo, RangeSet fetched)
    {
        var from = segment.At;
        var to = plan.Advance(segment, from, readTo);
        if (to <= from)
            return fetched;
        Assert.False(fetched.Overlaps(new ByteRange(from, to)));
        return fetched.Add(new ByteRange(from, to));
    }

    private static Gen<(long Total, RangeSet Held, (int What, int Number)[] Steps)> Histories() =>
        from total in Gen.Choose(1, 80 * 1024)
        from held in (from start in Gen.Choose(0, 60) from length in Gen.Choose(0, 9) select new ByteRange(start * MiB, (start + length) * MiB)).ListOf()
        from steps in (from what in Gen.Frequency((3, Gen.Constant(0)), (6, Gen.Constant(1)), (2, Gen.Constant(2)), (1, Gen.Constant(3)), (1, Gen.Constant(4)))
                       from number in Gen.Choose(0, 70)
                       select (what, number)).ArrayOf()
        let length = total * 1024L
        select (length, RangeSet.Of(held).Intersect(new ByteRange(0, length)), steps);
}
