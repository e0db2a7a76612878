using Backhaul.Node.Actors;
using Backhaul.Node.Api;
using Backhaul.Node.Delivery;
using Backhaul.Node.Delivery.Webhooks;
using Backhaul.Node.Egress;
using Backhaul.Node.Journal;
using Backhaul.Node.Routing;
using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Node.Sharding;
using Backhaul.Node.Sharding.Membership;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Conditions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Delivery;
using Backhaul.Simulation.Tests.Files;
using Backhaul.Simulation.Tests.Invariants;
using Backhaul.Simulation.Tests.Network;
using Backhaul.Simulation.Tests.Runs;
using Backhaul.World;
using Microsoft.Extensions.Logging;

namespace Backhaul.Simulation.Tests.Nodes;

/// <summary>
/// One process of the product: what NodeComposition makes, from the lease to the session's actor, on simulated edges. Made for one incarnation;
/// its end is the end of its <see cref="VirtualProcess"/>.
/// </summary>
internal sealed class SimNode : IWatchedNode, INodeExit
{
    private static readonly TimeSpan ExcusedAfterSleep = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AnswerLate = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AppendLate = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan FrozenCountsFor = TimeSpan.FromSeconds(90);

    private readonly SimWorld _world;
    private readonly SimMachine _machine;
    private readonly NodeShards _shards;
    private readonly IOwnership _ownership;
    private readonly JournalWriter _journal;
    private readonly ActorSystem _system;
    private readonly CommandRouter _router;
    private readonly NodeReadiness _readiness = new();
    private readonly SimEvents _events;
    private readonly LinkedList<OpenCommand> _commands = new();
    private TimeSpan _awakeAt = TimeSpan.MinValue;
    private TimeSpan _ranAt = TimeSpan.MinValue;

    public SimNode(SimWorld world, SimMachine machine, VirtualProcess process, SimRandom random)
    {
        (_world, _machine, Process) = (world, machine, process);
        Id = new NodeId(random.Next());
        var (options, time) = (world.Options, process.Clock);
        var loggers = new SimLoggers(world.Trace, machine.Name, world.KeepsText);
        var store = world.Store.Connect(process, machine.Name, machine.Line);
        Slots = new TransferSlots(options.Transfers, time);
        var slots = MutantSlots.Of(Slots, world.Plan.Rules);
        var feed = new SessionFeed(options.Delivery);
        var sender = new WebhookSender(
            new OutboundClients(
                options.Egress, new SystemNameResolver(), time, loggers.CreateLogger<OutboundClients>(), options.Secrets,
                invokers: _ => new HttpMessageInvoker(new SimReceiverWire(world.Receiver, world.Network))),
            options.Secrets, new SecretBox([]), options.Delivery, time);
        Runner = new SimRunner(world.Volume, world.Origin, process, this, world.Oracle, random, options);
        _system = new ActorSystem(time, random, loggers, process) { Options = new ActorOptions { ChildStopTimeout = options.Sharding.HandOff } };
        _journal = new JournalWriter(store, options.Journal, time, random, loggers.CreateLogger<JournalWriter>());
        var crashes = new SimCrashPoints(machine, world.Plan, random, () => world.IsHealed);
        SessionFactory sessions = (session, tenure) => MakeSession(new SessionEnvironment(
            session, tenure, _journal, store, Runner, slots, tenure, crashes,
            MutantFeed.Of(feed, world.Plan.Rules, time), world.Plan.Rules.TimeIsDoubled ? new DoubledTime(time) : time, random, options.Sessions, loggers)
        {
            Webhooks = new SimSender(sender, session, this, ShardMap.ShardOf(session, options.Sharding.ShardCount), world.Oracle, world.Plan.Rules, time),
            Conditions = new NodeConditions(machine.Name),
        });
        var cluster = new ClusterNode(new ClusterNodeParts
        {
            Node = Id,
            Identity = new NodeIdentity(machine.Name, machine.Address, "sim"),
            Founding = new ClusterFounding("sim", options.Sharding.ShardCount, world.Plan.Lease),
            Options = options.Sharding,
            System = _system,
            Journal = store,
            Store = store,
            LeaseStore = store,
            Signals = store,
            Exit = this,
            Sessions = sessions,
            Loggers = loggers,
            LeaseScheduler = process,
            LeaseTime = time,
        });
        (_shards, _ownership) = (cluster.Shards, cluster.Ownership);
        var views = cluster.Views;
        var owners = new OwnerDirectory(views, options.Routing, time, loggers.CreateLogger<OwnerDirectory>());
        var local = new LocalCommands(_shards, time);
        _router = new CommandRouter(
            local, options.Routing, time, random, loggers.CreateLogger<CommandRouter>(),
            new PeerRoutes(Id, owners, world.Network.PeersOf(process, machine.Address), random));
        var incoming = new IncomingCommands(local, owners, Id);
        var relays = new SimRelays(feed, local, owners, world.Network, process, machine.Address);
        feed.Watch = relays;
        world.Network.Listen(machine.Address, new SimListener(process, Id, incoming.ExecuteAsync, relays));
        _events = new SimEvents(new EventDelivery(feed, new SessionEvents(_router, options.Api), options.Delivery, _readiness, time, random), () => world.Now);
    }

