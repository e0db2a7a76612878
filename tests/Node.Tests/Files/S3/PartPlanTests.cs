using Backhaul.Node.Files;
using Backhaul.Node.Files.S3;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Files.S3;

public sealed class PartPlanTests
{
    private static readonly Arbitrary<(long Length, long Wanted)> Objects = Arb.From(
        from length in Gen.OneOf(Gen.Choose(0, 100).Select(n => (long)n), Gen.Choose(0, int.MaxValue).Select(n => (long)n * 2560), Gen.Constant(PartPlan.ObjectBytesMax))
        from wanted in Gen.Choose(5, 256)
        select (Math.Min(length, PartPlan.ObjectBytesMax), (long)wanted << 20));

    [Fact]
    public void Every_object_is_cut_within_the_limits_of_stores() => Check.QuickThrowOnFailure(Prop.ForAll(Objects, one =>
    {
        foreach (var plan in new[] { PartPlan.For(one.Length, one.Wanted), PartPlan.For(null, one.Wanted) })
        {
            var count = plan.CountFor(one.Length);
            Assert.InRange(count, 0, PartPlan.PartsMax);
            if (count == 0)
                continue;
            var last = plan.RangeOf(count);
            Assert.InRange(one.Length, last.From + 1, last.To);
            Assert.InRange(last.Length, PartPlan.PartBytesMin, PartPlan.PartBytesMax);
        }
        return true;
    }));

    [Fact]
    public void Parts_follow_each_other_without_a_gap_and_a_byte_is_in_the_part_that_says_so() => Check.QuickThrowOnFailure(Prop.ForAll(
        Arb.From(from number in Gen.Choose(1, PartPlan.PartsMax - 1) from grows in Gen.Elements(true, false) select (number, grows)), one =>
        {
            var plan = new PartPlan(PartPlan.PartBytesMin, one.grows);
            var range = plan.RangeOf(one.number);
            Assert.Equal(range.To, plan.RangeOf(one.number + 1).From);
            Assert.Equal(one.number, plan.NumberAt(range.From));
            Assert.Equal(one.number, plan.NumberAt(range.To - 1));
            return true;
        }));

    [Fact]
    public void A_small_object_has_the_parts_that_were_asked_for() => Assert.Equal(new ByteRange(0, 8 << 20), PartPlan.For(100L << 20, 8 << 20).RangeOf(1));
}
