using Xunit;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>The whole table with the process killed in the middle: one node for all rows, killed once, and each row waits for its own task.</summary>
public sealed class KilledFaultTests(KilledLives lives) : IClassFixture<KilledLives>
{
    public static TheoryData<string> Rows() => [.. KilledLives.Rows.Select(row => row.Name)];

    [Theory]
    [MemberData(nameof(Rows))]
    public Task Every_fault_after_a_kill_ends_in_the_right_file_or_in_none(string name) =>
        lives.CheckAsync(FaultRows.All.Single(row => row.Name == name));
}
