using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Backhaul.Client.AspNetCore;

/// <summary>
/// Keeps the registered sessions attached while the service runs: attaches, hands over events, attaches again when that fails, and stops in
/// good order. A session that ended is left alone until the service starts again.
/// </summary>
internal sealed class AttachedSessions(BackhaulClient client, SessionBook book, TimeProvider time, ILogger<AttachedSessions> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PauseMax = TimeSpan.FromMinutes(1);
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
        Task.WhenAll(book.All.Select(session => KeepAsync(session, stoppingToken)));

    private async Task KeepAsync(SessionRegistration session, CancellationToken stop)
    {
        var pause = Pause;
        while (true)
        {
            try
            {
                await RunAsync(session, stop);
                return;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failed)
            {
                logger.NotAttached(session.Identifier, pause, failed);
            }
            try
            {
                await Task.Delay(pause, time, stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            pause = pause * 2 < PauseMax ? pause * 2 : PauseMax;
        }
    }

    private async Task RunAsync(SessionRegistration registered, CancellationToken stop)
    {
        var session = client.Session(registered.Identifier);
        if (registered.Presence == SessionPresence.OnLaunch)
        {
            await session.CreateOrAttachAsync(registered.Configuration, stop);
            return;
        }
        var attached = await session.CreateOrAttachAsync(registered.Configuration, book.DelegateOf(registered), registered.Options, stop);
        await using (attached)
        {
            logger.Attached(session.Identifier, attached.View.LastEvent - attached.View.Acknowledged);
            var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registration = stop.Register(() => stopped.TrySetResult());
            await Task.WhenAny(attached.Completion, stopped.Task);
            if (stop.IsCancellationRequested)
                await attached.StopAsync(_hurry.Token);
            await attached.Completion;
            if (!stop.IsCancellationRequested)
                logger.Ended(session.Identifier);
        }
    }
}
