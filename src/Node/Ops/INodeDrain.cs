namespace Backhaul.Node.Ops;

/// <summary>Starts the orderly stop of this node: no new work, checkpoints, shards given back, exit 0.</summary>
internal interface INodeDrain
{
    /// <summary>Returns at once; a second call changes nothing.</summary>
    void Begin();
}

/// <summary>Drains by stopping the host, whose life-cycle does the steps.</summary>
internal sealed class HostDrain(IHostApplicationLifetime lifetime) : INodeDrain
{
    public void Begin() => lifetime.StopApplication();
}
