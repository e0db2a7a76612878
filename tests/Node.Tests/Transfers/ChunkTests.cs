using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Downloads;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

public sealed class ChunkTests
{
    private const int Max = 1024 * 1024;
    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan NowAndThen = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Hardly = TimeSpan.FromSeconds(2);

    [Theory]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(65_536)]
    [InlineData(1_000_000)]
    public void A_buffer_begins_at_a_page_and_holds_what_was_asked_for(int bytes)
    {
        var chunk = ChunkPool.Rent(bytes);
        Assert.Equal(0, ChunkPool.AddressOf(chunk.Span) & (ChunkPool.Alignment - 1));
        Assert.True(chunk.Length >= bytes);
        ChunkPool.Return(chunk);
    }

    [Fact]
    public void Two_that_are_out_at_once_never_share_a_byte()
    {
        var first = ChunkPool.Rent(8192);
        var second = ChunkPool.Rent(8192);
        first.Span.Fill(1);
        second.Span.Fill(2);
        Assert.Equal(-1, first.Span.IndexOfAnyExcept((byte)1));
        ChunkPool.Return(first);
        ChunkPool.Return(second);
    }

    [Fact]
    public void When_the_large_ones_are_all_out_a_small_one_is_had_until_one_comes_back()
    {
        var all = Enumerable.Range(0, 200).Select(_ => ChunkPool.Rent(Max)).ToList();
        Assert.Contains(all, chunk => chunk.Length == Max);
        Assert.InRange(all.Sum(chunk => (long)chunk.Length), 0, (32 + 8) * (long)Max);
        foreach (var chunk in all)
            ChunkPool.Return(chunk);
        var again = ChunkPool.Rent(Max);
        Assert.Equal(Max, again.Length);
        ChunkPool.Return(again);
        var other = ChunkPool.Rent(Max / 4);
        Assert.Equal(Max / 4, other.Length);
        ChunkPool.Return(other);
    }

    [Fact]
    public void A_quick_peer_has_the_largest_buffer_after_a_few_and_a_slow_one_keeps_the_smallest()
    {
        var (quick, slow) = (ChunkSize.First, ChunkSize.First);
        for (var i = 0; i < 3; i++)
            (quick, slow) = (ChunkSize.Next(quick, AtOnce, Max), ChunkSize.Next(slow, Hardly, Max));
        Assert.Equal((Max, ChunkSize.First), (quick, slow));
    }

    [Fact]
    public void A_peer_that_became_slow_gives_memory_back_and_one_in_between_keeps_what_it_has()
    {
        Assert.Equal(Max, ChunkSize.Next(Max, NowAndThen, Max));
        Assert.Equal(Max / 4, ChunkSize.Next(Max, Hardly, Max));
    }

    [Fact]
    public void A_size_that_an_operator_chose_is_never_exceeded()
    {
        Assert.Equal(8192, ChunkSize.Next(8192, AtOnce, 8192));
        Assert.Equal(8192, ChunkSize.Next(8192, Hardly, 8192));
    }
}
