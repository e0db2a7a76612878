using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using Backhaul.Node.Actors;
using Backhaul.Node.Delivery;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Node.Routing;
using Backhaul.Node.Routing.Peers;
using Backhaul.Node.Sharding;
using Backhaul.Node.Sharding.Membership;
using Backhaul.Node.Tests.Sharding;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Backhaul.Node.Tests.Routing.Peers;

/// <summary>One node with real sockets on loopback: shards over the memory store, the nodes' edge, and the way to others.</summary>
internal sealed class PeerNode : IAsyncDisposable
{
    public static readonly byte[] ClusterSecret = SHA256.HashData("cluster"u8);
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly OwnerDirectory _owners;

    public PeerNode(PeerOptions? options = null, byte[]? secret = null)
    {
        Options = (options ?? new PeerOptions()) with { Url = "http://127.0.0.1:0" };
        Identity = new PeerIdentity(new NodeId(Guid.NewGuid()), () => OnSecret?.Invoke() ?? secret ?? ClusterSecret);
        var system = new ActorSystem(TimeProvider.System, new SystemRandom(), NullLoggerFactory.Instance, ActorScheduler.ThreadPool);
        var store = new MemoryJournalStore(TimeProvider.System);
        var sharding = new ShardingOptions { ShardCount = 1 };
        Shards = new NodeShards(
            system, store, (session, tenure) => new ScriptedSession(session, tenure, Script), new AlwaysTrusted(), Identity.Self, sharding, NullLoggerFactory.Instance);
        Ownership = new EmbeddedOwnership(Shards, store, new NoExit(), sharding, TimeProvider.System, NullLoggerFactory.Instance);
        Local = new LocalCommands(Shards, TimeProvider.System);
        _owners = new OwnerDirectory(Views, new RoutingOptions(), TimeProvider.System, NullLogger<OwnerDirectory>.Instance);
        Clients = new PeerClients(Options);
        Forwarder = new CommandForwarder(Clients, Identity, Options, TimeProvider.System);
        var admission = new PeerAdmission(Identity, NullLogger<PeerAdmission>.Instance);
        var incoming = new IncomingCommands(Local, _owners, Identity.Self);
        var delivery = new DeliveryOptions();
        Feed = new SessionFeed(delivery);
        Relays = new FeedRelays(Feed, Local, Identity, _owners, Clients, Options, TimeProvider.System, new SystemRandom(), NullLogger<FeedRelays>.Instance);
        Edge = new NodeEdge(
            Options, new PeerEndpoints(incoming, admission, Options, NullLogger<PeerEndpoints>.Instance),
            new FeedEndpoint(Feed, Local, incoming, admission, Readiness, delivery, Options, TimeProvider.System, NullLogger<FeedEndpoint>.Instance),
            new ConfigurationBuilder().Build(), NullLoggerFactory.Instance, _services.GetRequiredService<IMeterFactory>(), TimeProvider.System);
    }

    /// <summary>What the store would say, or throw.</summary>
    public Func<byte[]?>? OnSecret { get; set; }

    public SessionFeed Feed { get; }

    public FeedRelays Relays { get; }

    public NodeReadiness Readiness { get; } = new();

    public PeerOptions Options { get; }

    public PeerIdentity Identity { get; }

    public SessionScript Script { get; } = new();

    public FakeViews Views { get; } = new();

    public NodeShards Shards { get; }

    public EmbeddedOwnership Ownership { get; }

    public LocalCommands Local { get; }

    public PeerClients Clients { get; }

    public CommandForwarder Forwarder { get; }

    public NodeEdge Edge { get; }

    public string Address => Edge.Address!.ToString().TrimEnd('/');

    /// <summary>As another node thinks of this one.</summary>
    public Owner AsOwner(long epoch = 1) => new(0, epoch, Identity.Self, Address);

    public static async Task<PeerNode> StartAsync(PeerOptions? options = null, byte[]? secret = null, bool owns = true)
    {
        var node = new PeerNode(options, secret);
        await node.Edge.StartAsync(CancellationToken.None);
        await node.Relays.StartAsync(CancellationToken.None);
        if (owns)
            await node.Ownership.StartAsync(CancellationToken.None);
        return node;
    }

    public async ValueTask DisposeAsync()
    {
        await Relays.StopAsync(CancellationToken.None);
        Clients.Dispose();
        Readiness.CloseStreams();
        await Edge.StopAsync(CancellationToken.None);
        await Edge.DisposeAsync();
        await Ownership.DrainAsync(CancellationToken.None);
        _owners.Dispose();
        Relays.Dispose();
        Readiness.Dispose();
        await _services.DisposeAsync();
    }

    private sealed class NoExit : INodeExit
    {
        public void Lost(string sentence)
        {
        }
    }
}
