using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Backhaul.Simulation.Tests.Runs;
using Xunit;

namespace Backhaul.Simulation.Tests;

/// <summary>
/// The cluster under every fault that the plan of a seed asks for. <c>BACKHAUL_SIM_SEED=n</c> runs one seed and keeps its trace;
/// <c>BACKHAUL_SIM_SEEDS=n</c> says how many fresh ones; <c>BACKHAUL_SWEEP=long</c> means 2,000.
/// </summary>
public sealed class SeedTests
{
    private const int FixedSeeds = 200;

    private static string? Asked => Environment.GetEnvironmentVariable("BACKHAUL_SIM_SEED");

    [Fact]
    public void One_seed_that_was_asked_for_holds()
    {
        if (Asked is null)
            return;
        var run = SeedRun.Of(long.Parse(Asked, CultureInfo.InvariantCulture));
        var explained = SeedRun.Explain(run.Seed);
        Console.WriteLine($"[seed] {run.Statistics}, {run.VirtualTime} of virtual time, {run.Steps} steps\n{explained}");
        Assert.True(run.Failure is null, explained);
    }

    [Fact]
    public void The_fixed_seeds_hold() => AssertHold("fixed", Enumerable.Range(1, FixedSeeds).Select(static seed => (long)seed));

    [Fact]
    public void Fresh_seeds_hold()
    {
        var first = RandomNumberGenerator.GetInt32(1_000_000, int.MaxValue - 1_000_000);
        AssertHold("fresh", Enumerable.Range(first, FreshSeeds).Select(static seed => (long)seed));
    }

    [Fact]
    public void Seeds_that_failed_once_hold() => AssertHold("kept", KeptSeeds.All);

    [Fact]
    public void A_seed_run_twice_is_the_same_run()
    {
        foreach (var seed in new long[] { 3, 14, 15, 92, 65 })
            Assert.Equal(SeedRun.Of(seed).Hash, SeedRun.Of(seed).Hash);
    }

    private static int FreshSeeds =>
        Environment.GetEnvironmentVariable("BACKHAUL_SIM_SEEDS") is { } asked ? int.Parse(asked, CultureInfo.InvariantCulture)
        : Environment.GetEnvironmentVariable("BACKHAUL_SWEEP") == "long" ? 2000 : 100;

    private static void AssertHold(string name, IEnumerable<long> seeds)
    {
        if (Asked is not null)
            return; // one seed is meant
        var watch = Stopwatch.StartNew();
        var runs = SeedSweep.Run(seeds);
        var failed = runs.Where(run => run.Failure is not null).ToList();
        var sum = new SimStatistics();
        foreach (var run in runs)
            sum.Add(run.Statistics);
        var minutes = runs.Sum(run => run.VirtualTime.TotalMinutes);
        Console.WriteLine(
            $"[seed] {name}: {runs.Count} seeds{(name == "fresh" && runs.Count > 0 ? $" from {runs[0].Seed}" : "")}, {minutes:0} virtual minutes in {watch.Elapsed.TotalSeconds:0.0} s "
            + $"({minutes / watch.Elapsed.TotalSeconds:0} a second, {runs.Sum(run => run.Steps) / 1000:0} thousand steps): {sum}");
        foreach (var run in failed.Take(3))
            Console.WriteLine($"[seed] failed {SeedRun.Explain(run.Seed)}");
        foreach (var kind in failed.GroupBy(run => run.Failure is InvariantBrokenException broken ? broken.Number : run.Failure!.GetType().Name))
            Console.WriteLine($"[seed] {kind.Count()} × {kind.Key}: seeds {string.Join(' ', kind.Select(run => run.Seed).Take(12))}");
        Assert.True(failed.Count == 0, $"{failed.Count} of {runs.Count} {name} seeds failed; the first: {failed.FirstOrDefault()?.Seed}: {failed.FirstOrDefault()?.Failure}");
    }
}
