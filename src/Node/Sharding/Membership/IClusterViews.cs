namespace Backhaul.Node.Sharding.Membership;

/// <summary>The newest view of the cluster that this node has read. Whoever routes or reports looks here; nobody reads the store for it.</summary>
internal interface IClusterViews
{
    /// <summary><see cref="ClusterView.Empty"/> before the first was read.</summary>
    ClusterView Current { get; }

    /// <summary>After <see cref="Current"/> was replaced; on any thread, and whoever listens must not block.</summary>
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "MA0046", Justification = "There is nothing to say besides that it changed.")]
    event Action? Changed;

    /// <summary>Reads the store once more now. Throws when the store cannot be read; the next regular look comes anyway.</summary>
    Task RefreshAsync(CancellationToken stop);
}
