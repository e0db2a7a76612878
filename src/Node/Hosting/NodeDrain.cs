namespace Backhaul.Node.Hosting;

/// <summary>
/// The orderly stop of a node. It runs before any hosted service is stopped, because the web servers would be the first of them:
/// while the sessions put their work down, both edges still answer.
/// <code>
///   readiness 503 ─► no new claims ─► sessions stop, transfers checkpoint, shards given back ─► journal's queue emptied
///                 ─► streams end with a retry hint ─► (host) web servers stop ─► exit 0
/// </code>
/// A session waits for its own appends, so a shard is given back only when what its sessions had to say is written, or their time is over.
/// Each step has its own limit, and the host one for all of them; a step that fails or is late is logged and the next one begins, because
/// what a step leaves undone is undone by the epoch of the next owner, and a stop that hangs helps nobody.
/// </summary>
internal sealed partial class NodeDrain(IReadOnlyList<DrainStep> steps, DrainOptions options, TimeProvider time, ILogger<NodeDrain> log) : IHostedLifecycleService
{
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        LogDraining(options.Shutdown.TotalSeconds);
        var began = time.GetTimestamp();
        foreach (var step in steps)
            await RunAsync(step, cancellationToken); // the host's own limit: DrainOptions.Shutdown
        LogDrained(time.GetElapsedTime(began).TotalSeconds);
    }

    private async Task RunAsync(DrainStep step, CancellationToken stop)
    {
        var began = time.GetTimestamp();
        using var own = new CancellationTokenSource(step.Within, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(own.Token, stop);
        try
        {
            // The step is asked to stop by the token; if it does not listen, it is left behind.
            await step.Run(either.Token).AsTask().WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            LogLate(step.Name, time.GetElapsedTime(began).TotalSeconds);
        }
        catch (Exception failure)
        {
            LogFailed(failure, step.Name);
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
