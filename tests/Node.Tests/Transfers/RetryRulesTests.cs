using Backhaul.Node.Transfers;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

public sealed class RetryRulesTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("0", 0)]
    [InlineData("120", 120)]
    [InlineData(" 7 ", 7)]
    [InlineData("86400", 86400)]
    [InlineData("86401", 86400)]
    [InlineData("1000000000000", 86400)]
    [InlineData("99999999999999999999999999", 86400)]
    [InlineData("Sat, 21 Nov 2026 12:00:30 GMT", 30)]
    [InlineData("Saturday, 21-Nov-26 12:00:30 GMT", 30)]
    [InlineData("Sat Nov 21 12:00:30 2026", 30)]
    [InlineData("Sat, 21 Nov 2026 11:00:00 GMT", 0)]
    [InlineData("Mon, 21 Nov 2050 12:00:00 GMT", 86400)]
    public void Seconds_and_dates_are_understood_and_capped(string text, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), RetryAfterRules.Parse(text, Now));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("-5")]
    [InlineData("1.5")]
    [InlineData("soon")]
    [InlineData("+3")]
    [InlineData("10, 20")]
    [InlineData("Sat, 99 Nov 2026 12:00:30 GMT")]
    public void Nonsense_is_ignored(string? text) => Assert.Null(RetryAfterRules.Parse(text, Now));

    [Theory]
    [InlineData(200, true)]
    [InlineData(299, true)]
    [InlineData(404, true)]
    [InlineData(450, true)]
    [InlineData(499, true)]
    [InlineData(403, false)]
    [InlineData(500, false)]
    [InlineData(304, false)]
    public void Accepted_statuses_are_single_or_ranges(int status, bool accepted) =>
        Assert.Equal(accepted, StatusRules.IsAccepted(status, ["404", "450-499", "junk", "500-", "-500", "600-700", "501-500"]));

    [Fact]
    public void The_default_options_have_no_problems_and_bad_ones_are_named()
    {
        Assert.Empty(new TransferOptions().Problems());
        Assert.Equal(3, new TransferOptions { RunningMax = 0, ChunkBytes = 1, AnswerGrace = TimeSpan.FromMinutes(1) }.Problems().Count);
    }
}
