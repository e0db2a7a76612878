using Backhaul.Node.Routing;

namespace Backhaul.Node.Hosting;

/// <summary>
/// The start of a node, in the order in which its promises become true: the store is open and this node's epochs are in it, every
/// shard is held, recovery has begun; only then do clients find an open port, because the web server is the last of the hosted
/// services. When all of them run, the node is ready and says so.
/// </summary>
internal sealed class NodeStart(IReadOnlyList<StartStep> steps, NodeReadiness readiness, StartMessage message) : IHostedLifecycleService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var step in steps)
            await step.Run(cancellationToken);
    }

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        readiness.BecomeReady();
        message.Print(Console.Out);
        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>One step of the start. What it throws ends the start.</summary>
internal sealed record StartStep(string Name, Func<CancellationToken, ValueTask> Run);
