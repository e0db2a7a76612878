using Backhaul.Node.Delivery;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Delivery;
using Backhaul.Simulation.Tests.Faults;
using Backhaul.Simulation.Tests.Files;
using Backhaul.Simulation.Tests.Invariants;
using Backhaul.Simulation.Tests.Network;
using Backhaul.Simulation.Tests.Nodes;
using Backhaul.Simulation.Tests.Store;
using Backhaul.Simulation.Tests.Workload;
using Backhaul.World;

namespace Backhaul.Simulation.Tests.Runs;

/// <summary>
/// A whole cluster from one seed: machines with nodes, the database, the network, origins and the shared volume, clients, and what goes
/// wrong. <see cref="Run"/> is all of it; what it did is in <see cref="Trace"/> and <see cref="Oracle"/>.
/// </summary>
internal sealed class SimWorld : ISimEdge
{
    private static readonly TimeSpan WatchEvery = TimeSpan.FromMilliseconds(500);

    private readonly VirtualProcess _outside;
    private readonly SimFaults _faults;
    private readonly List<SimClient> _clients = [];

    public SimWorld(SimPlan plan, bool keepsText = false)
    {
        (Plan, KeepsText) = (plan, keepsText);
        InvariantBrokenException.Begin();
        Processes = new ProcessWorld(SimRandom.Mix(plan.Seed, "choice"))
        {
            Disorder = plan.Disorder,
            AfterStep = static _ => InvariantBrokenException.ThrowIfAny(),
        };
        Random = new SimRandom(plan.Seed, "world");
        Trace = new SimTrace(() => Processes.Elapsed, keepsText);
        Options = new SimOptions(plan);
        Oracle = new Oracle(Trace, () => Processes.Elapsed, Options.Sessions);
        _outside = Processes.NewProcess("outside");
        Store = new SimStore(Processes, new SimRandom(plan.Seed, "store"), Trace, Oracle, plan.Rules);
        Network = new SimNetwork(Processes, new SimRandom(plan.Seed, "network"), Oracle.Statistics);
        Volume = new SimVolume(Trace);
        Receiver = new SimReceiver(Processes.NewProcess("receivers"), new SimRandom(plan.Seed, "receivers"), Oracle, Trace) { Launched = Launch };
        Oracle.Webhooks.Launches.ClocksAgree = plan.ClocksAgree;
        Origin = new SimOrigin(new SimRandom(plan.Seed, "origin"));
        Machines = [.. Enumerable.Range(0, plan.Nodes).Select(index => new SimMachine(this, index, Random))];
        Oracle.Watch(Store.Journal.Tables, Volume, () => Machines.Select(machine => machine.Node).OfType<SimNode>());
        _faults = new SimFaults(this, new SimRandom(plan.Seed, "faults"));
        MakeClients();
    }

    public SimPlan Plan { get; }

    public SimOptions Options { get; }

    public ProcessWorld Processes { get; }

    public SimRandom Random { get; }

    public SimTrace Trace { get; }

    public Oracle Oracle { get; }

    public SimStore Store { get; }

    public SimNetwork Network { get; }

    public SimVolume Volume { get; }

    public SimReceiver Receiver { get; }

    public SimOrigin Origin { get; }

    public IReadOnlyList<SimMachine> Machines { get; }

    public bool KeepsText { get; }

    /// <summary>Nothing goes wrong any more.</summary>
    public bool IsHealed { get; set; }

    public TimeSpan Now => Processes.Elapsed;

    public TimeProvider OutsideClock => _outside.Clock;

    public void Outside(Func<Task> body) => _outside.Start(body);

    /// <summary>Does something at a later moment, outside of every process.</summary>
    public void Later(TimeSpan after, Action what) => _outside.Clock.CreateTimer(_ => what(), null, after > TimeSpan.Zero ? after : TimeSpan.FromTicks(1), Timeout.InfiniteTimeSpan);

    /// <summary>The node that the row of the session's shard names, if it runs.</summary>
    public SimNode? OwnerOf(SessionKey session)
    {
        var row = Store.Journal.Tables.Shards[ShardMap.ShardOf(session, Options.Sharding.ShardCount)];
        return Machines.FirstOrDefault(machine => machine.Node?.Id == row.Owner)?.Node;
    }

