using Backhaul.Node.Sharding.Membership;
using Backhaul.Simulation.Tests.Faults;
using Backhaul.Simulation.Tests.Workload;

namespace Backhaul.Simulation.Tests.Runs;

/// <summary>
/// I8, the second half of a liveness run: faults stop, everything heals, and then the cluster must get somewhere by itself, each within its
/// time: all nodes in, all shards held, all that can end ended, all events read.
/// </summary>
internal sealed class SimRecovery(SimWorld world, SimFaults faults, IReadOnlyList<SimClient> clients)
{
    /// <summary>A node that was told to end may take so long, and comes back after it.</summary>
    private static readonly TimeSpan NodesWithin = TimeSpan.FromSeconds(100);

    private static readonly TimeSpan TasksWithin = TimeSpan.FromMinutes(20);

    /// <summary>A stream that broke with its node is opened anew at once; an owner that moved is found within a few seconds.</summary>
    private static readonly TimeSpan StreamsWithin = TimeSpan.FromSeconds(60);

    /// <summary>Clients close what they had begun, and the last end of a set and its own are one turn.</summary>
    private static readonly TimeSpan FiredWithin = TimeSpan.FromSeconds(30);

    /// <summary>One that is under way to a receiver that never answers takes its time-out; the others have places beside it.</summary>
    private static readonly TimeSpan ToldWithin = TimeSpan.FromMinutes(3);

    /// <summary>Clients look what waits for them.</summary>
    private static readonly TimeSpan SettleEvery = TimeSpan.FromSeconds(4);

    private static readonly TimeSpan ClientsWithin = TimeSpan.FromMinutes(10);

    public void Run()
    {
        world.IsHealed = true;
        faults.HealAll();
        foreach (var client in clients)
            client.MustStop = true;
        Operate();
        world.Trace.Line("recovery", "everything is healed");
        Await("all nodes are in", NodesWithin, AllAreIn);
        Await("all shards are held", ShardsWithin, AllShardsAreHeld);
        Await("the clients' commands are decided", ClientsWithin, () => clients.All(client => client.IsDone));
        var starvation = new SimStarvation(world);
        starvation.Begin();
        var isOver = false;
        foreach (var client in clients)
        {
            world.Outside(async () =>
            {
                while (!isOver)
                {
                    await client.SettleAsync();
                    await Task.Delay(SettleEvery, world.OutsideClock);
                }
            });
        }
        Await("every task has ended", TasksWithin, () => FindUnended() is null);
        starvation.IsOver = true;
        world.Oracle.TaskAnswers.CheckCancelsEnded();
        Await("completion groups have fired", FiredWithin, () => world.Oracle.Sets.FindUnfired() is null, "G2");
        Await("ends of tasks are told that are due", ToldWithin, () => FindUntold() is null, "N3");
        Await("streams show everything", StreamsWithin, () => clients.All(client => client.FindBehind() is null));
        isOver = true;
        world.Oracle.CheckTrust();
        AwaitEvents();
    }

    /// <summary>
    /// The operator of the cluster: a shard that was taken over from the dead too often is left alone, with an alarm, until somebody lets it
    /// go on. Here the nodes died by chance and not of the shard, so somebody does.
    /// </summary>
    private void Operate() => world.Later(TimeSpan.FromSeconds(2), () =>
    {
        foreach (var (shard, row) in world.Store.Journal.Tables.Shards)
        {
            if (row.Takeovers > world.Options.Sharding.TakeoversMax)
                world.Store.Server.Start(async () => await world.Store.Cluster.ForgiveAsync(shard, CancellationToken.None));
        }
        Operate();
    });

    /// <summary>Lease + 2 ticks + settle, and a moment for the claims themselves.</summary>
    private TimeSpan ShardsWithin => world.Plan.Lease + (world.Plan.Lease / 5 * 2) + TimeSpan.FromSeconds(10) + TimeSpan.FromSeconds(10);

    private bool AllAreIn() => world.Machines.All(machine => machine.Node is { IsDraining: false, Process.IsFrozen: false });

    private bool AllShardsAreHeld()
    {
        var tables = world.Store.Journal.Tables;
        foreach (var (shard, row) in tables.Shards)
        {
            if (row.Owner is not { } owner || !tables.Members.TryGetValue(owner, out var member) || member.State != MemberState.Active)
                return false;
            if (world.Machines.FirstOrDefault(machine => machine.Node?.Id == owner)?.Node?.Acting.Any(grant => grant.ShardId == shard) != true)
                return false;
        }
        return true;
    }

    private string? FindUnended()
    {
        foreach (var journal in world.Oracle.Journals)
        {
            var session = journal.Fold;
            foreach (var task in session.Tasks.After(0))
                return $"{session.Key} {task.Id} is {task.Phase} {task.Reason}";
        }
        return null;
    }

    /// <summary>By the clock of whoever has to send it. Those that failed are tried again after minutes or hours: these are not waited for.</summary>
    private string? FindUntold()
    {
        foreach (var journal in world.Oracle.Journals)
        {
            if (journal.Fold.Notifications.NextDue is not { } due || world.OwnerOf(journal.Session) is not { } owner)
                continue;
            if (due <= owner.Process.Clock.GetUtcNow())
                return $"a notification of {journal.Session} is due since {due:o}";
        }
        return null;
    }

    private void AwaitEvents()
    {
        var done = false;
        var until = world.Now + ClientsWithin;
        world.Outside(async () =>
        {
            foreach (var client in clients)
            {
                while (!await client.DrainEventsAsync())
                    await Task.Delay(TimeSpan.FromMilliseconds(200), world.OutsideClock);
            }
            done = true;
        });
        world.Processes.RunUntil(until, () => done);
        if (!done)
            throw new InvariantBrokenException("I8", $"The clients cannot read all their events within {ClientsWithin}.");
    }

    private void Await(string what, TimeSpan within, Func<bool> isSo, string number = "I8")
    {
        var began = world.Now;
        world.Processes.RunUntil(began + within, isSo);
        if (!isSo())
            throw new InvariantBrokenException(number, $"Not within {within} after everything was healed: {what}. {Describe()}");
        world.Trace.Line("recovery", $"{what} after {world.Now - began}");
    }

    private string Describe()
    {
        var tables = world.Store.Journal.Tables;
        var shards = tables.Shards.Select(shard =>
            $"{shard.Key}:{world.Oracle.NameOf(shard.Value.Owner)}/e{shard.Value.Epoch}{(world.Machines.Any(machine => machine.Node is { } node && node.Id == shard.Value.Owner && node.Acting.Any(grant => grant.ShardId == shard.Key)) ? "" : "!")}");
        return $"Unended: {FindUnended() ?? "nothing"}. Unfired: {world.Oracle.Sets.FindUnfired() ?? "nothing"}. Untold: {FindUntold() ?? "nothing"}. Behind: {clients.Select(client => client.FindBehind()).FirstOrDefault(behind => behind is not null) ?? "nobody"}. Shards: {string.Join(' ', shards)}. Nodes: {string.Join(' ', world.Machines.Select(machine => machine.Node is { } node ? $"{node.Name}{(node.IsReady ? "" : " not ready")}" : $"{machine.Name} down"))}.";
    }
}
