using Backhaul.Simulation.Tests.Nodes;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Faults;

/// <summary>
/// What goes wrong, and when: at random moments one of the plan's kinds of fault begins, and most end by themselves after a while. Several
/// may be under way at once. At <see cref="HealAll"/> no more begin and everything that is broken is mended.
/// </summary>
internal sealed class SimFaults(SimWorld world, SimRandom random)
{
    private bool _over;

    public void Begin()
    {
        if (world.Plan.FaultEvery is not null)
            Next();
    }

    public void HealAll()
    {
        _over = true;
        world.Oracle.Disturbed();
        world.Store.ComeUp();
        world.Store.SlowCommits = 0;
        world.Network.Heal();
        (world.Origin.Trouble, world.Origin.Changes) = (0, 0);
        world.Receiver.Trouble = 0;
        foreach (var machine in world.Machines)
        {
            machine.Line.Heal();
            machine.Node?.Wake();
            if (machine.Node is { } node)
                node.Runner.VolumeHangs = TimeSpan.Zero;
            else
                machine.StartLater(random.Seconds(0, 2));
        }
    }

    private void Next()
    {
        var mean = world.Plan.FaultEvery!.Value.TotalSeconds;
        world.Later(random.Seconds(mean * 0.1, mean * 1.9), () =>
        {
            if (_over)
                return;
            world.Oracle.Disturbed();
            world.Oracle.Statistics.Faults++;
            Strike(random.Pick(world.Plan.Faults));
            Next();
        });
    }

    private void Strike(SimFaultKind kind)
    {
        var machine = random.Pick(world.Machines);
        switch (kind)
        {
            case SimFaultKind.Crash:
                Say(kind, machine.Name);
                machine.CrashAndRestart("crash", random.Seconds(0.5, random.Chance(0.3) ? 60 : 5));
                break;
            case SimFaultKind.Pause or SimFaultKind.Sleep:
                StandStill(machine, kind);
                break;
            case SimFaultKind.Drain:
                machine.Drain(random.Seconds(0.5, 10));
                break;
            case SimFaultKind.PeersCut:
                CutPeers(machine);
                break;
            case SimFaultKind.StoreCut:
                CutStore(machine);
                break;
            case SimFaultKind.ClockRate:
                SetRate(machine);
                break;
            case SimFaultKind.WallJump:
                var by = random.Seconds(-30, 30);
                Say(kind, $"{machine.Name} by {by.TotalSeconds:0.0} s");
                machine.WallSkew += by;
                machine.Node?.Process.Clock.JumpWall(by);
                break;
            case SimFaultKind.VolumeHangs:
                HangVolume(machine);
                break;
            default:
                StrikeAll(kind, machine);
                break;
        }
    }

    private void StrikeAll(SimFaultKind kind, SimMachine machine)
    {
        switch (kind)
        {
            case SimFaultKind.StoreTrouble:
                For(kind, random.Seconds(2, 40), machine.Name, () => machine.Line.Trouble = 0.02 + (random.NextUnit() * 0.4), () => machine.Line.Trouble = 0);
                break;
            case SimFaultKind.StoreSlow:
                For(kind, random.Seconds(2, 40), machine.Name, () => machine.Line.Slowness = random.Milliseconds(20, 2500), () => machine.Line.Slowness = TimeSpan.Zero);
                break;
            case SimFaultKind.CommitsSlow:
                For(kind, random.Seconds(2, 30), "", () => world.Store.SlowCommits = random.NextUnit() * 0.3, () => world.Store.SlowCommits = 0);
                break;
            case SimFaultKind.StoreDown:
                For(kind, random.Seconds(0.2, random.Chance(0.3) ? 60 : 5), "", world.Store.GoDown, world.Store.ComeUp);
                break;
            case SimFaultKind.StoreRestored:
                world.Store.RememberReplica();
                For(kind, random.Seconds(1, 20), "", () => { }, RestoreStore);
                break;
            case SimFaultKind.NetworkTrouble:
                For(kind, random.Seconds(2, 40), "", () => (world.Network.Trouble, world.Network.Slowness) = (random.NextUnit() * 0.3, random.Milliseconds(0, 300)),
                    () => (world.Network.Trouble, world.Network.Slowness) = (0, TimeSpan.Zero));
                break;
            case SimFaultKind.SignalsLost:
                For(kind, random.Seconds(5, 60), machine.Name, () => machine.Line.SignalsLost = random.Chance(0.5) ? 1 : 0.3, () => machine.Line.SignalsLost = 0);
                break;
            case SimFaultKind.ReceiverTrouble:
                For(kind, random.Seconds(5, 90), "", () => world.Receiver.Trouble = 0.2 + (random.NextUnit() * 0.8), () => world.Receiver.Trouble = Delivery.SimReceiver.UsualTrouble);
                break;
            case SimFaultKind.OriginTrouble:
                For(kind, random.Seconds(5, 60), "", () => (world.Origin.Trouble, world.Origin.Changes) = (random.NextUnit() * 0.2, random.NextUnit() * 0.3),
                    () => (world.Origin.Trouble, world.Origin.Changes) = (0, 0));
                break;
        }
    }