    public string Name => _machine.Name;

    public NodeId Id { get; }

    public VirtualProcess Process { get; }

    public SimRunner Runner { get; }

    public TransferSlots Slots { get; }

    public bool IsDraining { get; private set; }

    public bool IsReady => _ownership.IsReady;

    public bool IsExcused => Process.IsFrozen ? _awakeAt == TimeSpan.MaxValue : _awakeAt != TimeSpan.MinValue && _world.Now - _awakeAt < ExcusedAfterSleep;

    public bool JustWoke => !Process.IsFrozen && IsExcused;

    public IReadOnlyList<ShardGrant> Acting => _shards.Grants;

    public TimeSpan? AttachedSince(SessionKey session) => _events.AttachedSince(session);

    public void Start() => Process.Start(async () =>
    {
        try
        {
            await _ownership.StartAsync(CancellationToken.None);
            _world.Trace.Line(Name, "has joined");
        }
        catch (JournalStoreException away)
        {
            _world.Trace.Line(Name, $"cannot start: {away.Message}");
            Exit("could not start");
        }
    });

    public void Drain(Action ended)
    {
        IsDraining = true;
        Process.Start(async () =>
        {
            _readiness.BeginDrain();
            await _ownership.DrainAsync(CancellationToken.None);
            await _journal.DrainAsync();
            _readiness.CloseStreams();
            _world.Later(TimeSpan.Zero, () =>
            {
                if (Process.IsAlive)
                    ended();
            });
        });
    }

    public void Pause()
    {
        _ranAt = _world.Now;
        Process.Pause();
    }

    public void Sleep()
    {
        _ranAt = _world.Now;
        _awakeAt = TimeSpan.MaxValue;
        Process.Sleep();
    }

    public void Wake()
    {
        if (_awakeAt == TimeSpan.MaxValue)
            _awakeAt = _world.Now;
        _ranAt = _world.Now;
        Process.Resume();
    }

    /// <summary>A client's request at this node's edge. In this process.</summary>
    public async Task<CommandReply> AskAsync(SessionKey session, SessionCommand command, CommandKey? key, TimeSpan deadline)
    {
        var open = _commands.AddLast(new OpenCommand(Process.Clock.GetTimestamp(), deadline, command.GetType().Name));
        try
        {
            return await _router.ExecuteAsync(session, command, key, deadline, CancellationToken.None);
        }
        finally
        {
            _commands.Remove(open);
        }
    }

    /// <summary>A client's stream at this node's edge, until either end is gone. In this process.</summary>
    public Task StreamAsync(SessionKey session, long after, SimStream stream) => _events.StreamAsync(session, after, stream);

    /// <summary>A page that waits for its first event, at this node's edge. In this process.</summary>
    public Task<EventReading> PollAsync(SessionKey session, long after, TimeSpan wait) => _events.PollAsync(session, after, wait);

    /// <summary>Declared dead by another: exit code 70.</summary>
    void INodeExit.Lost(string sentence)
    {
        _world.Trace.Line(Name, $"exits: {sentence}");
        Exit("code 70");
    }

    public (string Number, string What)? FindStuck()
    {
        if (Process.IsFrozen || (_ranAt != TimeSpan.MinValue && _world.Now - _ranAt < FrozenCountsFor))
            return null; // it had no chance to answer in time
        if (_journal.Queued > _world.Options.Journal.QueueMax * _world.Options.Journal.Writers)
            return ("I10", $"{_journal.Queued} appends are queued.");
        if (_journal.OldestUnanswered > AppendLate)
            return ("I7", $"an append has waited for {_journal.OldestUnanswered}.");
        foreach (var open in _commands)
        {
            if (Process.Clock.GetElapsedTime(open.Began) > open.Deadline + AnswerLate)
                return ("I7", $"{open.Name} has no answer {Process.Clock.GetElapsedTime(open.Began) - open.Deadline} after its deadline.");
        }
        return null;
    }

    private Actor<SessionMessage> MakeSession(SessionEnvironment environment) =>
        MutantActor.Of(new SessionActor(environment), environment.Session, _world.Plan.Rules, _world.Oracle);

    private void Exit(string why) => _world.Later(TimeSpan.Zero, () =>
    {
        if (ReferenceEquals(_machine.Node, this))
            _machine.CrashAndRestart(why, _world.Random.Seconds(1, 5));
    });

    private sealed record OpenCommand(long Began, TimeSpan Deadline, string Name);
}
