using System.Text.Json;
using Backhaul.Node.Files;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Files;

/// <summary>Sets of ranges against the obvious model: a set of numbers.</summary>
public sealed class RangeSetTests
{
    private const int Bytes = 40;
    private static readonly Config Many = Config.QuickThrowOnFailure.WithMaxTest(2_000);

    [Fact]
    public void Adding_and_removing_do_what_they_do_to_a_set_of_bytes() =>
        Prop.ForAll(Steps().ToArbitrary(), steps =>
        {
            var (set, model) = Play(steps);
            return model.SetEquals(BytesOf(set)) && set.Length == model.Count;
        }).Check(Many);

    [Fact]
    public void Ranges_are_sorted_disjoint_and_never_touch() =>
        Prop.ForAll(Steps().ToArbitrary(), steps =>
        {
            var (set, _) = Play(steps);
            return set.All(range => range.From < range.To) && set.Zip(set.Skip(1)).All(pair => pair.First.To < pair.Second.From);
        }).Check(Many);

    [Fact]
    public void The_same_bytes_are_the_same_set_whatever_the_way() =>
        Prop.ForAll(Steps().ToArbitrary(), steps =>
        {
            var (set, model) = Play(steps);
            var again = RangeSet.Of(model.OrderDescending().Select(number => new ByteRange(number, number + 1)));
            return again.Equals(set) && again.GetHashCode() == set.GetHashCode();
        }).Check(Many);

    [Fact]
    public void Questions_are_answered_as_the_model_answers_them() =>
        Prop.ForAll(Steps().ToArbitrary(), Range().ToArbitrary(), (steps, range) =>
        {
            var (set, model) = Play(steps);
            var inside = Enumerable.Range((int)range.From, (int)range.Length).ToList();
            var prefix = 0;
            while (model.Contains(prefix))
                prefix++;
            var run = (int)range.From;
            while (model.Contains(run))
                run++;
            return set.Contains(range) == inside.TrueForAll(model.Contains) && set.Overlaps(range) == inside.Exists(model.Contains)
                && set.Prefix == prefix && set.RunFrom(range.From) == run
                && BytesOf(set.Intersect(range)).ToHashSet().SetEquals(inside.Where(model.Contains))
                && BytesOf(set.Missing(Bytes)).ToHashSet().SetEquals(Enumerable.Range(0, Bytes).Where(number => !model.Contains(number)));
        }).Check(Many);

    [Fact]
    public void A_set_survives_json() =>
        Prop.ForAll(Steps().ToArbitrary(), steps =>
        {
            var (set, _) = Play(steps);
            return JsonSerializer.Deserialize<RangeSet>(JsonSerializer.Serialize(set))!.Equals(set);
        }).Check(Many);

    [Fact]
    public void As_json_it_is_an_array_of_pairs() =>
        Assert.Equal("[[0,5],[7,9]]", JsonSerializer.Serialize(RangeSet.Of([new ByteRange(7, 9), new ByteRange(0, 3), new ByteRange(3, 5)])));

    [Theory]
    [InlineData("{}")]
    [InlineData("[1,2]")]
    [InlineData("[[1]]")]
    [InlineData("[[2,1]]")]
    [InlineData("[[1,1]]")]
    [InlineData("[[-1,1]]")]
    [InlineData("[[0,1,2]]")]
    [InlineData("[[0,1.5]]")]
    [InlineData("[[0,9223372036854775808]]")]
    public void Other_json_is_refused(string json) => Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<RangeSet>(json));

    [Fact]
    public void A_range_that_ends_before_it_begins_is_a_bug() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => RangeSet.Empty.Add(new ByteRange(2, 1)));

    private static (RangeSet Set, HashSet<int> Model) Play(IEnumerable<(bool Adds, ByteRange Range)> steps)
    {
        var set = RangeSet.Empty;
        var model = new HashSet<int>();
        foreach (var (adds, range) in steps)
        {
            var numbers = Enumerable.Range((int)range.From, (int)range.Length);
            if (adds)
            {
                set = set.Add(range);
                model.UnionWith(numbers);
            }
            else
            {
                set = set.Remove(range);
                model.ExceptWith(numbers);
            }
        }
        return (set, model);
    }

    private static IEnumerable<int> BytesOf(RangeSet set) => set.SelectMany(range => Enumerable.Range((int)range.From, (int)range.Length));

    private static Gen<ByteRange> Range() =>
        from start in Gen.Choose(0, Bytes - 1)
        from length in Gen.Choose(0, 8)
        select new ByteRange(start, Math.Min(Bytes, start + length));

    private static Gen<(bool Adds, ByteRange Range)[]> Steps() =>
        (from adds in Gen.Frequency((3, Gen.Constant(true)), (1, Gen.Constant(false)))
         from range in Range()
         select (adds, range)).ArrayOf();
}
