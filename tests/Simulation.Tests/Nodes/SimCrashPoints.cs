using Backhaul.Node.Files;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Nodes;

/// <summary>The moments between doing something and writing it down: in runs that know crashes, the process sometimes dies in one of them.</summary>
internal sealed class SimCrashPoints(SimMachine machine, SimPlan plan, SimRandom random, Func<bool> isHealed) : ICrashPoints
{
    private const double Deaths = 0.004;

    public void Reach(string name)
    {
        if (plan.Faults.Contains(SimFaultKind.Crash) && !isHealed() && random.Chance(Deaths))
            machine.CrashAndRestart($"at {name}", random.Seconds(0.5, 5));
    }
}
