using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Backhaul.Client.AspNetCore;

/// <summary>
/// Handles launches, a few sessions at a time: attach, drain, complete. A launch whose events cannot be handled within <see cref="HandlingTime"/> is
/// abandoned; the node sends another, later each time.
/// </summary>
internal sealed class LaunchRunner(BackhaulClient client, SessionBook book, LaunchQueue queue, TimeProvider time, ILogger<LaunchRunner> logger) : BackgroundService
{
    internal static readonly TimeSpan HandlingTime = TimeSpan.FromMinutes(15);

    private const int AtOnce = 4;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => HandleAllAsync(stoppingToken)));

    private async Task HandleAllAsync(CancellationToken stop)
    {
        while (true)
        {
            Launch launch;
            try
            {
                launch = await queue.NextAsync(stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            try
            {
                await HandleAsync(launch, stop);
            }
            catch (Exception failed)
            {
                logger.LaunchAbandoned(launch.Session, launch.Number, failed);
            }
            finally
            {
                queue.Done(launch);
            }
        }
    }

    private async Task HandleAsync(Launch launch, CancellationToken stop)
    {
        var registered = book.Find(launch.Session)!;
        if (registered.Presence == SessionPresence.Attached)
            return;   // the attachment handles its events, and acknowledging them ends the launch
        using var limit = new CancellationTokenSource(HandlingTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop);
        var session = client.Session(launch.Session);
        await session.CreateOrAttachAsync(registered.Configuration, either.Token);
        var handled = await session.DrainAsync(book.DelegateOf(registered), registered.Options, either.Token);
        await session.CompleteLaunchAsync(launch.Number, stop: either.Token);
        logger.LaunchHandled(launch.Session, launch.Number, launch.Reason, handled);
    }
}
