using Backhaul.Node.Journal;

namespace Backhaul.Simulation.Tests.Invariants;

/// <summary>What the oracle may ask a running node.</summary>
internal interface IWatchedNode
{
    string Name { get; }

    NodeId Id { get; }

    /// <summary>The shards for which it would write and send in this moment.</summary>
    IReadOnlyList<ShardGrant> Acting { get; }

    /// <summary>Its clocks broke the assumptions (A2) a short time ago, or it stands still: its trust is not held against it.</summary>
    bool IsExcused { get; }

    /// <summary>Its machine slept until a moment ago.</summary>
    bool JustWoke { get; }

    bool IsDraining { get; }

    /// <summary>Since when a client is attached to a session at this node itself; null: none is.</summary>
    TimeSpan? AttachedSince(Protocol.SessionKey session);

    /// <summary>What is wrong with its queues (I10) or with what waits for an answer (I7); null when nothing is.</summary>
    (string Number, string What)? FindStuck();
}
