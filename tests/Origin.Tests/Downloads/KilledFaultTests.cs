using Xunit;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>The whole table with the process killed in the middle: one node for all rows, killed once, and each row waits for its own task.</summary>
public sealed class KilledFaultTests(KilledLives lives) : IClassFixture<KilledLives>
{
    public static TheoryData<string> Rows() => [.. KilledRows.All.Select(row => row.Name)];

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Every_fault_after_a_kill_ends_in_the_right_file_or_in_none(string name) =>
        lives.CheckAsync(KilledRows.All.Single(row => row.Name == name));

    [Fact]
    public void Every_row_is_killed_or_says_why_not() =>
        Assert.Equal(FaultRows.All.Select(row => row.Name).Order(StringComparer.Ordinal), KilledRows.All.Select(row => row.Name).Concat(KilledRows.WhyNot.Keys).Order(StringComparer.Ordinal));
}