    private void StandStill(SimMachine machine, SimFaultKind kind)
    {
        if (machine.Node is not { Process.IsFrozen: false } node)
            return;
        For(kind, random.Seconds(0.1, random.Chance(0.5) ? 40 : 5), machine.Name, kind == SimFaultKind.Pause ? node.Pause : node.Sleep, node.Wake);
    }

    private void CutStore(SimMachine machine)
    {
        var (there, back) = random.Next(3) switch { 0 => (true, false), 1 => (false, true), _ => (true, true) };
        For(SimFaultKind.StoreCut, random.Seconds(1, random.Chance(0.4) ? 60 : 10), $"{machine.Name} {(there ? "there " : "")}{(back ? "back" : "")}",
            () => (machine.Line.ToStoreCut, machine.Line.FromStoreCut) = (there, back),
            () => (machine.Line.ToStoreCut, machine.Line.FromStoreCut) = (false, false));
    }

    private void CutPeers(SimMachine machine)
    {
        var other = random.Pick(world.Machines);
        var bothWays = random.Chance(0.5);
        For(SimFaultKind.PeersCut, random.Seconds(1, 40), $"{machine.Name} {(bothWays ? "↔" : "→")} {other.Name}",
            () =>
            {
                world.Network.Cut(machine.Address, other.Address);
                if (bothWays)
                    world.Network.Cut(other.Address, machine.Address);
            },
            () =>
            {
                world.Network.Mend(machine.Address, other.Address);
                world.Network.Mend(other.Address, machine.Address);
            });
    }

    private void SetRate(SimMachine machine)
    {
        var rate = 0.95 + (random.NextUnit() * 0.1);
        Say(SimFaultKind.ClockRate, $"{machine.Name} {rate:0.000}");
        machine.Rate = rate;
        machine.Node?.Process.Clock.SetRate(rate);
    }

    private void HangVolume(SimMachine machine)
    {
        if (machine.Node is not { } node)
            return;
        For(SimFaultKind.VolumeHangs, random.Seconds(1, 20), machine.Name, () => node.Runner.VolumeHangs = random.Chance(0.5) ? random.Seconds(1, 12) : random.Seconds(12, 40), () => node.Runner.VolumeHangs = TimeSpan.Zero);
    }

    private void RestoreStore()
    {
        if (_over)
            return; // everything is healed, and stays as it is
        if (world.Store.PromoteReplica())
            world.Volume.OnStoreRestored();
    }

    private void For(SimFaultKind kind, TimeSpan howLong, string where, Action begin, Action end)
    {
        Say(kind, $"{where} for {howLong.TotalSeconds:0.0} s");
        begin();
        world.Later(howLong, () =>
        {
            world.Trace.Line("fault", $"{kind} {where} ends");
            world.Oracle.Disturbed();
            end();
        });
    }

    private void Say(SimFaultKind kind, string what) => world.Trace.Line("fault", $"{kind} {what}");
}
