using Backhaul.Node.Journal;

namespace Backhaul.Node.Sharding;

/// <summary>
/// Who decides which shards this node holds. Embedded: all of them, from the start to the drain. Cluster: what the plan gives it. Both work
/// on <see cref="NodeShards"/>.
/// </summary>
internal interface IOwnership
{
    /// <summary>Every shard that this node should hold is open.</summary>
    bool IsReady { get; }

    /// <summary>Before the first command. Throws when the store refuses: then the node must not start.</summary>
    Task StartAsync(CancellationToken stop);

    /// <summary>
    /// Stops all sessions (transfers checkpoint, sessions save), gives the shards back. Takes at most <c>Drain</c>: what has not stopped
    /// then is left behind, and its late writes are fenced by the release. Returns when it is over, also with the store away. Once; later calls change nothing.
    /// </summary>
    Task DrainAsync(CancellationToken stop);
}

/// <summary>The end of a process that owns nothing any more, whatever it believes.</summary>
internal interface INodeExit
{
    /// <summary>Ends the process at once, without a drain, so that a new incarnation can begin. From any thread.</summary>
    void Lost(string sentence);
}

/// <summary>
/// Moves a shard that this node holds to another member, now. False when it is not held here in good order, or when the other cannot have it.
/// </summary>
internal delegate Task<bool> GiveShard(int shardId, NodeId to, CancellationToken stop);
