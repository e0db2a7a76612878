using Backhaul.Node.Actors;
using Backhaul.Node.Journal;

namespace Backhaul.Node.Sweeping;

/// <summary>
/// Sweeps every container now and then, as long as the node runs. Each node tries; the container's own mark says whether one of them did lately, so that
/// a cluster sweeps as often as one node would. A sweep that fails costs nothing but time: the next one begins anew.
/// </summary>
internal sealed partial class SweeperLoop(
    Sweeper sweeper, RetentionSweep retention, SweeperOptions options, TimeProvider time, IRandom random, ILogger<SweeperLoop> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (options.Every > TimeSpan.Zero)
            {
                // Never at once: nodes that start together, or a rolling restart, have other work first.
                await Task.Delay(options.Every * (0.5 + (random.NextUnit() / 2)), time, stoppingToken);
                foreach (var container in sweeper.Containers)
                    await sweeper.SweepAsync(container, dryRun: false, options.Every * 0.75, stoppingToken);
                await EndRetentionsAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The node stops, or could not start; the host would call this a failure of the loop and show its stack.
        }
    }

    private async Task EndRetentionsAsync(CancellationToken stop)
    {
        try
        {
            await retention.RunAsync(stop);
        }
        catch (JournalStoreException away)
        {
            LogStoreAway(away);
        }
    }

    [LoggerMessage(6106, LogLevel.Warning, "Files whose retention ended could not be listed; the next sweep tries again.")]
    private partial void LogStoreAway(Exception away);
}