    public void Run()
    {
        Trace.Line("plan", Plan.ToString());
        foreach (var machine in Machines)
            Later(Random.Seconds(0, 5), machine.Start);
        foreach (var client in _clients)
            _outside.Start(client.RunAsync);
        _faults.Begin();
        Watch();
        Processes.RunUntil(Plan.Busy);
        if (Plan.IsLiveness)
            new SimRecovery(this, _faults, _clients).Run();
        Oracle.CheckTrust();
        Oracle.CheckAllAcknowledged();
        Oracle.CheckStore();
        Oracle.CheckNotifications();
        Volume.CheckAllUnchanged();
        (Oracle.Statistics.Webhooks, Oracle.Statistics.Launches) = (Oracle.Webhooks.Sent, Oracle.Webhooks.Launches.Arrived);
        (Oracle.Statistics.Questions, Oracle.Statistics.Answers) = (Oracle.Questions.Asked, Oracle.Questions.Answered);
        (Oracle.Statistics.Notified, Oracle.Statistics.Sets, Oracle.Statistics.Warnings) = (Oracle.Webhooks.Notifications.Told, Oracle.Sets.Fired, Oracle.Deadlines.Warnings);
        Oracle.Statistics.Replays = Oracle.Webhooks.Replays;
        Trace.Line("end", Oracle.Statistics.ToString());
    }

    /// <summary>Runs a client's request through some node; in the clients' process.</summary>
    public async Task<CommandReply?> AskAsync(SessionKey session, SessionCommand command, CommandKey? key, TimeSpan patience)
    {
        var machine = Random.Pick(Machines);
        var reply = new TaskCompletionSource<CommandReply?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var limit = _outside.Clock.CreateTimer(
            static state => ((TaskCompletionSource<CommandReply?>)state!).TrySetResult(null), reply, patience, Timeout.InfiniteTimeSpan);
        var times = key is not null && Random.Chance(Network.Trouble / 4) ? 2 : 1;
        for (var copy = 0; copy < times; copy++)
            CarryThere(machine, session, command, key, patience, reply);
        return await reply.Task;
    }

    public SimStream? Attach(SessionKey session, long after, Action<EventView> saw, Action<Problem> wasRefused, TimeSpan slowness)
    {
        var machine = Random.Pick(Machines);
        if (machine.Node is not { } node || Random.Chance(Network.Trouble))
            return null;
        var stream = new SimStream(node.Process, _outside, Network.TravelTime, Random) { Saw = saw, WasRefused = wasRefused, Slowness = slowness };
        node.Process.Start(() => node.StreamAsync(session, after, stream));
        return stream;
    }

    public async Task<EventReading?> PollAsync(SessionKey session, long after, TimeSpan wait)
    {
        var machine = Random.Pick(Machines);
        await Task.Delay(Network.TravelTime(), _outside.Clock);
        if (machine.Node is not { } node || Random.Chance(Network.Trouble))
            return null;
        var reply = new TaskCompletionSource<EventReading?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var limit = _outside.Clock.CreateTimer(
            static state => ((TaskCompletionSource<EventReading?>)state!).TrySetResult(null), reply, wait + TimeSpan.FromSeconds(35), Timeout.InfiniteTimeSpan);
        node.Process.Start(async () => reply.TrySetResult(await node.PollAsync(session, after, wait)));
        return await reply.Task;
    }

    private void Launch(SessionKey session, long launch) => Later(Network.TravelTime(), () =>
    {
        foreach (var client in _clients)
        {
            if (client.TryLaunch(session, launch))
                return;
        }
    });

    private void CarryThere(
        SimMachine machine, SessionKey session, SessionCommand command, CommandKey? key, TimeSpan patience, TaskCompletionSource<CommandReply?> reply) =>
        Later(Network.TravelTime(), () =>
        {
            if (machine.Node is not { } node || Random.Chance(Network.Trouble))
            {
                if (Random.Chance(0.5))
                    Later(Network.TravelTime(), () => reply.TrySetResult(null));
                return;
            }
            var answered = new TaskCompletionSource<CommandReply>(TaskCreationOptions.RunContinuationsAsynchronously);
            node.Process.Start(async () => answered.TrySetResult(await node.AskAsync(session, command, key, patience * 0.8)));
            _outside.Start(async () =>
            {
                var answer = await answered.Task;
                await Task.Delay(Network.TravelTime(), _outside.Clock);
                if (!Random.Chance(Network.Trouble))
                    reply.TrySetResult(answer);
            });
        });

    private void MakeClients()
    {
        var sessions = Enumerable.Range(0, Plan.Sessions).Select(index => SessionKey.Parse($"acme/s{index}")).ToList();
        for (var index = 0; index < Plan.Clients; index++)
        {
            var own = sessions.Where((_, at) => at % Plan.Clients == index).ToList();
            if (own.Count > 0)
                _clients.Add(new SimClient($"c{index + 1}", own, this, _outside, new SimRandom(Plan.Seed, $"client {index}"), Oracle, Trace, Plan.Pace));
        }
    }

    private void Watch() => Later(WatchEvery, () =>
    {
        Oracle.CheckTrust();
        Oracle.CheckQueues();
        Watch();
    });
}
