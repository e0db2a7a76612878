namespace Backhaul.Simulation.Tests.Runs;

/// <summary>How a seed's run ended.</summary>
/// <param name="Seed">Which.</param>
/// <param name="Hash">Of its trace: the same seed gives the same.</param>
/// <param name="Failure">Null: nothing was broken.</param>
/// <param name="Statistics">What it did.</param>
/// <param name="VirtualTime">How long it was inside.</param>
/// <param name="Steps">Continuations that ran.</param>
internal sealed record SeedRun(long Seed, string Hash, Exception? Failure, SimStatistics Statistics, TimeSpan VirtualTime, long Steps)
{
    /// <summary>Runs a seed on this thread.</summary>
    public static SeedRun Of(long seed, SimRules? rules = null) => Run(seed, rules, keepsText: false).Run;

    /// <summary>Runs it once more, keeps its trace in a file, and says in a few lines what happened and how to repeat it.</summary>
    public static string Explain(long seed, SimRules? rules = null)
    {
        var (run, text) = Run(seed, rules, keepsText: true);
        var file = Path.Combine(Path.GetTempPath(), $"backhaul-sim-{seed}.txt");
        File.WriteAllText(file, $"{text}\n{run.Failure}\n");
        return $"Seed {seed} (hash {run.Hash}): {run.Failure?.Message ?? "holds, the second time"}\n"
            + $"  plan:   {SimPlan.Of(seed, rules)}\n"
            + $"  trace:  {file}\n"
            + $"  repeat: BACKHAUL_SIM_SEED={seed} dotnet tests/Simulation.Tests/bin/Release/net10.0/Backhaul.Simulation.Tests.dll -class {typeof(SeedTests).FullName}";
    }

    private static (SeedRun Run, string Text) Run(long seed, SimRules? rules, bool keepsText)
    {
        var world = new SimWorld(SimPlan.Of(seed, rules), keepsText);
        Exception? failure = null;
        try
        {
            world.Run();
        }
        catch (Exception broken)
        {
            failure = broken;
            world.Trace.Line("broken", broken.Message);
        }
        return (new SeedRun(seed, world.Trace.Hash, failure, world.Oracle.Statistics, world.Now, world.Processes.Steps), world.Trace.Text);
    }
}
