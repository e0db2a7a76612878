using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Backhaul.Client.AspNetCore;

/// <summary>
/// Handles launches, a few sessions at a time: attach, drain, complete. Meanwhile the service counts as attached, so that no other launch is sent, here or
/// to another replica. A launch whose events cannot be handled within <see cref="HandlingTime"/> is abandoned; the node sends another, later each time.
/// </summary>
internal sealed class LaunchRunner(BackhaulClient client, SessionBook book, LaunchQueue queue, TimeProvider time, ILogger<LaunchRunner> logger) : BackgroundService
{
    internal static readonly TimeSpan HandlingTime = TimeSpan.FromMinutes(15);

    private const int AtOnce = 4;

    private readonly CancellationTokenSource _hurry = new();

    /// <summary>The host's limit is the delegates' too: then what they do is cancelled.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        var stopping = base.StopAsync(cancellationToken);
        await using var limit = cancellationToken.Register(_hurry.Cancel);   // behind it: what was registered last is called first, and its end would take this away
        await stopping;
    }

    public override void Dispose()
    {
        _hurry.Dispose();
        base.Dispose();
    }

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
        using var abort = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _hurry.Token);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(abort.Token);
        var session = client.Session(launch.Session);
        var view = await session.CreateOrAttachAsync(registered.Configuration, either.Token);
        var attached = StayAttachedAsync(session, view.LastEvent, over.Token);
        try
        {
            var handled = await session.DrainAsync(book.DelegateOf(registered), registered.Options, either.Token, abort.Token);
            await session.CompleteLaunchAsync(launch.Number, stop: either.Token);
            logger.LaunchHandled(launch.Session, launch.Number, launch.Reason, handled);
        }
        finally
        {
            await over.CancelAsync();
            await attached.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);   // what refuses the stream refuses the drain as well
        }
    }

    /// <summary>Holds a stream open and hands nothing over: the drain reads the same events by pages. Begins at once.</summary>
    private static async Task StayAttachedAsync(BackgroundSession session, long last, CancellationToken over)
    {
        await foreach (var _ in session.ReadEventsAsync(last, stop: over))
        {
        }
    }
}
