using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Sharding;

/// <summary>What the cluster's part of a node is made from: ports, and whatever else is different in production and in a simulation.</summary>
internal sealed record ClusterNodeParts
{
    public required NodeId Node { get; init; }
    public required NodeIdentity Identity { get; init; }
    public required ClusterFounding Founding { get; init; }
    public required ShardingOptions Options { get; init; }

    /// <summary>The times of the store that must fit between those of the lease.</summary>
    public TimeLadder Ladder { get; init; } = new();

    public required ActorSystem System { get; init; }
    public required IJournalStore Journal { get; init; }
    public required IClusterStore Store { get; init; }
    public required ILeaseStore LeaseStore { get; init; }
    public required IClusterSignals Signals { get; init; }
    public required INodeExit Exit { get; init; }
    public required SessionFactory Sessions { get; init; }
    public required ILoggerFactory Loggers { get; init; }

    /// <summary>Where the heartbeat runs, and its timers: shared with nothing else in production (<see cref="LeaseThread"/>).</summary>
    public required ActorScheduler LeaseScheduler { get; init; }

    public required TimeProvider LeaseTime { get; init; }

    /// <summary>Asked before the node joins, when the store is open; an exception ends the start.</summary>
    public Func<CancellationToken, ValueTask>? Admission { get; init; }
}

/// <summary>
/// The cluster's part of a node, put together: the one place that knows how. Hosting makes it from PostgreSQL and threads, the
/// simulation from memory and a seed.
/// </summary>
internal sealed class ClusterNode
{
    public ClusterNode(ClusterNodeParts parts)
    {
        var logger = parts.Loggers.CreateLogger("Backhaul.Node.Sharding");
        Lease = new LeaseKeeper(parts.LeaseStore, parts.Node, parts.Exit, parts.LeaseScheduler, parts.LeaseTime, parts.Loggers.CreateLogger<LeaseKeeper>());
        Shards = new NodeShards(parts.System, parts.Journal, parts.Sessions, Lease, parts.Node, parts.Options, parts.Loggers);
        Views = new ClusterViews(parts.Store, parts.System.Time);
        Ownership = new ClusterOwnership(
            parts.System, new ShardControllerParts(Shards, Lease, Views, parts.Store, parts.Journal, parts.Options, parts.System.Time, logger),
            parts.Signals, parts.Identity, parts.Founding, parts.Ladder)
        {
            Admission = parts.Admission,
        };
    }

    public LeaseKeeper Lease { get; }

    public NodeShards Shards { get; }

    public ClusterViews Views { get; }

    public ClusterOwnership Ownership { get; }
}
