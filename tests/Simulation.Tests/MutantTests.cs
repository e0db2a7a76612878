using System.Diagnostics;
using Backhaul.Simulation.Tests.Runs;
using Xunit;

namespace Backhaul.Simulation.Tests;

/// <summary>The simulation is itself tested: with one rule of the product switched off, it must find a broken promise within 200 seeds.</summary>
public sealed class MutantTests
{
    private const int SeedsMax = 200;

    [Fact]
    public void Without_the_fence_two_owners_write() => AssertCaught("no fence", new SimRules { FenceIsOff = true }, "I1", "I2");

    [Fact]
    public void A_node_that_believes_in_its_lease_for_ever_acts_beside_its_heir() =>
        AssertCaught("endless trust", new SimRules { TrustIsForEver = true }, "I4", "I6");

    [Fact]
    public void Without_the_attempts_number_late_reports_are_taken_for_the_present_attempt() =>
        AssertCaught("no attempt fence", new SimRules { AttemptFenceIsOff = true }, "T1", "T2", "F1", "F2");

    [Fact]
    public void Without_the_ledger_repeated_commands_are_executed_again() => AssertCaught("no ledger", new SimRules { LedgerIsOff = true }, "I3");

    [Fact]
    public void A_view_that_is_only_read_when_the_store_calls_leaves_shards_without_a_node() =>
        AssertCaught("no polling", new SimRules { PollingIsOff = true }, "I8");

    private static void AssertCaught(string name, SimRules rules, params string[] numbers)
    {
        var watch = Stopwatch.StartNew();
        var runs = SeedSweep.Run(Enumerable.Range(1, SeedsMax).Select(static seed => (long)seed), rules, IsCaught);
        var caught = runs.FirstOrDefault(IsCaught);
        Console.WriteLine($"[seed] mutant ({name}): after {runs.Count} seeds and {watch.Elapsed.TotalSeconds:0.0} s: {caught?.Failure?.Message}");
        var others = runs.Where(run => run.Failure is not null && !IsCaught(run)).Take(3).Select(run => $"{run.Seed}: {run.Failure!.Message}");
        Assert.True(caught is not null, $"{SeedsMax} seeds run as if nothing was missing: {name}. {string.Join(' ', others)}");

        bool IsCaught(SeedRun run) => run.Failure is InvariantBrokenException broken && numbers.Contains(broken.Number);
    }
}
