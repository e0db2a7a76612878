using Backhaul.Node.Routing;
using Backhaul.Node.Sharding;

namespace Backhaul.Node.Hosting;

/// <summary>
/// The start of a node, in the order in which its promises become true: the store is open and this node's epochs are in it, every
/// shard is held, recovery has begun; only then do clients find an open port, because the web server is the last of the hosted
/// services. When all of them run, the node is ready and says so.
/// </summary>
internal sealed class NodeStart(IOwnership ownership, NodeReadiness readiness, LifeProbe life, StartMessage message) : IHostedLifecycleService
{
    public Task StartAsync(CancellationToken cancellationToken) => ownership.StartAsync(cancellationToken);

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        readiness.BecomeReady(() => ownership.IsReady);
        message.Print(Console.Out);
        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        readiness.WatchLife(life.IsAlive);
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
