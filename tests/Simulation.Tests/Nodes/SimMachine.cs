using Backhaul.Simulation.Tests.Runs;
using Backhaul.Simulation.Tests.Store;

namespace Backhaul.Simulation.Tests.Nodes;

/// <summary>A machine: an address, a line to the database, clocks, and at most one process that is a node. It outlives its processes.</summary>
internal sealed class SimMachine(SimWorld world, int index, SimRandom random)
{
    private int _starts;

    public string Name { get; } = $"n{index + 1}";

    public string Address { get; } = $"http://n{index + 1}.sim:5090";

    public SimLine Line { get; } = new();

    public double Rate { get; set; } = 1;

    public TimeSpan WallSkew { get; set; } = world.Plan.ClocksAgree ? random.Seconds(-0.2, 0.2) : random.Seconds(-300, 300);

    /// <summary>The node that runs here; null between two processes.</summary>
    public SimNode? Node { get; private set; }

    /// <summary>It is to run again.</summary>
    public bool IsWanted { get; private set; }

    public bool IsUp => Node is not null;

    public void Start()
    {
        IsWanted = true;
        if (Node is not null)
            return;
        var process = world.Processes.NewProcess(Name, Rate, WallSkew);
        world.Trace.Line(Name, "starts");
        Node = new SimNode(world, this, process, new SimRandom(world.Plan.Seed, $"{Name}.{++_starts}"));
        Node.Start();
    }

    /// <summary>The process is gone in this moment, and with it everything it had begun.</summary>
    public void Crash(string why)
    {
        if (Node is not { } node)
            return;
        world.Trace.Line(Name, $"dies: {why}");
        world.Oracle.Disturbed();
        Node = null;
        node.Process.Kill();
    }

    /// <summary>As <see cref="Crash"/>, and whatever supervises it starts it again after a while.</summary>
    public void CrashAndRestart(string why, TimeSpan after)
    {
        Crash(why);
        StartLater(after);
    }

    public void StartLater(TimeSpan after)
    {
        IsWanted = true;
        world.Later(after, () =>
        {
            if (IsWanted && Node is null)
                Start();
        });
    }

    /// <summary>SIGTERM: an orderly end.</summary>
    public void Drain(TimeSpan restartAfter)
    {
        if (Node is not { IsDraining: false } node)
            return;
        world.Trace.Line(Name, "drains");
        world.Oracle.Disturbed();
        node.Drain(() => CrashAndRestart("drained", restartAfter));
        world.Later(TimeSpan.FromSeconds(75), () =>
        {
            if (ReferenceEquals(Node, node))
                CrashAndRestart("killed after the grace period", restartAfter);
        });
    }
}
